//! `lambda-stdio new`: a whole project or nothing, whatever the folder is.  That each language's project is
//! built and answers is tests/examples.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::invoke_runtime::{Said, companion, run, spawn};

fn says(folder: &TempDir, arguments: &[&str]) -> Said {
    run(companion().arg("new").args(arguments).current_dir(folder.path()))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_project_is_made_and_the_next_commands_are_told() {
    let folder = TempDir::new().unwrap();
    let said = says(&folder, &["c", "greeter"]);
    assert_eq!((said.code, said.err.contains("error")), (Some(0), false), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("greeter: a handler in C, in README.md, "), "{said:?}");
    assert_eq!(lines[3], "  lambda-stdio invoke -C greeter -d '{\"name\":\"Ada\"}'");
    let made = folder.path().join("greeter");
    let expected =
        [".gitignore", "Makefile", "README.md", "handler.c", "lambda-stdio.toml", "test.sh"];
    assert_eq!(names(&made), expected);
    let run_bits =
        |name: &str| std::fs::metadata(made.join(name)).unwrap().permissions().mode() & 0o111;
    assert_eq!((run_bits("handler.c"), run_bits("test.sh") & 0o100), (0, 0o100));
    // In its own words, where a shell would take the name apart.
    let said = says(&folder, &["C", "two words/it's"]);
    assert!(said.out.contains("invoke -C 'two words/it'\\''s' -d"), "{said:?}");
}

#[test]
fn the_folder_is_the_languages_name_where_none_is_given() {
    let folder = TempDir::new().unwrap();
    let json = says(&folder, &["--json", "c++"]).json();
    assert_eq!((&json["language"], &json["folder"]), (&"cpp".into(), &"cpp".into()), "{json}");
    assert!(json["files"].as_array().unwrap().iter().any(|file| file == "README.md"));
    assert!(folder.path().join("cpp/lambda-stdio.toml").is_file());
}

#[test]
fn an_empty_folder_is_filled_and_another_left_alone() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    assert_eq!(says(&folder, &["jq", "empty"]).code, Some(0));
    assert!(folder.path().join("empty/handler.jq").is_file());
    let before = names(&folder.path().join("empty"));
    for (place, why) in
        [("empty", "the folder is not empty (it has "), (".", "the folder is not empty")]
    {
        let said = says(&folder, &["c", place]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
    assert_eq!(names(&folder.path().join("empty")), before);
    std::fs::write(folder.path().join("file"), "mine").unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("link")).unwrap();
    for place in ["file", "link", "file/below"] {
        let said = says(&folder, &["c", place]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.starts_with(&format!("error: {place} is not made: ")), "{said:?}");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("file")).unwrap(), "mine");
    assert_eq!(names(folder.path()), ["empty", "file", "link"]);
}

#[test]
fn in_an_empty_folder_itself() {
    let folder = TempDir::new().unwrap();
    // A repository without a file is empty to its owner.
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    assert_eq!(says(&folder, &["jq", "."]).code, Some(0));
    assert!(folder.path().join("handler.jq").is_file());
}

#[test]
fn what_is_told_is_right_from_where_the_user_stands() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    let said = run(companion().args(["-C", "sub", "new", "jq", "it"]).current_dir(folder.path()));
    assert!(said.out.starts_with("sub/it: a handler in jq"), "{said:?}");
    assert!(said.out.contains("invoke -C sub/it -d"), "{said:?}");
    let said = says(&folder, &["jq", "--", "-y"]);
    assert!(said.out.contains("invoke -C ./-y -d"), "{said:?}");
    let odd = std::ffi::OsStr::from_bytes(b"bad\xff");
    let said = run(companion().args(["new", "--json", "jq"]).arg(odd).current_dir(folder.path()));
    assert_eq!(said.json()["folder"], "bad\u{fffd}", "{said:?}");
}

#[test]
fn two_at_once_make_one_project() {
    let folder = TempDir::new().unwrap();
    let start = || spawn(companion().args(["new", "c", "there"]).current_dir(folder.path()));
    let ends = [start(), start()].map(|child| child.wait_with_output().unwrap().status.code());
    assert!(ends.contains(&Some(0)), "{ends:?}");
    assert!(folder.path().join("there/handler.c").is_file());
    assert_eq!(names(folder.path()), ["there"]);
}

#[test]
fn a_language_that_is_not_there_is_told_with_those_that_are() {
    let folder = TempDir::new().unwrap();
    let said = says(&folder, &["cobol"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains("there is no scaffold for \"cobol\"; there is one for bash, c, "),
        "{said:?}"
    );
    assert_eq!(says(&folder, &[]).code, Some(2));
    assert!(names(folder.path()).is_empty());
}

#[test]
fn the_list_tells_what_is_installed() {
    let folder = TempDir::new().unwrap();
    let rows = says(&folder, &["--list", "--json"]).json();
    let rows = rows.as_array().unwrap();
    assert!(rows.len() >= 17, "{}", rows.len());
    // Nothing is installed where nothing is found.
    let said = run(companion().args(["new", "--list"]).env("PATH", folder.path()));
    assert_eq!(said.out.lines().count(), rows.len());
    let go = said.out.lines().find(|line| line.starts_with("go ")).unwrap();
    assert!(go.ends_with("needs go"), "{go}");
    let said = run(companion()
        .args(["new", "go", "there"])
        .env("PATH", folder.path())
        .current_dir(folder.path()));
    assert_eq!(
        said.err,
        "hint: not installed here: go; Debian's packages are golang-go, and README.md says more\n"
    );
}
