//! Real programs: compilers' output is judged as it runs, and what was packaged answers from its zip.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::invoke_runtime::{companion, run};
use crate::package_support::Project;
use crate::support::{installed, tool};

/// A C program for a target as Zig names it, linked dynamically.
fn build(zig: &Path, project: &Project, name: &str, target: &str, source: &str) {
    let file = project.file(&format!("{name}.c"), source);
    let said = Command::new(zig)
        .args(["cc", "-target", target, "-O1", "-s", "-o", name])
        .arg(file)
        .current_dir(project.path())
        .env("ZIG_GLOBAL_CACHE_DIR", std::env::temp_dir().join("lambda-stdio-zig"))
        .env("ZIG_LOCAL_CACHE_DIR", project.at("cache"))
        .output()
        .unwrap();
    assert!(said.status.success(), "{said:?}");
}

/// What needs the C library of its target, or of any.
const PLAIN: &str = "#include <stdio.h>\nint main(void) { return puts(\"{}\") < 0; }\n";
/// What came with 2.38.
const NEW: &str = "#define _GNU_SOURCE\n#include <string.h>\nint main(int c, char **v) { char to[9]; return (int)strlcpy(to, v[0], 9); }\n";

#[test]
fn programs_for_chosen_c_libraries_are_judged_as_they_would_run() {
    let Some(zig) = tool("LAMBDA_STDIO_ZIG") else { return };
    let project = Project::new();
    build(&zig, &project, "old", "x86_64-linux-gnu.2.17", PLAIN);
    build(&zig, &project, "same", "x86_64-linux-gnu.2.34", PLAIN);
    build(&zig, &project, "new", "x86_64-linux-gnu.2.38", NEW);
    build(&zig, &project, "arm", "aarch64-linux-gnu.2.34", PLAIN);
    build(&zig, &project, "musl", "x86_64-linux-musl", PLAIN);
    let codes = |target: &str, name: &str| {
        let program = format!("./{name}");
        project.codes(&["--check-only", "--arch", "x86_64", "--target", target, &program]).0
    };
    assert_eq!(codes("al2023", "old"), [""; 0]);
    assert_eq!(codes("al2023", "same"), [""; 0]);
    assert_eq!(codes("al2023", "musl"), [""; 0]);
    assert_eq!(codes("al2023", "new"), ["error P006 new"]);
    assert_eq!(codes("al2023", "arm"), ["error P002 arm"]);
    assert_eq!(codes("al2", "old"), ["warning P023 provided.al2"]);
    assert_eq!(codes("al2", "same"), ["error P006 same", "warning P023 provided.al2"]);
}

#[test]
fn what_is_packaged_answers_from_its_zip() {
    let Some(bootstrap) = tool("LAMBDA_STDIO_STATIC") else { return };
    if !installed("unzip") {
        return;
    }
    let project = Project::new();
    std::fs::copy(bootstrap, project.at("static/bootstrap")).unwrap();
    project.file("handler", "#!/bin/sh\nwhile read -r line; do cat data/reply.json; done\n");
    project.file("data/reply.json", "{\"from\":\"the zip\"}\n");
    let said = project.package(&["--include", "data", "./handler"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let unpacked: PathBuf = project.at("task");
    let unzip = Command::new("unzip")
        .args(["-q", "function.zip", "-d", "task"])
        .current_dir(project.path())
        .status();
    assert!(unzip.unwrap().success());
    let mut invoke = companion();
    invoke.args(["invoke", "-d", "{}", "--runtime", "--", "./bootstrap", "handler"]);
    let said = run(invoke.current_dir(unpacked));
    assert_eq!((said.code, said.out.as_str()), (Some(0), "{\"from\":\"the zip\"}\n"), "{said:?}");
}
