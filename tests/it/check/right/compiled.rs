//! Compiled handlers that carry their event's own bytes: nothing is wrong with them, not even a value.

use std::process::Command;

use crate::check::Checked;
use crate::invoke_runtime::run;
use crate::support::{Scratch, installed};

/// Compiles this source with these words and checks the program in every scenario; only an
/// echo's note remains, since it takes `{"fail":…}` for an event like any other.
fn is_right(language: &str, source: (&str, &str), compiler: &[&str]) {
    if !installed(compiler[0]) {
        return;
    }
    let folder = Scratch::new();
    std::fs::write(folder.file(source.0), source.1).unwrap();
    let mut build = Command::new(compiler[0]);
    build.args(&compiler[1..]).args(["-o", "handler", source.0]).current_dir(folder.path());
    assert!(build.status().unwrap().success());
    let handler = folder.file("handler");
    let mut checked = Checked::graded("note", &[], &[handler.to_str().unwrap()]);
    let json = run(&mut checked.command).json();
    let findings = json["findings"].as_array().unwrap().iter();
    let codes: Vec<&str> = findings.map(|finding| finding["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["C201"], "{json:#}");
    assert_eq!(json["exitCode"], 0);
    assert_eq!(json["language"].as_str().unwrap_or_default(), language);
    let rows = json["checks"].as_array().unwrap();
    assert_eq!(rows.iter().filter(|row| row["seen"] == "exact").count(), 11, "{json:#}");
}

#[test]
fn in_c() {
    is_right("", ("handler.c", include_str!("handler.c")), &["gcc", "-O2"]);
}

#[test]
fn in_rust() {
    let compiler = ["rustc", "--edition", "2024", "-O", "-C", "strip=symbols"];
    is_right("Rust", ("handler.rs", include_str!("handler.rs")), &compiler);
}
