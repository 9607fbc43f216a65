//! Signs of a compiler in the program that it made, where its sections were not stripped of them: the
//! sections' names, the compilers' own notes, and the names of symbols.

use std::io;

use crate::cli::package::elf::Source;

/// What is read of one section at most: the symbols' names of large programs are a few megabytes.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// More sections than any program has that a compiler made.
const MAX_SECTIONS: u64 = 512;
/// Where the notes and the names of symbols are.  A debugger's strings name the compiler, too.
const TELLING: [&[u8]; 4] = [b".comment", b".strtab", b".dynstr", b".debug_str"];

/// The texts of a program in which a compiler's sign may stand; none where there are no sections.
pub(super) fn texts(source: &(impl Source + ?Sized)) -> Vec<Vec<u8>> {
    read(source).ok().flatten().unwrap_or_default()
}

fn read(source: &(impl Source + ?Sized)) -> io::Result<Option<Vec<Vec<u8>>>> {
    let head = source.part(0, 64)?;
    // Of 64 bits and little-endian, as both of Lambda's architectures are.
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return Ok(None);
    }
    let (Some(table), Some(count), Some(of_names)) =
        (number(&head, 40, 8), number(&head, 60, 2), number(&head, 62, 2))
    else {
        return Ok(None);
    };
    if count > MAX_SECTIONS {
        return Ok(None);
    }
    let sections = sections(source, table, count)?;
    let of_names = usize::try_from(of_names).ok().and_then(|index| sections.get(index));
    let Some(of_names) = of_names else { return Ok(None) };
    let names = of_names.content(source)?;
    let mut texts = Vec::new();
    for section in &sections {
        let name = usize::try_from(section.name).ok().and_then(|from| names.get(from..));
        let name = name.and_then(|name| name.split(|byte| *byte == 0).next()).unwrap_or_default();
        if TELLING.contains(&name) {
            texts.push(section.content(source)?);
        }
    }
    texts.push(names);
    Ok(Some(texts))
}

struct Section {
    name: u64,
    offset: u64,
    size: u64,
}

impl Section {
    fn content(&self, source: &(impl Source + ?Sized)) -> io::Result<Vec<u8>> {
        source.part(self.offset, usize::try_from(self.size).unwrap_or(MAX_BYTES).min(MAX_BYTES))
    }
}

/// The sections, as many as there are.
fn sections(source: &(impl Source + ?Sized), table: u64, count: u64) -> io::Result<Vec<Section>> {
    let mut sections = Vec::new();
    for index in 0..count {
        let entry = source.part(table.saturating_add(index * 64), 64)?;
        let parts = (number(&entry, 0, 4), number(&entry, 24, 8), number(&entry, 32, 8));
        let (Some(name), Some(offset), Some(size)) = parts else { break };
        sections.push(Section { name, offset, size });
    }
    Ok(sections)
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let digits = bytes.get(at..at + length)?;
    Some(digits.iter().rev().fold(0, |value, digit| (value << 8) | u64::from(*digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_sections_has_no_signs() {
        let mut head = b"\x7fELF\x02\x01".to_vec();
        assert_eq!(texts(&head[..]), Vec::<Vec<u8>>::new());
        head.resize(64, 0);
        assert_eq!(texts(&head[..]), Vec::<Vec<u8>>::new());
        head.resize(64, 0xff);
        assert_eq!(texts(&head[..]), Vec::<Vec<u8>>::new());
        // More sections than bytes.
        head[58..].copy_from_slice(&[64, 0, 255, 0, 7, 0]);
        assert_eq!(texts(&head[..]), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn this_very_program_was_made_by_rustc() {
        let own = std::env::current_exe().expect("it runs");
        let own = std::fs::File::open(own).expect("it is there");
        let is_sign = |text: &Vec<u8>| memchr::memmem::find(text, b"rustc version").is_some();
        assert!(texts(&own).iter().any(is_sign));
    }
}
