use std::io::Read;
use std::path::Path;

use proptest::prelude::*;

use super::super::super::tree::{Role, Tree};
use super::*;

/// A tree of files of these contents, and its zip.
fn zip(contents: &[Vec<u8>]) -> (Vec<u8>, Zipped) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut tree = Tree::default();
    for (index, content) in contents.iter().enumerate() {
        let path = folder.path().join(format!("f{index:03}"));
        std::fs::write(&path, content).expect("a file");
        tree.add_file(format!("f{index:03}").as_bytes(), &path, Role::Included).expect("taken");
    }
    let entries: Vec<&Entry> = tree.entries.iter().rev().collect();
    let mut out = Vec::new();
    let zipped = write(&entries, DosTime::EARLIEST, &mut out, &mut |_, _| ()).expect("a zip");
    assert_eq!(out.len() as u64, zipped.bytes);
    (out, zipped)
}

/// What an entry unpacks to, by its record.
fn unpack(zip: &[u8], record: &Record) -> Vec<u8> {
    let from = record.offset as usize + 30 + record.name.len();
    let bytes = &zip[from..from + record.sizes.compressed as usize];
    match record.method {
        Method::Stored => bytes.to_vec(),
        Method::Deflated => {
            let mut plain = Vec::new();
            flate2::read::DeflateDecoder::new(bytes).read_to_end(&mut plain).expect("deflated");
            plain
        }
    }
}

fn check(contents: &[Vec<u8>]) {
    let (out, zipped) = zip(contents);
    assert_eq!(zipped.sha256, <[u8; 32]>::from(Sha256::digest(&out)));
    assert_eq!(zipped.records.len(), contents.len());
    for (record, content) in zipped.records.iter().zip(contents) {
        assert_eq!(unpack(&out, record), *content);
        assert_eq!(record.sizes.crc, crc32fast::hash(content));
        assert_eq!(record.sizes.plain as usize, content.len());
    }
}

#[test]
fn files_of_every_size_come_back() {
    let piece = usize::try_from(PIECE_BYTES).expect("a megabyte");
    let noise = |length: usize| -> Vec<u8> {
        let mut state = 1u32;
        let step = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length).map(step).collect()
    };
    check(&[vec![], vec![0], vec![b'x'; 100], noise(100)]);
    for size in [piece - 1, piece, piece + 1, 3 * piece, 3 * piece + 5] {
        check(&[vec![b'a'; size], noise(size)]);
    }
}

#[test]
fn a_small_file_that_does_not_shrink_is_stored() {
    let (_, zipped) = zip(&[vec![1, 2, 3], vec![0; 1_000]]);
    let methods: Vec<Method> = zipped.records.iter().map(|record| record.method).collect();
    assert_eq!(methods, [Method::Stored, Method::Deflated]);
}

fn changed(change: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    std::fs::write(&path, "content").expect("a file");
    let mut tree = Tree::default();
    tree.add_file(b"f", &path, Role::Included).expect("taken");
    change(&tree.entries[0].path);
    let entries: Vec<&Entry> = tree.entries.iter().collect();
    let error =
        write(&entries, DosTime::EARLIEST, io::sink(), &mut |_, _| ()).expect_err("changed");
    error.to_string().replace(&tree.entries[0].path.display().to_string(), "f")
}

#[test]
fn a_file_that_changes_is_told() {
    let told = "f was changed while it was being packaged; package again when nothing writes to it";
    assert_eq!(changed(|path| std::fs::write(path, "con").expect("shorter")), told);
    assert_eq!(changed(|path| std::fs::write(path, "content!").expect("longer")), told);
    assert_eq!(changed(|path| std::fs::remove_file(path).expect("gone")), told);
    let replaced = changed(|path| {
        std::fs::remove_file(path).expect("gone");
        std::fs::write(path.with_extension("new"), "content").expect("another");
        std::fs::rename(path.with_extension("new"), path).expect("in its place");
    });
    assert_eq!(replaced, told);
    let linked = changed(|path| {
        std::fs::remove_file(path).expect("gone");
        std::os::unix::fs::symlink("/etc/passwd", path).expect("a link");
    });
    assert_eq!(linked, "f cannot be read");
}

#[test]
fn what_cannot_be_written_is_told() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut tree = Tree::default();
    for index in 0..100 {
        let path = folder.path().join(index.to_string());
        std::fs::write(&path, vec![b'x'; 1000]).expect("a file");
        tree.add_file(index.to_string().as_bytes(), &path, Role::Included).expect("taken");
    }
    let entries: Vec<&Entry> = tree.entries.iter().collect();
    let error = write(&entries, DosTime::EARLIEST, Full, &mut |_, _| ()).expect_err("full");
    assert_eq!(error.to_string(), "the zip cannot be written");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_content_comes_back(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2_000), 0..6)) {
        check(&contents);
    }
}
