//! `lambda-stdio.toml`: the commands without a program do what the folder's file says.

use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::invoke_runtime::{Said, companion, run, run_with, spawn};
use crate::package_support::Project;
use crate::support::{Scratch, eventually, tool};

/// Answers with the event and two variables.
const HANDLER: &str = r#"while read -r line; do
    event=${line#*\"event\":}
    printf '[%s,"%s","%s MB"]\n' "${event%%,\"context\"*}" "$GREETING" "$AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
done
"#;
const FILE: &str = r#"
program = ["sh", "handler"]
build = "echo building; cp handler.in handler"
event = '"from the file"'
memory = 256
timeout = 20
[environment]
GREETING = "hello"
"#;

/// A folder with a file and the handler's source.
fn project(file: &str) -> Scratch {
    let folder = Scratch::new();
    std::fs::write(folder.path().join("lambda-stdio.toml"), file).unwrap();
    std::fs::write(folder.path().join("handler.in"), HANDLER).unwrap();
    folder
}

fn command(folder: &Scratch, arguments: &[&str]) -> Command {
    let mut command = companion();
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command
}

fn says(folder: &Scratch, arguments: &[&str]) -> Said {
    run(&mut command(folder, arguments))
}

#[test]
fn what_is_invoked_is_built_first_and_has_the_files_settings() {
    let folder = project(FILE);
    let said = says(&folder, &["invoke"]);
    assert_eq!(
        (said.code, said.out.as_str()),
        (Some(0), "[\"from the file\",\"hello\",\"256 MB\"]\n")
    );
    assert!(said.err.starts_with("building\n"), "{said:?}");
    let said = says(&folder, &["invoke", "-d", "1", "--memory", "512", "-e", "GREETING=hi"]);
    assert_eq!(said.out, "[1,\"hi\",\"512 MB\"]\n", "{said:?}");
    let said = run_with(&mut command(&folder, &["invoke"]), "2");
    assert_eq!(said.out, "[2,\"hello\",\"256 MB\"]\n", "{said:?}");
}

#[test]
fn another_folder_is_named_by_its_option() {
    let folder = project(FILE);
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let mut outside = companion();
    outside.current_dir(folder.path().parent().unwrap()).stdin(Stdio::null());
    let said = run(outside.args(["-C", name, "invoke"]));
    assert_eq!(said.out, "[\"from the file\",\"hello\",\"256 MB\"]\n", "{said:?}");
    let said = says(&folder, &["invoke", "-C", "nowhere"]);
    assert_eq!(said.code, Some(2));
    assert_eq!(said.err, "error: -C nowhere: No such file or directory (os error 2)\n");
}

#[test]
fn a_program_that_is_named_is_all_that_counts() {
    let folder = project("this is no file for anybody");
    let said = says(&folder, &["invoke", "-d", "1", "--", "sh", "handler.in"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "[1,\"\",\"128 MB\"]\n"), "{said:?}");
}

#[test]
fn without_a_program_and_a_file_it_is_told_what_to_do() {
    let folder = Scratch::new();
    for name in ["invoke", "check", "package"] {
        let said = says(&folder, &[name]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains("no PROGRAM is named, and there is no lambda-stdio.toml here"));
    }
    let folder = project("program = [\"x\"]\nbuld = \"make\"\n");
    let said = says(&folder, &["check"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("lambda-stdio.toml is wrong"), "{said:?}");
    assert!(said.err.contains("unknown field `buld`"), "{said:?}");
    assert!(said.err.contains("line 2"), "{said:?}");
}

#[test]
fn a_build_that_fails_is_told_and_nothing_is_run() {
    let file = FILE.replace("cp handler.in handler", "echo no good >&2; exit 3");
    let folder = project(&file);
    for name in ["invoke", "check", "package"] {
        let mut command = command(&folder, &[name]);
        if name == "invoke" {
            command.args(["-d", "1"]);
        }
        let said = run(&mut command);
        assert_eq!((said.code, said.out.as_str()), (Some(5), ""), "{said:?}");
        assert!(
            said.err.starts_with("building\nno good\nerror: the build failed with status 3: echo"),
            "{said:?}"
        );
        assert!(said.err.contains("exit 3\nhint: "), "{said:?}");
    }
    std::fs::copy(folder.path().join("handler.in"), folder.path().join("handler")).unwrap();
    let said = says(&folder, &["invoke", "--no-build", "-d", "1"]);
    assert_eq!(said.out, "[1,\"hello\",\"256 MB\"]\n", "{said:?}");
    let folder = project(&FILE.replace("cp handler.in handler", "no-such-compiler"));
    let said = says(&folder, &["invoke", "-d", "1"]);
    assert!(said.err.contains("a program that it names is not installed"), "{said:?}");
}

#[test]
fn an_interrupted_build_leaves_nothing() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGQUIT, 131)] {
        // One that hears of nothing, and has left its session.
        let build = "trap '' TERM INT QUIT; setsid sleep 600 & echo $! > pid.new; mv pid.new pid; sleep 600";
        let folder = project(&FILE.replace("cp handler.in handler", build));
        let mut child = spawn(&mut command(&folder, &["invoke", "-d", "1"]));
        let pid = || std::fs::read_to_string(folder.path().join("pid"));
        eventually("it builds", || pid().is_ok());
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let pid = pid().unwrap();
        let is_gone = || !std::path::Path::new("/proc").join(pid.trim()).exists();
        eventually("the build is ended", is_gone);
    }
}

