//! `/etc/ld.so.cache`: where the loader finds libraries by their names, in the format that glibc has
//! written since 2.2.

/// It begins so, perhaps behind a part in an older format.
const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER_BYTES: usize = 48;
const ENTRY_BYTES: usize = 24;

/// Names and paths, in the loader's order; of a file that is none of these, nothing.
///
/// What is built for newer processors (`hwcap`) is left out: a function may run on an older one.
#[must_use]
pub fn parse(file: &[u8]) -> Vec<(String, String)> {
    let Some(at) = memchr::memmem::find(file, MAGIC) else { return Vec::new() };
    let file = file.get(at..).unwrap_or_default();
    let count = word(file, 20).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    let entries = file.get(HEADER_BYTES..).unwrap_or_default().chunks_exact(ENTRY_BYTES);
    entries
        .take(count)
        .filter(|entry| entry.get(16..24).is_some_and(|hwcap| hwcap == [0; 8]))
        .filter_map(|entry| Some((text(file, word(entry, 4)?)?, text(file, word(entry, 8)?)?)))
        .collect()
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn text(file: &[u8], at: u32) -> Option<String> {
    let rest = file.get(usize::try_from(at).ok()?..)?;
    let end = rest.iter().take(4_096).position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(entries: &[(&str, &str, u64)]) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        let word = |number: usize| u32::try_from(number).expect("a small file");
        file.extend(word(entries.len()).to_le_bytes());
        file.resize(HEADER_BYTES, 0);
        let mut strings: Vec<u8> = Vec::new();
        let from = HEADER_BYTES + ENTRY_BYTES * entries.len();
        for (name, path, hwcap) in entries {
            let mut string = |text: &str| {
                let at = word(from + strings.len());
                strings.extend(text.as_bytes());
                strings.push(0);
                at
            };
            let words = [0x0303, string(name), string(path), 0];
            file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            file.extend(hwcap.to_le_bytes());
        }
        file.extend(strings);
        file
    }

    #[test]
    fn names_lead_to_paths_and_newer_processors_are_left_out() {
        let file = cache(&[
            ("libz.so.1", "/lib/glibc-hwcaps/x86-64-v3/libz.so.1", 2 << 62),
            ("libz.so.1", "/lib/libz.so.1", 0),
        ]);
        assert_eq!(parse(&file), [("libz.so.1".to_owned(), "/lib/libz.so.1".to_owned())]);
        let behind_the_old_format = [b"ld.so-1.7.0\0\0\0\0\0".to_vec(), file].concat();
        assert_eq!(parse(&behind_the_old_format).len(), 1);
    }

    #[test]
    fn a_cut_or_foreign_file_gives_what_is_whole() {
        let file = cache(&[("a", "/a", 0), ("b", "/b", 0)]);
        for length in 0..file.len() {
            assert!(parse(&file[..length]).len() <= 2);
        }
        assert_eq!(parse(b"something else"), []);
        let mut many = file;
        many[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(parse(&many).len() < 10);
    }
}
