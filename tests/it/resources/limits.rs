//! Limits of the whole process, from far too little upwards.

use std::os::unix::process::CommandExt;

use super::deployed;
use super::scenario::{Price, all, play};

/// A bridge under a limit of this kind, at each of these values, serves or says why it does not.
fn swept(limit: &str, values: impl Iterator<Item = u64>) {
    let Some(program) = deployed() else { return };
    // Where there is too little, more than one invocation may find that out.
    let price = Price { errors: 6, lost: 0 };
    let values: Vec<u64> = values.collect();
    let wrong = all(&values, |value| {
        let words = format!("exec prlimit --{limit}={value} \"$0\" \"$@\"");
        play(&program, price, |bridge| bridge.through(&words))
            .map_err(|said| format!("{limit} {value}: {said}"))
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn descriptors_may_be_few() {
    swept("nofile", 3..32);
}

#[test]
fn memory_may_be_little() {
    // Below these there is no room for the program itself, or for what Rust's start needs before `main`.
    swept("as", (5..24).map(|quarters| quarters * 256 * 1024));
    swept("data", (2..24).map(|pages| pages * 64 * 1024));
}

#[test]
fn processes_may_be_few() {
    if std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) != 0 {
        eprintln!("not run: only root can become a user of whom nothing else runs");
        return;
    }
    let Some(program) = deployed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let ours = folder.path().join("bootstrap");
    crate::desk::install(std::path::Path::new(&program), &ours);
    // Root is above this limit; a number that no one else uses has nothing running but this.
    let user = 60_000 + std::process::id() % 5_000;
    let mut wrong = Vec::new();
    for processes in 1..6 {
        let words = format!("exec prlimit --nproc={processes} \"$0\" \"$@\"");
        let price = Price { errors: 6, lost: 0 };
        let told = play(ours.as_os_str(), price, |bridge| {
            bridge.through(&words).adjust(|command| {
                command.uid(user).gid(user);
            })
        });
        if let Err(said) = told {
            wrong.push(format!("nproc {processes}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
