//! The bootstrap for arm64 on another processor.  `scripts/test` tells the stories anew with it where the
//! kernel gives its program to qemu; here stands what is true where the kernel does not, and that the
//! stories left out then, arm64.tsv, are stories.

use std::collections::BTreeSet;

use crate::fault_table::stories;
use crate::resident::serves_without_a_launcher;
use crate::support::{Bridge, Lambda, tool};

#[test]
fn every_story_left_out_is_a_story_and_has_its_reason() {
    let table = include_str!("arm64.tsv");
    let stories = stories();
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("test\treason"));
    let mut named = BTreeSet::new();
    for line in lines {
        let (name, reason) = line.split_once('\t').unwrap_or_else(|| panic!("two columns: {line}"));
        assert!(stories.contains_key(name), "no such story is told: {name}");
        assert!(reason.contains(' '), "{name} is left out without a reason");
        assert!(named.insert(name), "{name} is left out twice");
    }
}

/// Started by qemu's own name, it is qemu, or a program that the kernel refuses, that `/proc/self/exe` is.
#[test]
fn where_the_launcher_cannot_run_handlers_are_started_directly_with_one_warning() {
    let (Some(qemu), Some(bootstrap)) = (tool("LAMBDA_STDIO_QEMU"), tool("LAMBDA_STDIO_ARM64"))
    else {
        return;
    };
    let lambda = Lambda::start();
    let bridge = Bridge::built_as(qemu, &lambda).program(&[bootstrap.to_str().unwrap()]);
    serves_without_a_launcher(&lambda, bridge);
}
