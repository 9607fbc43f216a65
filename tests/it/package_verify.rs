//! `package` runs its own zip: what answers, what is found that way only, and that nothing is left of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::invoke_runtime::{Said, companion, run, said, spawn};
use crate::package_support::Project;
use crate::support::{installed, tool};

const PATIENCE: Duration = Duration::from_secs(45);
const ANSWERS: &str = "#include <stdio.h>\nint main(void) { char line[70000]; setvbuf(stdout, 0, _IOLBF, 0);\n\
    while (fgets(line, sizeof line, stdin)) printf(\"{\\\"seven\\\":%d}\\n\", SEVEN); return 0; }\n";

/// A project with the real static bootstrap, and a temporary directory of its own; none without the tool.
pub(crate) fn project() -> Option<Project> {
    let bootstrap = tool("LAMBDA_STDIO_STATIC")?;
    let project = Project::new();
    std::fs::copy(bootstrap, project.at("static/bootstrap")).unwrap();
    std::fs::create_dir(project.at("tmp")).unwrap();
    Some(project)
}

pub(crate) fn command(project: &Project, arguments: &[&str]) -> Command {
    let mut command = companion();
    command.args(["package", "--bootstrap", "static/bootstrap"]).args(arguments);
    command.current_dir(project.path()).env("TMPDIR", project.at("tmp"));
    command
}

/// Packages, and looks that neither a folder nor a mount is left.
pub(crate) fn package(project: &Project, arguments: &[&str]) -> Said {
    let said = run(&mut command(project, arguments));
    nothing_is_left(project);
    said
}

pub(crate) fn nothing_is_left(project: &Project) {
    assert_eq!(std::fs::read_dir(project.at("tmp")).unwrap().count(), 0);
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains("lambda-stdio-root"), "{mounts}");
}

pub(crate) fn script(project: &Project, name: &str, text: &str) {
    project.file(name, format!("#!/bin/sh\n{text}\n"));
    project.run_bit(name);
}

fn compile(project: &Project, name: &str, source: &str, flags: &[&str]) {
    let file = project.file(&format!("{name}.c"), source);
    let mut cc = Command::new("cc");
    cc.args(["-o", name]).arg(file).args(flags).current_dir(project.path());
    let said = cc.output().unwrap();
    assert!(said.status.success(), "{said:?}");
}

/// The command lines of all processes that have a word in theirs.
fn running(word: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(word)).collect()
}

#[test]
fn sh_is_bash_and_certificates_are_there_as_in_lambda() {
    let Some(project) = project().filter(|_| installed("bash")) else { return };
    let lines =
        "while read -r line; do [ -s /etc/pki/tls/certs/ca-bundle.crt ] && echo 1 | cat; done";
    script(&project, "handler", &format!("set -euo pipefail\n{lines}"));
    let said = package(&project, &["./handler"]);
    let has_certificates = Path::new("/etc/ssl/certs/ca-certificates.crt").is_file();
    assert!(!has_certificates || said.code == Some(0), "{said:?}");
    assert!(!said.err.contains("pipefail"), "{said:?}");
}

