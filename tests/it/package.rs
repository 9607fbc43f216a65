//! `lambda-stdio package` as people use it: a program in, a zip and the next command out.

use std::os::unix::fs::symlink;

use crate::invoke_runtime::{companion, run};
use crate::package_support::{Plan, Project, files};

#[test]
fn a_program_becomes_a_zip_and_the_next_command_is_told() {
    let project = Project::with_handler();
    let said = project.package(&["./handler", "-v", "it's"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("function.zip: 242 B unzipped, "), "{said:?}");
    assert_eq!(lines[1..3], ["  bootstrap  0755      121 B", "  handler    0755      121 B"]);
    let hash = lines[3].strip_prefix("  CodeSha256 ").expect("a hash");
    assert_eq!(hash.len(), 44);
    assert_eq!(
        lines[6],
        r#"  aws lambda create-function --function-name handler --runtime provided.al2023 --architectures x86_64 --role "$ROLE_ARN" --handler handler --environment '{"Variables":{"LAMBDA_STDIO_ARGS":"-v '\''it'\''\\'\'''\''s'\''"}}' --zip-file fileb://function.zip"#
    );
    let json = project.package(&["--json", "./handler"]).json();
    assert_eq!(json["zips"][0]["codeSha256"], hash);
    assert_eq!(json["handler"], "handler");
    assert_eq!(json["architecture"], "x86_64");
    assert_eq!(files(&json, 0), ["bootstrap 0755", "handler 0755"]);
}

#[test]
fn a_finding_is_told_with_what_to_do_and_nothing_is_written() {
    let project = Project::with_handler();
    project.file("handler", "#!/usr/bin/python3\n");
    let said = project.package(&["./handler"]);
    assert_eq!((said.code, said.out.as_str()), (Some(3), ""), "{said:?}");
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(
        lines[0],
        "error[P008]: handler: its interpreter /usr/bin/python3 is not in provided.al2023"
    );
    assert!(lines[1].starts_with("hint: deploy an image"), "{said:?}");
    assert!(!project.at("function.zip").exists());
    let colours = run(project.command(&["./handler"]).args(["--color", "always"]));
    assert_eq!(colours.code, Some(3), "its arguments are the program's");
    let mut command = companion();
    command.args(["--color", "always", "package", "--bootstrap", "static/bootstrap", "./handler"]);
    let colours = run(command.current_dir(project.path()));
    assert!(colours.err.starts_with("\x1b[1;31merror[P008]:\x1b[0m handler"), "{colours:?}");
}

#[test]
fn a_check_writes_nothing_and_tells_what_would_be_written() {
    let project = Project::with_handler();
    let said = project.package(&["--check-only", "./handler"]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.starts_with("function.zip (not written: --check-only): 242 B"), "{said:?}");
    assert!(!project.at("function.zip").exists());
    let checked = project.package(&["--json", "--check-only", "./handler"]).json();
    let written = project.package(&["--json", "./handler"]).json();
    assert_eq!(checked["zips"][0]["codeSha256"], written["zips"][0]["codeSha256"]);
    assert_eq!(checked["zips"][0]["isWritten"], false);
}

#[test]
fn bundle_and_zip_are_the_same_command() {
    let project = Project::with_handler();
    for name in ["bundle", "zip"] {
        let mut command = companion();
        command.args([name, "--check-only", "--bootstrap", "static/bootstrap", "./handler"]);
        assert_eq!(run(command.current_dir(project.path())).code, Some(0), "{name}");
    }
}

#[test]
fn libraries_that_the_target_lacks_are_bundled_and_the_others_are_not() {
    let project = Project::new();
    let library = Plan { machine: 62, is_library: true, ..Plan::default() };
    project.elf(
        "own/libown.so.1",
        &Plan { needed: &["libdeep.so.2", "libz.so.1"], ..library.clone() },
    );
    project.elf("own/libdeep.so.2", &library);
    project.elf(
        "handler",
        &Plan {
            machine: 62,
            interpreter: Some("/lib64/ld-linux-x86-64.so.2"),
            needed: &["libown.so.1", "libc.so.6"],
            rpath: Some("$ORIGIN/own"),
            versions: &[("libc.so.6", "GLIBC_2.34", false)],
            ..Plan::default()
        },
    );
    project.run_bit("handler");
    let json = project.package(&["--json", "./handler"]).json();
    let names = ["bootstrap 0755", "handler 0755", "lib/libdeep.so.2 0755", "lib/libown.so.1 0755"];
    assert_eq!(files(&json, 0), names, "{json}");
    assert_eq!(json["libraries"][1]["neededBy"], "libown.so.1");

    std::fs::remove_file(project.at("own/libdeep.so.2")).unwrap();
    let (codes, exit) = project.codes(&["./handler"]);
    assert_eq!((codes, exit), (vec!["error P005 handler".to_owned()], 3));
    // What is included at the place that LD_LIBRARY_PATH leads to is found there.
    project.elf("lib/libdeep.so.2", &library);
    let (codes, exit) = project.codes(&["--include", "lib", "./handler"]);
    assert_eq!((codes, exit), (vec![], 0));
}

#[test]
fn each_fault_of_a_program_is_found_from_its_file() {
    let project = Project::new();
    let dynamic = Plan {
        machine: 62,
        interpreter: Some("/lib64/ld-linux-x86-64.so.2"),
        needed: &["libc.so.6"],
        ..Plan::default()
    };
    project
        .elf("new", &Plan { versions: &[("libc.so.6", "GLIBC_2.38", false)], ..dynamic.clone() });
    project
        .elf("weak", &Plan { versions: &[("libc.so.6", "GLIBC_2.38", true)], ..dynamic.clone() });
    project.elf("musl", &Plan { interpreter: Some("/lib/ld-musl-x86_64.so.1"), ..dynamic.clone() });
    project.elf("lonely", &Plan { needed: &["libnowhere.so.9"], ..dynamic.clone() });
    project.elf("arm", &Plan { machine: 183, ..Plan::default() });
    let whole = std::fs::read(project.at("new")).unwrap();
    project.file("cut", &whole[..100]);
    project.file("empty", "");
    project.file("exe", "MZ\0\0");
    project.file("text", "echo hello\n");
    project.file("crlf", "#!/bin/sh\r\necho\r\n");
    project.file("node", "#!/usr/bin/env node\n");
    project.file("sh", "#!/bin/sh\n");
    for (name, codes) in [
        ("new", &["P006"][..]),
        ("weak", &[]),
        ("musl", &["P004"]),
        ("lonely", &["P005"]),
        ("cut", &["P003"]),
        ("empty", &["P001"]),
        ("exe", &["P001"]),
        ("text", &["P001"]),
        ("crlf", &["P007"]),
        ("node", &["P008"]),
        ("sh", &[]),
    ] {
        project.run_bit(name);
        let program = format!("./{name}");
        let (found, exit) = project.codes(&["--check-only", &program]);
        let expected: Vec<String> =
            codes.iter().map(|code| format!("error {code} {name}")).collect();
        assert_eq!(found, expected, "{name}");
        assert_eq!(exit, if codes.is_empty() { 0 } else { 3 }, "{name}");
    }
    project.run_bit("arm");
    let wrong = ["--check-only", "--arch", "x86_64", "./arm"];
    assert_eq!(project.codes(&wrong).0, ["error P002 arm"]);
    // Without --arch the program says which it is, and the bootstrap has to be for the same.
    assert_eq!(project.codes(&["--check-only", "./arm"]).0, ["error P002 bootstrap"]);
}

#[test]
fn a_dynamic_bootstrap_is_refused() {
    let project = Project::with_handler();
    let interpreter = Some("/lib64/ld-linux-x86-64.so.2");
    project.elf("static/bootstrap", &Plan { machine: 62, interpreter, ..Plan::default() });
    let said = project.package(&["./handler"]);
    assert_eq!(said.code, Some(3));
    assert!(said.err.starts_with("error[P018]: bootstrap: "), "{said:?}");
    assert!(said.err.contains("--bootstrap FILE"), "{said:?}");
}

#[test]
fn a_layer_takes_the_bootstrap() {
    let project = Project::with_handler();
    let json = project.package(&["--json", "--layer", "layer.zip", "./handler"]).json();
    assert_eq!(
        (files(&json, 0), files(&json, 1)),
        (vec!["handler 0755".to_owned()], vec!["bootstrap 0755".to_owned()])
    );
    let commands = json["commands"].as_array().unwrap();
    let command = |at: usize| commands[at].as_str().unwrap();
    assert!(command(0).starts_with("aws lambda publish-layer-version "), "{json}");
    assert!(command(1).contains(" --layers \"$LAYER_VERSION_ARN\" "), "{json}");
    let alone = project.package(&["--json", "--layer", "alone.zip"]).json();
    assert_eq!(alone["zips"].as_array().unwrap().len(), 1);
    assert_eq!(alone["zips"][0]["codeSha256"], json["zips"][1]["codeSha256"]);
}

#[test]
fn a_folder_keeps_its_name_and_its_program_is_started_there() {
    let project = Project::new();
    project.file("rel/app/bin/app", "#!/bin/sh\n");
    project.run_bit("rel/app/bin/app");
    project.file("rel/app/lib/a.beam", "x");
    symlink("a.beam", project.at("rel/app/lib/b.beam")).unwrap();
    let said = ["--json", "--include", "rel/app", "--", "rel/app/bin/app", "start"];
    let json = project.package(&said).json();
    let names =
        ["app/bin/app 0755", "app/lib/a.beam 0644", "app/lib/b.beam 0644", "bootstrap 0755"];
    assert_eq!(files(&json, 0), names);
    assert_eq!(json["handler"], "app/bin/app");
    let json = project.package(&["--json", "--include", "rel/app/", "rel/app/bin/app"]).json();
    assert_eq!(json["handler"], "bin/app");
}

#[test]
fn a_program_of_the_target_is_not_packaged_and_a_forgotten_script_is_told() {
    let project = Project::new();
    project.file("main.sh", "echo\n");
    let said = ["--check-only", "bash", "main.sh"];
    assert_eq!(project.codes(&said), (vec!["warning P019 main.sh".to_owned()], 0));
    let json = project.package(&["--json", "--include", "main.sh", "bash", "main.sh"]).json();
    assert_eq!(files(&json, 0), ["bootstrap 0755", "main.sh 0644"]);
    assert_eq!((&json["handler"], json["findings"].as_array().unwrap().len()), (&"bash".into(), 0));
}

#[test]
fn what_is_not_there_is_wrong_usage() {
    let project = Project::with_handler();
    for (arguments, error) in [
        (&["./none"][..], "error: the program ./none is not there"),
        (&["no-such-program-anywhere"], "is neither in this folder nor in PATH"),
        (&["static"], "error: static is neither"),
        (&["./static"], "error: the program ./static is a folder"),
        (&["--include", "none", "./handler"], "error: --include none: it is not there"),
        (&["--target", "none", "./handler"], "it is none of al2023, al2, image"),
        (&["--bootstrap", "none", "./handler"], "cannot be used multiple times"),
        (&["-o", "none/x.zip", "./handler"], "its folder none is not there"),
    ] {
        let said = project.package(arguments);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(error), "{said:?}");
    }
}

