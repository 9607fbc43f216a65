//! What holds of zips: ours come back byte for byte, and of others nothing comes out beside its folder.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::super::names;
use super::super::tree::{Entry, Role, Tree};
use super::compress::{self, Zipped};
use super::time::DosTime;
use super::unpack::unpack;

/// For all files together; a little more than one of the pieces that a large file is compressed in.
const MAX_BYTES: usize = 1_100_000;
const MAX_NAME_BYTES: usize = 200;
const MAX_FILES: usize = 20;

/// What is unpacked is what was packed, and the same files are the same bytes in whatever order they come.
pub(crate) fn zip(bytes: &[u8]) {
    let files = describe(bytes);
    let folder = tempfile::tempdir().expect("a folder");
    let mut tree = Tree::default();
    for (index, (name, (mode, content))) in files.iter().enumerate() {
        let path = folder.path().join(index.to_string());
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(*mode)).expect("a mode");
        tree.add_file(name.as_bytes(), &path, Role::Included).expect("taken");
    }
    let entries: Vec<&Entry> = tree.entries.iter().collect();
    let (zip, zipped) = write(&entries);
    assert_eq!(zip.len() as u64, zipped.bytes);
    assert_eq!(zipped.sha256, <[u8; 32]>::from(Sha256::digest(&zip)));
    let entries: Vec<&Entry> = tree.entries.iter().rev().collect();
    assert_eq!(write(&entries).0, zip, "in the other order");

    let (packed, to) = (folder.path().join("zip"), folder.path().join("to"));
    fs::write(&packed, &zip).expect("a file");
    fs::create_dir(&to).expect("a folder");
    unpack(&packed, &to).expect("our own zip");
    assert!(list(&to) == files, "what came out is not what went in");
}

fn write(entries: &[&Entry]) -> (Vec<u8>, Zipped) {
    let mut zip = Vec::new();
    let zipped = compress::write(entries, DosTime::EARLIEST, &mut zip, &mut |_, _| ());
    (zip, zipped.expect("a zip"))
}

/// Files by their names, with modes and contents.
type Files = BTreeMap<String, (u32, Vec<u8>)>;

/// The tree that some bytes describe.  For each file: whether it can be run (the lowest bit) and whether its
/// content is repeated (the highest four), the lengths of its name and content, and these two.
fn describe(mut bytes: &[u8]) -> Files {
    let mut files = Files::new();
    let mut room = MAX_BYTES;
    while let [how, name_bytes, content_bytes, rest @ ..] = bytes
        && files.len() < MAX_FILES
    {
        let (name, rest) = rest.split_at(usize::from(*name_bytes).min(rest.len()));
        let (content, rest) = rest.split_at(usize::from(*content_bytes).min(rest.len()));
        bytes = rest;
        let name = String::from_utf8_lossy(name).into_owned();
        // Large files take most of the time, so they are rare.
        let times = match how >> 4 {
            15 => 1 << 15,
            times => 1 << (times / 2),
        };
        let content = content.repeat(times);
        let content = content.get(..room).unwrap_or(&content).to_vec();
        // Names that the findings refuse never come to be written.
        let mut all: Vec<String> = files.keys().cloned().collect();
        all.push(name.clone());
        let is_odd = names::oddity(name.as_bytes()).is_some() || name.len() > MAX_NAME_BYTES;
        if is_odd || names::alike(&all).iter().any(|pair| pair.is_same) {
            continue;
        }
        room -= content.len();
        files.insert(name, (if how & 1 == 1 { 0o755 } else { 0o644 }, content));
    }
    files
}

/// Whatever is in a zip, unpacking it does the same each time, and touches nothing but its folder.
pub(crate) fn unzip(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let packed = folder.path().join("zip");
    fs::write(&packed, bytes).expect("a file");
    let unpacked = ["to", "again"].map(|to| {
        let to = folder.path().join(to);
        fs::create_dir(&to).expect("a folder");
        let said = unpack(&packed, &to).map_err(|error| format!("{error:#}"));
        (said, list(&to))
    });
    let [(said, files), (said_again, files_again)] = &unpacked;
    assert_eq!(said, said_again);
    assert!(files == files_again, "the same zip is other files");
    assert!(files.keys().all(|name| names::oddity(name.as_bytes()).is_none()));
    assert!(said.is_err() || bytes.len() >= 22, "there is no shorter zip");
    assert_eq!(fs::read(&packed).expect("a file"), bytes, "the zip stays as it is");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3);
}

fn list(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(&inner).expect("a folder") {
            let path = entry.expect("an entry").path();
            let metadata = fs::symlink_metadata(&path).expect("an entry");
            if metadata.is_dir() {
                folders.push(path);
                continue;
            }
            assert!(metadata.is_file(), "files and folders, and nothing else");
            let mode = metadata.permissions().mode() & 0o7777;
            // A file may come out as one that nobody may read.
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
            let name = path.strip_prefix(folder).expect("inside").to_string_lossy().into_owned();
            files.insert(name, (mode, fs::read(&path).expect("a file")));
        }
    }
    files
}