#[test]
fn a_static_program_and_one_with_its_library_answer_from_their_zips() {
    let Some(project) = project().filter(|_| installed("cc")) else { return };
    compile(&project, "alone", &ANSWERS.replace("SEVEN", "7"), &["-static"]);
    let said = package(&project, &["./alone"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert!(
        said.out.contains("verified: run from its zip, it answered {\"seven\":7}\n"),
        "{said:?}"
    );

    std::fs::create_dir(project.at("own")).unwrap();
    let library = ["-shared", "-fPIC", "-Wl,-soname,libseven.so.1"];
    compile(&project, "own/libseven.so.1", "int seven(void) { return 7; }\n", &library);
    let source = format!("int seven(void);\n{}", ANSWERS.replace("SEVEN", "seven()"));
    compile(&project, "loads", &source, &["own/libseven.so.1", "-Wl,-rpath,$ORIGIN/own"]);
    let json = package(&project, &["--json", "./loads"]).json();
    assert_eq!(json["libraries"][0]["name"], "libseven.so.1", "{json}");
    assert_eq!(json["verified"]["outcome"], "answered", "{json}");
    assert_eq!(json["verified"]["root"], "target", "{json}");
    assert_eq!(json["verified"]["message"], "{\"seven\":7}");
}

#[test]
fn it_is_run_as_lambda_runs_it_and_an_error_of_its_own_is_an_answer() {
    let Some(project) = project() else { return };
    script(
        &project,
        "handler",
        "while read -r line; do\n touch \"$LAMBDA_TASK_ROOT/x\" 2>/dev/null || echo 1 >/tmp/y\n \
         echo \"[\\\"$PWD\\\",\\\"$1\\\",\\\"$(cat /tmp/y)\\\",\\\"$(ls /home 2>&1)\\\"]\"; done",
    );
    let json = package(&project, &["--json", "./handler", "it's"]).json();
    let reply = json["verified"]["message"].as_str().unwrap();
    assert!(reply.starts_with("[\"/var/task\",\"it's\",\"1\",\"ls: "), "{json}");

    let throws = "read -r line; id=${line#*'\"id\":\"'}\necho \"{\\\"id\\\":\\\"${id%%\\\"*}\\\",\\\"error\\\":\
        {\\\"errorType\\\":\\\"Mine\\\",\\\"errorMessage\\\":\\\"no name\\\"}}\"; read -r line";
    script(&project, "throws", throws);
    let said = package(&project, &["./throws"]);
    let line = "verified: run from its zip, it answered with an error of its own, Mine: no name\n";
    assert!(said.code == Some(0) && said.out.contains(line), "{said:?}");
}

#[test]
fn a_layer_is_unpacked_as_opt_and_the_event_is_ones_own() {
    let Some(project) = project() else { return };
    let text =
        "while read -r line; do name=${line#*'\"name\":\"'}; echo \"\\\"${name%%'\"'*}\\\"\"; done";
    script(&project, "handler", text);
    project.file("event.json", "{\"name\":\"Ada\"}");
    let arguments =
        ["--json", "--layer", "layer.zip", "--verify-event", "@event.json", "./handler"];
    let json = package(&project, &arguments).json();
    assert_eq!(json["verified"]["message"], "\"Ada\"", "{json}");
    let said = package(&project, &["--verify-event", "{", "./handler"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.starts_with("error: --verify-event {: the event is not JSON"), "{said:?}");
}

#[test]
fn what_does_not_run_is_a_finding_with_its_reason_and_the_zip_stays() {
    let Some(project) = project() else { return };
    project.file("lost.sh", "name=Ada\n");
    script(&project, "exits", "echo no licence today >&2; exit 3");
    script(&project, "forgets", ". ./lost.sh; while read -r line; do echo \"\\\"$name\\\"\"; done");
    script(&project, "shim", "exec /opt/pyenv/libexec/pyenv exec python3 \"$@\"");
    let reasons = [("exits", "no licence today"), ("forgets", "lost.sh"), ("shim", "pyenv")];
    for (name, reason) in reasons {
        std::fs::remove_file(project.at("function.zip")).ok();
        let said = package(&project, &[&format!("./{name}")]);
        assert_eq!(said.code, Some(3), "{said:?}");
        let error = "error[P024]: function.zip: it was run in a root with what provided.al2023 has, and \
            failed: Runtime.HandlerExited: ";
        assert!(said.err.starts_with(error) && said.err.contains(reason), "{said:?}");
        assert!(said.err.contains("The zip stays") && !said.out.contains("Next:"), "{said:?}");
        assert!(project.at("function.zip").is_file());
    }
    let said = package(&project, &["--include", "lost.sh", "./forgets"]);
    assert!(said.code == Some(0) && said.out.contains("it answered \"Ada\""), "{said:?}");
    let json = package(&project, &["--json", "--no-verify", "./exits"]).json();
    assert_eq!((&json["verified"], &json["exitCode"]), (&serde_json::Value::Null, &0.into()));
}

#[test]
fn a_bootstrap_that_crashes_is_found() {
    let Some(project) = project() else { return };
    script(&project, "handler", "while read -r line; do echo 1; done");
    project.elf(
        "static/bootstrap",
        &crate::package_support::Plan { machine: 62, ..Default::default() },
    );
    let said = package(&project, &["./handler"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("Runtime exited with error: signal: segmentation"), "{said:?}");
}

#[test]
fn where_it_cannot_be_tried_that_is_told_and_nothing_fails() {
    let Some(project) = project().filter(|_| installed("unshare")) else { return };
    script(&project, "handler", "while read -r line; do echo 1; done");
    let machine = if cfg!(target_arch = "x86_64") { 183 } else { 62 };
    project.elf("other", &crate::package_support::Plan { machine, ..Default::default() });
    let other = if cfg!(target_arch = "x86_64") { "arm64" } else { "x86_64" };
    let mut elsewhere = companion();
    elsewhere.args(["package", "--arch", other, "--bootstrap", "other", "./handler"]);
    let said = run(elsewhere.current_dir(project.path()));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(&format!("\nnot verified: it is for {other}, and ")), "{said:?}");
    // A user namespace in which there may be no more of them is a machine that forbids them.
    let forbid = "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"";
    let mut forbidden = Command::new("unshare");
    forbidden.args(["-Ur", "sh", "-c", forbid, "sh", env!("CARGO_BIN_EXE_lambda-stdio")]);
    forbidden.args(["package", "--bootstrap", "static/bootstrap", "./handler"]);
    forbidden.current_dir(project.path()).env("TMPDIR", project.at("tmp"));
    let said = run(&mut forbidden);
    assert_eq!(said.code, Some(0), "{said:?}");
    let line = "\nnot verified: this machine gives no user namespace: ";
    assert!(said.out.contains(line) && said.out.contains("Next:"), "{said:?}");
    nothing_is_left(&project);
}

#[test]
fn ctrl_c_leaves_the_zip_and_nothing_else() {
    let Some(project) = project() else { return };
    script(&project, "hangs", "sleep 1000 & read -r line; read -r line");
    let marker = format!("marker-{}-{}", std::process::id(), project.path().display());
    let marker = marker.replace('/', "-");
    let child = spawn(&mut command(&project, &["./hangs", &marker]));
    let is_up = || running(&marker).iter().any(|line| line.contains("/var/task/hangs"));
    wait_for(is_up);
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(130), "{said:?}");
    assert!(said.out.contains("not verified: interrupted"), "{said:?}");
    assert!(is_zip(&project.at("function.zip")));
    nothing_is_left(&project);
    assert_eq!(running(&marker), [""; 0]);
}

fn wait_for(is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "it did not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_zip(path: &Path) -> bool {
    std::fs::read(PathBuf::from(path)).is_ok_and(|bytes| bytes.starts_with(b"PK\x03\x04"))
}