#[test]
fn a_signal_to_us_alone_ends_the_build_too() {
    let file =
        FILE.replace("cp handler.in handler", "sleep 0.5; kill -INT $PPID; cp handler.in handler");
    let folder = project(&file);
    let said = says(&folder, &["invoke", "-d", "1"]);
    assert_eq!((said.code, said.out.as_str()), (Some(130), ""), "{said:?}");
}

#[test]
fn check_is_given_the_projects_event() {
    let file = format!("{FILE}\n[check]\nevent = '{{\"echo\":\"$value\"}}'\n");
    let folder = project(&file);
    let said = says(&folder, &["check", "--json", "--grade", "must"]);
    let json = said.json();
    assert_eq!(json["program"], serde_json::json!(["sh", "handler"]), "{json}");
    let echoes = json["findings"].as_array().unwrap();
    assert!(echoes.iter().all(|finding| finding["grade"] != "must"), "{json}");
}

#[test]
fn what_is_packaged_and_the_next_command_are_the_projects() {
    let project = Project::with_handler();
    project.file("data/words", "x");
    let file = r#"
        program = ["./handler", "-v"]
        memory = 256
        timeout = 2.5
        [environment]
        GREETING = "hello"
        [package]
        include = ["data"]
    "#;
    project.file("lambda-stdio.toml", file);
    let said = project.package(&["--include", "static"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    for text in [
        "data/words",
        "static/bootstrap",
        "LAMBDA_STDIO_ARGS",
        "\"GREETING\":\"hello\"",
        "--memory-size 256 --timeout 3 --zip-file",
    ] {
        assert!(said.out.contains(text), "{text}: {said:?}");
    }
    // Of a folder that the user is not in, paths are told as he has them.
    let name = project.path().file_name().unwrap().to_str().unwrap();
    let mut outside = companion();
    outside.args(["-C", name, "package", "--no-verify", "--bootstrap", "static/bootstrap"]);
    let said = run(outside.current_dir(project.path().parent().unwrap()));
    assert!(said.out.starts_with(&format!("{name}/function.zip: ")), "{said:?}");
    assert!(said.out.contains(&format!("--zip-file fileb://{name}/function.zip")), "{said:?}");
    assert!(
        said.out.contains(&format!("--function-name {}", name.trim_start_matches('.'))),
        "{said:?}"
    );
    let image = project.package(&["--target", "image"]);
    let command = "--package-type Image --code ImageUri=\"$IMAGE_URI\" --architectures x86_64";
    assert!(image.out.contains(command) && image.out.contains("--memory-size 256"), "{image:?}");
    project.file("lambda-stdio.toml", format!("{file}\ntarget = \"nowhere\""));
    assert!(project.package(&[]).err.contains("--target nowhere"));
    assert_eq!(project.package(&["--target", "al2"]).code, Some(0));
}

#[test]
fn a_zip_is_verified_with_the_projects_event_and_variables() {
    let Some(bootstrap) = tool("LAMBDA_STDIO_STATIC") else { return };
    let folder = project(&format!("{FILE}\n[package]\ninclude = [\"handler\"]\n"));
    let said = says(&folder, &["package", "--json", "--bootstrap", bootstrap.to_str().unwrap()]);
    let json = said.json();
    let verified = &json["verified"];
    assert_eq!(verified["message"], "[\"from the file\",\"hello\",\"1024 MB\"]", "{json}");
}
