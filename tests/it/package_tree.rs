//! Trees that are not as they should be: what is in them is told, and nothing waits for it.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use nix::sys::stat::Mode;

use crate::package_support::{Project, files};

fn codes(project: &Project) -> Vec<String> {
    let (codes, exit) = project.codes(&["--include", "data", "./handler"]);
    assert_eq!(exit == 3, codes.iter().any(|code| code.starts_with("error")), "{codes:?}");
    codes
}

#[test]
fn links_inside_are_followed_and_others_are_told() {
    let project = Project::with_handler();
    project.file("data/real/file", "x");
    symlink("real/file", project.at("data/alias")).unwrap();
    symlink("real", project.at("data/folder")).unwrap();
    let json = project.package(&["--json", "--include", "data", "./handler"]).json();
    let inside = ["data/alias 0644", "data/folder/file 0644", "data/real/file 0644"];
    assert_eq!(files(&json, 0)[1..4], inside);

    symlink("/etc/hostname", project.at("data/out")).unwrap();
    symlink("../handler", project.at("data/up")).unwrap();
    symlink("nothing", project.at("data/dangling")).unwrap();
    symlink("me", project.at("data/me")).unwrap();
    symlink("..", project.at("data/real/circle")).unwrap();
    let told = ["dangling", "folder/circle", "me", "out", "real/circle", "up"];
    assert_eq!(codes(&project), told.map(|name| format!("error P010 data/{name}")));
}

#[test]
fn pipes_sockets_and_devices_are_told_and_never_opened() {
    let project = Project::with_handler();
    project.file("data/x", "x");
    nix::unistd::mkfifo(&project.at("data/pipe"), Mode::S_IRWXU).unwrap();
    let _socket = UnixListener::bind(project.at("data/socket")).unwrap();
    assert_eq!(codes(&project), ["error P011 data/pipe", "error P011 data/socket"]);
    // The program itself may be one, too.
    assert!(project.codes(&["./data/pipe"]).0.iter().any(|code| code.starts_with("error P011")));
    assert!(project.codes(&["/dev/null"]).0.iter().any(|code| code.starts_with("error P011")));
}

#[test]
fn modes_are_two_whatever_they_are_here() {
    let project = Project::with_handler();
    for (name, mode) in [("a", 0o600), ("b", 0o4711), ("c", 0o666), ("d", 0o1777), ("e", 0o644)] {
        project.file(&format!("data/{name}"), name);
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(project.at(&format!("data/{name}")), mode).unwrap();
    }
    std::fs::set_permissions(project.at("handler"), std::fs::Permissions::from_mode(0o644))
        .unwrap();
    let json = project.package(&["--json", "--include", "data", "./handler"]).json();
    assert_eq!(
        files(&json, 0),
        [
            "bootstrap 0755",
            "data/a 0644",
            "data/b 0755",
            "data/c 0644",
            "data/d 0755",
            "data/e 0644",
            "handler 0755"
        ]
    );
    assert_eq!(json["findings"][0]["code"], "P009", "the run bit is set, and said so: {json}");
}

#[test]
fn odd_and_similar_names_are_told() {
    let project = Project::with_handler();
    for name in
        ["data/a\\b", "data/line\nend", "data/README", "data/readme", "data/é", "data/e\u{301}"]
    {
        project.file(name, "x");
    }
    let bytes = std::ffi::OsStr::from_bytes(b"data/\xff");
    std::fs::write(project.path().join(bytes), "x").unwrap();
    let codes = codes(&project);
    let of = |code: &str| codes.iter().filter(|told| told.contains(code)).count();
    assert_eq!((of("error P017"), of("warning P016")), (3, 2), "{codes:?}");
}

#[test]
fn two_files_of_one_name_are_told() {
    let project = Project::with_handler();
    project.file("one/x", "1");
    project.file("two/x", "2");
    let said = ["--include", "one/x", "--include", "two/x", "./handler"];
    assert_eq!(project.codes(&said), (vec!["error P015 x".to_owned()], 3));
    project.file("bootstrap", "mine");
    assert_eq!(project.codes(&["--include", "bootstrap", "./handler"]).0, ["error P015 bootstrap"]);
}

#[test]
fn secrets_are_left_out_by_refusing_and_put_in_when_asked() {
    let project = Project::with_handler();
    project.file("data/.env", "PASSWORD=1");
    project.file("data/.git/config", "x");
    project.file("data/.git/HEAD", "x");
    project.file("data/server.pem", "-----BEGIN RSA PRIVATE KEY-----\n");
    project.file("data/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    let told = ["data/.env", "data/.git", "data/server.pem"];
    assert_eq!(codes(&project), told.map(|name| format!("error P012 {name}")));
    let said = ["--allow-secrets", "--include", "data", "./handler"];
    assert_eq!(project.codes(&said), (told.map(|name| format!("note P012 {name}")).to_vec(), 0));
}

#[test]
fn more_than_lambda_unpacks_is_told_before_anything_is_written() {
    let project = Project::with_handler();
    let big = project.file("data/big", "");
    std::fs::File::options().write(true).open(big).unwrap().set_len(262_144_001).unwrap();
    assert_eq!(codes(&project), ["error P014 the package"]);
    assert!(!project.at("function.zip").exists());
}
