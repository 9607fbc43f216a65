//! Stories of which program is started, where, and with which paths.

use crate::support::{Bridge, Lambda, Scratch, tagged};

/// Answers with its own path, its working directory and its arguments.
const TELL: &str = r#"#!/bin/sh
IFS='|'
while read -r line; do printf '["%s","%s","%s"]\n' "$0" "$(pwd -P)" "$*"; done
"#;

#[test]
fn the_program_is_what_arguments_or_handler_name() {
    let folder = Scratch::new();
    let root = folder.file("task");
    folder.program("task/bin/tell", TELL);
    let tell = folder.program("task/tell", TELL);
    folder.program("elsewhere/tell", TELL);
    let other = folder.program("elsewhere/other", TELL);
    let (root, elsewhere) = (root.to_str().unwrap(), folder.file("elsewhere"));
    let bin = format!("{root}/bin/tell");
    let (tell, other) = (tell.to_str().unwrap(), other.to_str().unwrap());
    for (arguments, handler, words, file, told) in [
        (vec!["bin/tell", "a b", "c"], "nothing", "ignored", bin.as_str(), "a b|c"),
        (vec![], "bin/tell", r#"x 'y z' "w v" $HOME *"#, &bin, "x|y z|w v|$HOME|*"),
        (vec![], other, "", other, ""),
        (vec![], "tell", "", tell, ""),
        (vec![], "other", "1", other, "1"),
    ] {
        let lambda = Lambda::start();
        let bridge = Bridge::of(&lambda)
            .program(&arguments)
            .env("_HANDLER", handler)
            .env("LAMBDA_STDIO_ARGS", words)
            .env("LAMBDA_TASK_ROOT", root)
            .env("PATH", &format!("{}:/usr/bin:/bin", elsewhere.display()))
            .start();
        let reply: Vec<String> = serde_json::from_slice(&lambda.event("1").body).unwrap();
        assert_eq!(reply, [file, root, told]);
        bridge.leaves_nothing();
    }
}

#[test]
fn without_a_program_to_run_the_init_error_says_where_to_name_one() {
    let lambda = Lambda::start();
    let mut bridge = Bridge::of(&lambda).start();
    let said = lambda.answer().is_error("Runtime.InvalidConfiguration");
    assert!(said.contains("no program to run: set the function's handler"), "{said}");
    assert_eq!(bridge.ended().code(), Some(1));
}

#[test]
fn arguments_with_an_open_quote_are_a_wrong_setting() {
    let lambda = Lambda::start();
    let mut bridge =
        Bridge::of(&lambda).env("_HANDLER", "sh").env("LAMBDA_STDIO_ARGS", "-c 'echo").start();
    let said = lambda.answer().is_error("Runtime.InvalidConfiguration");
    assert!(said.contains("LAMBDA_STDIO_ARGS is \"-c 'echo\""), "{said}");
    assert_eq!(bridge.ended().code(), Some(1));
}

#[test]
fn the_working_directory_is_the_task_root_where_there_is_one() {
    let folder = Scratch::new();
    let tell = folder.program("bin/tell", TELL);
    let here = folder.file("bin").canonicalize().unwrap();
    let missing = folder.file("missing");
    for (root, directory) in
        [(Some(folder.text()), folder.path()), (missing.to_str(), &here), (None, &here)]
    {
        let lambda = Lambda::start();
        let mut builder = Bridge::of(&lambda).program(&[tell.to_str().unwrap()]);
        if let Some(root) = root {
            builder = builder.env("LAMBDA_TASK_ROOT", root);
        }
        let bridge = builder
            .adjust(|command| {
                command.current_dir(&here);
            })
            .start();
        let reply: Vec<String> = serde_json::from_slice(&lambda.event("1").body).unwrap();
        let directory = directory.canonicalize().unwrap();
        assert_eq!(reply[1], directory.to_str().unwrap(), "{root:?}");
        bridge.leaves_nothing();
    }
}

#[test]
fn paths_lead_to_the_task_root_and_there_is_a_home() {
    let tell = |variable: &str| tagged(&format!(r#""\"${variable}\"""#));
    for (variable, given, seen) in [
        ("PATH", Some("/usr/bin:/bin"), "/usr/bin:/bin:/tmp"),
        ("PATH", Some("/usr/bin:/tmp:/bin"), "/usr/bin:/tmp:/bin"),
        ("LD_LIBRARY_PATH", None, "/tmp:/tmp/lib"),
        ("LD_LIBRARY_PATH", Some("/opt/lib:/tmp/lib"), "/opt/lib:/tmp/lib:/tmp"),
        ("HOME", None, "/tmp"),
        ("HOME", Some("/root"), "/root"),
    ] {
        let lambda = Lambda::start();
        let mut builder = Bridge::of(&lambda).env("LAMBDA_TASK_ROOT", "/tmp");
        if let Some(given) = given {
            builder = builder.env(variable, given);
        }
        let bridge = builder.shell(&tell(variable)).start();
        lambda.event("1").is_response(&format!("{seen:?}"));
        bridge.leaves_nothing();
    }
}