#[test]
fn an_output_is_never_written_over_what_it_must_not_be() {
    let project = Project::with_handler();
    project.file("data/x", "1");
    symlink("data/x", project.at("link.zip")).unwrap();
    for (output, error) in [
        ("link.zip", "it is a link"),
        ("data", "it is a folder"),
        ("/dev/full", "it is neither a file nor a new name"),
        ("data/function.zip", "which is to be packaged"),
        ("handler", "it is one of the files that are read"),
        ("..", "it names no file"),
        ("new/", "it names no file"),
    ] {
        let said = project.package(&["-o", output, "--include", "data", "./handler"]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.contains(error), "{said:?}");
    }
    assert_eq!(std::fs::read_to_string(project.at("data/x")).unwrap(), "1");
}

#[test]
fn a_library_of_an_included_folder_is_bundled_where_its_program_would_not_find_it() {
    let project = Project::new();
    project.elf("own/libown.so.1", &Plan { machine: 62, is_library: true, ..Plan::default() });
    let own = project.at("own");
    for (runpath, libraries) in [(own.to_str().unwrap(), 1), ("$ORIGIN/own", 0)] {
        let plan = Plan {
            machine: 62,
            interpreter: Some("/lib64/ld-linux-x86-64.so.2"),
            needed: &["libown.so.1"],
            runpath: Some(runpath),
            ..Plan::default()
        };
        project.elf("handler", &plan);
        project.run_bit("handler");
        let json = project.package(&["--json", "--include", "own", "./handler"]).json();
        assert_eq!(json["libraries"].as_array().unwrap().len(), libraries, "{json}");
    }
}

