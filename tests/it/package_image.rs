//! `package --target image` runs its own zip with this machine's system in place of the image's, and with
//! nothing of its user's.

use crate::invoke_runtime::run;
use crate::package_support::{Project, files};
use crate::package_verify::{command, nothing_is_left, package, project, script};
use crate::support::installed;

const VERIFIED: &str =
    "verified: run from its zip with this machine's system as its image, it answered";

/// A handler that answers each event with the value of an expression.
fn python(project: &Project, name: &str, expression: &str) {
    let text = format!(
        "#!/usr/bin/python3\nimport json, os, sys\ndef attempt(call, *arguments):\n    try:\n        \
         return call(*arguments) and None\n    except OSError as error:\n        return error.strerror\n\
         for line in iter(sys.stdin.readline, ''):\n    if line.strip():\n        \
         print(json.dumps({expression}), flush=True)\n"
    );
    project.file(name, text);
    project.run_bit(name);
}

/// A project where Python is part of the system.
fn with_python() -> Option<Project> {
    project().filter(|_| installed("/usr/bin/python3"))
}

/// The reply of a handler's trial.
#[track_caller]
fn answered(project: &Project, arguments: &[&str]) -> serde_json::Value {
    let json = package(project, &[&["--target", "image", "--json"], arguments].concat()).json();
    assert_eq!(json["verified"]["outcome"], "answered", "{json}");
    assert_eq!(json["verified"]["root"], "machine", "{json}");
    serde_json::from_str(json["verified"]["message"].as_str().unwrap()).unwrap()
}

#[test]
fn a_python_handler_answers_by_this_machines_python() {
    let Some(project) = with_python() else { return };
    python(&project, "handler.py", "[sys.executable, os.getcwd(), sys.argv[1:]]");
    let said = package(&project, &["--target", "image", "./handler.py", "a b"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let line = format!("{VERIFIED} [\"/usr/bin/python3\", \"/var/task\", [\"a b\"]]\n");
    assert!(said.out.contains(&line), "{said:?}");

    python(&project, "throws.py", "{'id': json.loads(line)['id'], 'error': 'no name'}");
    let said = package(&project, &["--target", "image", "./throws.py"]);
    let line = format!("{VERIFIED} with an error of its own, ");
    assert!(said.code == Some(0) && said.out.contains(&line), "{said:?}");
}

#[test]
fn a_file_of_the_project_that_was_not_included_is_not_there() {
    let Some(project) = with_python() else { return };
    let path = project.file("rates.json", "{\"EUR\":1}");
    for named in ["rates.json".to_owned(), path.display().to_string()] {
        python(&project, "handler.py", &format!("json.load(open({named:?}))"));
        let said = package(&project, &["--target", "image", "./handler.py"]);
        assert_eq!(said.code, Some(3), "{said:?}");
        let error = "error[P024]: function.zip: it was run with this machine's system as its image, and \
            failed: Runtime.HandlerExited: ";
        assert!(said.err.contains(error) && said.err.contains("FileNotFoundError"), "{said:?}");
        assert!(said.err.contains("install here what the image will have"), "{said:?}");
        assert!(project.at("function.zip").is_file());
    }
    python(&project, "handler.py", "json.load(open('rates.json'))");
    let reply = answered(&project, &["--include", "rates.json", "./handler.py"]);
    assert_eq!(reply, serde_json::json!({"EUR": 1}));
}

#[test]
fn what_this_machine_lacks_is_said_to_be_lacking() {
    let Some(project) = project() else { return };
    script(&project, "handler", "exec no-such-interpreter run");
    let json = package(&project, &["--target", "image", "--json", "./handler"]).json();
    assert_eq!((&json["verified"]["outcome"], &json["exitCode"]), (&"failed".into(), &3.into()));
    assert_eq!(json["verified"]["root"], "machine");
    let message = json["verified"]["message"].as_str().unwrap();
    assert!(message.contains("no-such-interpreter: not found"), "{message}");
}

#[test]
fn nothing_of_the_user_is_there_and_nothing_of_the_system_can_be_written() {
    let Some(project) = with_python() else { return };
    let secret = project.file("home/.aws/credentials", "key");
    python(
        &project,
        "handler.py",
        &format!(
            "[os.path.exists({secret:?}), os.environ['HOME'], os.listdir('/tmp'), sorted(os.listdir('/var')), \
             [name for name in ['home', 'root', 'run', 'mnt', 'srv'] if os.path.exists('/' + name)], \
             [attempt(open, folder + '/x', 'w') for folder in ['/usr', '/usr/bin', '/etc', '/var/task', '/tmp']]]"
        ),
    );
    let mut command =
        command(&project, &["--target", "image", "--json", "--verify-event", "1", "./handler.py"]);
    let said = run(command.env("HOME", project.at("home")));
    nothing_is_left(&project);
    let json = said.json();
    let reply: serde_json::Value =
        serde_json::from_str(json["verified"]["message"].as_str().unwrap())
            .unwrap_or_else(|_| panic!("{json}"));
    let read_only = "Read-only file system";
    let expected = serde_json::json!([
        false,
        "/tmp",
        [],
        ["runtime", "task"],
        [],
        [read_only, read_only, read_only, read_only, null]
    ]);
    assert_eq!(reply, expected);
}

#[test]
fn a_project_in_the_midst_of_the_system_is_hidden_and_what_is_mounted_there_is_not_written() {
    let Some(project) = project().filter(|_| installed("unshare")) else { return };
    script(
        &project,
        "handler",
        "while read -r line; do (: >/usr/local/src/other/x) 2>/dev/null || echo \"\\\"$(cd /usr/local/src && \
         find * | sort | tr '\\n' ' ')\\\"\"; done",
    );
    let inside = "mount -t tmpfs none /usr/local/src && cd /usr/local/src && mkdir app other && \
         echo 1 >other/seen && cp -r \"$1\"/* app && cd app && \"$2\" package --target image \
         --bootstrap static/bootstrap ./handler && test -e ../other/seen && ! test -e ../other/x";
    let mut unshare = std::process::Command::new("unshare");
    unshare.args(["-Urm", "sh", "-c", inside, "sh"]);
    unshare.arg(project.path()).arg(env!("CARGO_BIN_EXE_lambda-stdio"));
    let said = run(unshare.env("TMPDIR", project.at("tmp")));
    nothing_is_left(&project);
    let line = format!("{VERIFIED} \"app other other/seen \"\n");
    assert!(said.code == Some(0) && said.out.contains(&line), "{said:?}");
}

#[test]
fn a_bare_name_is_the_images_own_program() {
    let Some(project) = with_python() else { return };
    python(&project, "handler.py", "[sys.executable, sys.argv[1:]]");
    let arguments = ["--include", "handler.py", "python3", "handler.py", "x"];
    assert_eq!(answered(&project, &arguments), serde_json::json!(["/usr/bin/python3", ["x"]]));
    let json = project.package(&[&["--target", "image", "--json"], &arguments[..]].concat()).json();
    assert_eq!(files(&json, 0), ["bootstrap 0755", "handler.py 0755"]);
    assert_eq!(json["handler"], "python3");

    let said = package(&project, &["--target", "image", "no-such-program"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("error[P024]") && said.err.contains("no-such-program"), "{said:?}");
}

#[test]
fn the_layer_is_all_of_opt() {
    let Some(project) = project() else { return };
    script(&project, "handler", "while read -r line; do echo \"\\\"$(ls /opt)\\\"\"; done");
    let reply = answered(&project, &["--layer", "layer.zip", "./handler"]);
    assert_eq!(reply, "bootstrap");
}
