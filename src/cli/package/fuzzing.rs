//! What holds of a file that is packaged, and of the loader's cache, whatever is in them.

use std::io::Write;

use super::elf;
use super::files::{self, Content};
use super::ldcache;
use super::shebang::{self, Wrong};

/// Every file is something, and a program on a disk is the same as one in memory.
pub(crate) fn inspect(bytes: &[u8]) {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("room for it");
    let content = files::inspect(&file).expect("it can be read");
    assert_eq!(content, files::inspect(&file).expect("it can be read"), "the same file again");
    match content {
        Content::Empty => assert!(bytes.is_empty()),
        Content::Elf(elf) => assert_eq!(elf::read(bytes).expect("in memory as well"), *elf),
        Content::BrokenElf(why) => {
            assert_eq!(elf::read(bytes).expect_err("in memory as well").to_string(), why);
        }
        Content::Script(line) => {
            assert!(bytes.starts_with(&[b"#!", line.as_slice()].concat()));
            assert!(!line.contains(&b'\n') && line.len() < 256);
            shebang(&line);
        }
        Content::Windows => assert!(bytes.starts_with(b"MZ")),
        Content::MacOs => assert!(matches!(bytes, [0xcf | 0xca, 0xfa | 0xfe, ..])),
        Content::Other => assert!(!bytes.starts_with(b"#!") && !bytes.starts_with(b"\x7fELF")),
    }
}

/// A first line names an interpreter, or is wrong for one of two reasons.
pub(crate) fn shebang(line: &[u8]) {
    let is_blank = line.iter().all(|byte| matches!(byte, b' ' | b'\t'));
    match shebang::parse(line) {
        Ok(shebang) => {
            assert!(!line.ends_with(b"\r") && !is_blank);
            let text = String::from_utf8_lossy(line);
            let words: Vec<&str> =
                text.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            assert_eq!(words.first(), Some(&shebang.interpreter.as_str()));
            if let Some(program) = shebang.by_env {
                assert!(shebang.interpreter == "env" || shebang.interpreter.ends_with("/env"));
                assert!(words.iter().skip(1).any(|word| *word == program));
                assert!(!program.starts_with('-') && !program.contains('='));
            }
        }
        Err(Wrong::CarriageReturn) => assert!(line.ends_with(b"\r")),
        Err(Wrong::Empty) => assert!(is_blank),
    }
}

/// The cache gives no more than it has room for, and one that is cut gives some of the same.
pub(crate) fn ldcache(bytes: &[u8], cuts: &[usize]) {
    let whole = ldcache::parse(bytes);
    assert_eq!(ldcache::parse(bytes), whole, "the same file again");
    assert!(whole.len() <= bytes.len() / 24);
    for text in whole.iter().flat_map(|(name, path)| [name, path]) {
        // A byte that is no UTF-8 becomes three.
        assert!(!text.contains('\0') && text.len() < 3 * 4_096);
    }
    for cut in cuts {
        let part = ldcache::parse(bytes.get(..*cut).unwrap_or_default());
        let mut rest = whole.iter();
        assert!(part.iter().all(|entry| rest.any(|other| other == entry)), "cut at {cut}");
    }
}