#[test]
fn folders_that_links_make_many_are_told() {
    let project = Project::with_handler();
    for depth in 0..24 {
        project.file(&format!("tree/{depth}/x"), "");
        for link in ["a", "b"] {
            symlink(format!("../{}", depth + 1), project.at(&format!("tree/{depth}/{link}")))
                .unwrap();
        }
    }
    project.file("tree/24/x", "");
    for depth in 0..24 {
        std::fs::remove_file(project.at(&format!("tree/{depth}/x"))).unwrap();
    }
    std::fs::remove_file(project.at("tree/24/x")).unwrap();
    let (codes, exit) = project.codes(&["--check-only", "--include", "tree", "./handler"]);
    assert_eq!(exit, 3);
    assert!(codes.iter().all(|code| code.starts_with("error P021 tree/")), "{codes:?}");
}

#[test]
fn an_old_zip_stays_where_not_all_is_well() {
    let project = Project::with_handler();
    project.file("old.zip", "old");
    let table = r#"{"name":"mine","is_complete":false,"sources":{},"versions":[],"loaders":[],
        "interpreters":[],"libraries":[]}"#;
    project.file("mine.json", table);
    for (arguments, error) in [
        (&["-o", "old.zip", "--layer", "./old.zip", "./handler"][..], "name the same file"),
        (&["-o", "old.zip", "--layer", "/proc/x.zip", "./handler"], "/proc/x.zip"),
        (&["-o", "old.zip", "--layer", "static", "./handler"], "--layer static: it is a folder"),
        (&["-o", "mine.json", "--target", "mine.json", "./handler"], "that are read"),
    ] {
        let said = project.package(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        assert!(said.err.contains(error), "{said:?}");
    }
    let not_text = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
    let mut command = companion();
    command.args(["package", "-o", "old.zip", "./handler"]).arg(not_text);
    let said = run(command.current_dir(project.path()));
    assert!(said.code == Some(2) && said.err.contains("not UTF-8"), "{said:?}");
    assert_eq!(std::fs::read_to_string(project.at("old.zip")).unwrap(), "old");
    assert_eq!(std::fs::read_to_string(project.at("mine.json")).unwrap(), table);
}

#[test]
fn interpreters_may_be_packaged_or_in_a_layer() {
    let project = Project::new();
    for (line, codes, exit) in [
        ("/usr/bin/env -S /bin/bash", vec![], 0),
        ("/usr/bin/env -S -u X bash", vec![], 0),
        ("/var/task/tools/run", vec![], 0),
        ("/var/task/tools/none", vec!["error P008 handler".to_owned()], 3),
        ("/opt/bin/python3", vec!["warning P008 handler".to_owned()], 0),
    ] {
        project.file("handler", format!("#!{line}\n"));
        project.run_bit("handler");
        project.file("tools/run", "x");
        let said = project.codes(&["--check-only", "--include", "tools", "./handler"]);
        assert_eq!(said, (codes, exit), "{line}");
    }
}

#[test]
fn a_table_of_ones_own_is_a_target() {
    let project = Project::new();
    project.elf(
        "handler",
        &Plan {
            machine: 62,
            interpreter: Some("/own/ld.so"),
            needed: &["libown.so.1"],
            versions: &[("libown.so.1", "OWN_3.0", false)],
            ..Plan::default()
        },
    );
    project.run_bit("handler");
    let table = r#"{"name":"mine","is_complete":true,"sources":{"s":"me"},
        "versions":[{"library":"libown.so.1","prefix":"OWN","version":"2.9","source":"s"}],
        "loaders":[{"architecture":"x86_64","path":"/own/ld.so","source":"s"}],"interpreters":[],
        "libraries":[{"name":"libown.so.1","source":"s"}]}"#;
    project.file("mine.json", table);
    let said = project.package(&["--target", "mine.json", "./handler"]);
    assert!(said.err.contains("it needs OWN_3.0 of libown.so.1, and mine has 2.9"), "{said:?}");
    project.file("mine.json", table.replace("2.9", "3.0"));
    let said = project.package(&["--target", "mine.json", "./handler"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert!(!said.out.contains("Next:"), "no runtime of Lambda's: {said:?}");
    project.file("mine.json", table.replace("/own/ld.so", "/own/../../ld.so"));
    let said = project.package(&["--target", "mine.json", "./handler"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("is no absolute path without . and .."), "{said:?}");
}

proptest::proptest! {
    /// The arguments that `package` writes down are those that the bootstrap starts the program with.
    #[test]
    fn arguments_arrive_as_they_were_given(arguments in proptest::collection::vec("[a-z'\"\\\\ $\t\n*é-]{0,8}", 0..5)) {
        let given: Vec<std::ffi::OsString> = arguments.iter().map(Into::into).collect();
        let words = lambda_stdio::cli::package::commands::words(&given).unwrap();
        let split = lambda_stdio::config::words::split(&words).unwrap();
        proptest::prop_assert_eq!(split, arguments);
    }
}
