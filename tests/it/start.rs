//! Stories of the start: what a handler finds, when it is ready, and what is told if it never is.

use std::time::{Duration, Instant};

use crate::support::{Bridge, COUNT, Delivery, ID, Lambda, Scratch, WAIT, machine, tagged};

#[test]
fn standard_input_output_and_error_are_pipes_of_their_own() {
    let lambda = Lambda::start();
    let look =
        "a=$(readlink /proc/$$/fd/0) b=$(readlink /proc/$$/fd/1) c=$(readlink /proc/$$/fd/2)";
    let reply = tagged(r#""[\"$a\",\"$b\",\"$c\"]""#);
    let bridge = Bridge::with(&lambda, &format!("{look}\n{reply}"));
    let pipes: Vec<String> = serde_json::from_slice(&lambda.event("1").body).unwrap();
    assert!(pipes.iter().all(|pipe| pipe.starts_with("pipe:[")), "{pipes:?}");
    assert!(pipes[0] != pipes[1] && pipes[1] != pipes[2] && pipes[0] != pipes[2], "{pipes:?}");
    bridge.leaves_nothing();
}

#[test]
fn the_handler_sees_one_variable_of_ours_and_not_the_runtime_api() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = Bridge::of(&lambda)
        .env("D", folder.text())
        .env("LAMBDA_STDIO_READY", "read")
        .env("LAMBDA_STDIO_REPLIES", "auto")
        .env("LAMBDA_STDIO_DEADLINE_MARGIN_MS", "100")
        .env("_LAMBDA_TELEMETRY_LOG_FD", "62")
        .env("_X_AMZN_TRACE_ID", "Root=1")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_LAMBDA_FUNCTION_NAME", "f")
        .shell(&format!("tr '\\0' '\\n' </proc/$$/environ >\"$D/seen\"\n{}", tagged("1")))
        .start();
    lambda.event("1").is_response("1");
    let seen = folder.read("seen");
    let ours: Vec<_> = seen.lines().filter(|line| line.starts_with("LAMBDA_STDIO_")).collect();
    assert_eq!(ours, ["LAMBDA_STDIO_PROTOCOL=1"]);
    for name in ["AWS_LAMBDA_RUNTIME_API", "_LAMBDA_", "_X_AMZN_TRACE_ID"] {
        assert!(!seen.lines().any(|line| line.starts_with(name)), "{name}: {seen}");
    }
    assert!(!seen.contains(&lambda.address), "{seen}");
    for line in ["AWS_REGION=eu-west-1", "AWS_LAMBDA_FUNCTION_NAME=f"] {
        assert!(seen.lines().any(|seen| seen == line), "{line}: {seen}");
    }
    bridge.leaves_nothing();
}

#[test]
fn a_wrong_setting_is_an_init_error_that_names_it() {
    for (name, value, allowed) in [
        ("LAMBDA_STDIO_REPLIES", "json", "auto, tagged or text"),
        ("LAMBDA_STDIO_READY", "yes", "read, line or none"),
        ("LAMBDA_STDIO_FRAMING", "4", "lines or length"),
        ("LAMBDA_STDIO_REPLY_FD", "2", "3 to 255"),
        ("LAMBDA_STDIO_REPLY_FD", "256", "3 to 255"),
        ("LAMBDA_STDIO_DEADLINE_MARGIN_MS", "soon", "milliseconds"),
    ] {
        let lambda = Lambda::start();
        let folder = Scratch::new();
        let mut bridge =
            Bridge::of(&lambda).env("D", folder.text()).env(name, value).shell(COUNT).start();
        let answer = lambda.answer();
        assert_eq!(answer.kind, "init error");
        let said = answer.is_error("Runtime.InvalidConfiguration");
        for words in [name, &format!("{value:?}"), allowed] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert_eq!(bridge.ended().code(), Some(1));
        bridge.logged(&said);
        assert_eq!((folder.generations(), lambda.nexts().len()), (0, 0));
        assert_eq!(bridge.descendants(), [0; 0]);
    }
}

#[test]
fn no_invocation_is_asked_for_before_the_handler_is_ready() {
    let lambda = Lambda::start();
    lambda.deliver(Delivery::new("1"));
    let began = Instant::now();
    let bridge = Bridge::with(&lambda, &format!("sleep 1\n{}", tagged("1")));
    lambda.answer().is_response("1");
    let asked = lambda.nexts()[0] - began;
    assert!(asked >= Duration::from_secs(1), "{asked:?}");
    lambda.event("2").is_response("1");
    bridge.leaves_nothing();
}

#[test]
fn a_handler_is_ready_when_it_has_read_the_space() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let first = r#"f=${line%"${line#?}"}"#;
    let script = format!(
        r#"{WAIT}; while IFS= read -r line; do {ID}; {first}
        printf '{{"id":"%s","result":"%s"}}\n' "$id" "$f"; done"#
    );
    let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    folder.written("waiting");
    assert_eq!(lambda.nexts().len(), 0);
    folder.open_gate();
    lambda.idle();
    lambda.event("1").is_response("\" \"");
    lambda.event("2").is_response("\"{\"");
    bridge.leaves_nothing();
}

#[test]
fn a_handler_is_ready_with_its_ready_line() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    // What reads the input is there from the start; what says so is not.
    let script = format!(
        "exec 3<&0; {{ {}; }} <&3 & {WAIT}; echo '{{\"ready\":{{\"protocol\":1}}}}'; wait",
        tagged("1")
    );
    let bridge = Bridge::of(&lambda)
        .env("D", folder.text())
        .env("LAMBDA_STDIO_READY", "line")
        .shell(&script)
        .start();
    folder.written("waiting");
    assert_eq!(lambda.nexts().len(), 0);
    folder.open_gate();
    lambda.event("1").is_response("1");
    lambda.event("2").is_response("1");
    bridge.leaves_nothing();
}

#[test]
fn nothing_is_waited_for_with_ready_none() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = Bridge::of(&lambda)
        .env("D", folder.text())
        .env("LAMBDA_STDIO_READY", "none")
        .shell(&format!("{WAIT}\n{}", tagged("1")))
        .start();
    lambda.idle();
    lambda.deliver(Delivery::new("1"));
    folder.open_gate();
    lambda.answer().is_response("1");
    bridge.leaves_nothing();
}

#[test]
fn length_framing_writes_no_space() {
    let lambda = Lambda::start();
    let script = "
import json, struct, sys
i, o = sys.stdin.buffer, sys.stdout.buffer
while head := i.read(4):
    body = i.read(struct.unpack('>I', head)[0])
    reply = {'id': json.loads(body)['id'], 'result': [list(head), len(body)]}
    line = json.dumps(reply).encode()
    o.write(struct.pack('>I', len(line)) + line)
    o.flush()
";
    let bridge = Bridge::of(&lambda)
        .env("LAMBDA_STDIO_FRAMING", "length")
        .program(&["python3", "-c", script])
        .start();
    for _ in 0..2 {
        let (head, length): (Vec<usize>, usize) =
            serde_json::from_slice(&lambda.event("{}").body).unwrap();
        assert_eq!(head, [0, 0, length / 256, length % 256]);
    }
    bridge.leaves_nothing();
}

#[test]
fn an_invocation_is_asked_for_after_nine_seconds_all_the_same() {
    let lambda = Lambda::start();
    lambda.deliver(Delivery::new("1").timeout_ms(20_000));
    let began = Instant::now();
    let bridge = Bridge::with(&lambda, &format!("sleep 13\n{}", tagged("1")));
    let answer = lambda.answer();
    answer.is_response("1");
    let (asked, answered) = (lambda.nexts()[0] - began, answer.at - began);
    assert!(asked >= Duration::from_secs(9) && asked < Duration::from_secs(13), "{asked:?}");
    assert!(answered >= Duration::from_secs(13), "{answered:?}");
    lambda.event("2").is_response("1");
    bridge.leaves_nothing();
}

#[test]
fn a_handler_that_ends_before_it_is_ready_is_an_init_error() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!("{COUNT}; echo 'no database' >&2; exit 3");
    let mut bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    let answer = lambda.answer();
    assert_eq!(answer.kind, "init error");
    let said = answer.is_error("Runtime.HandlerExited");
    for words in ["before it was ready", "exit status 3", "no database"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(bridge.ended().code(), Some(1));
    assert_eq!((folder.generations(), lambda.nexts().len()), (5, 0));
    assert_eq!(bridge.descendants(), [0; 0]);
}

#[test]
fn a_program_that_cannot_be_started_is_an_init_error_with_the_reason() {
    let folder = Scratch::new();
    std::fs::write(folder.file("plain"), "#!/bin/sh\n").unwrap();
    std::fs::create_dir(folder.file("folder")).unwrap();
    folder.program("empty", "");
    folder.program("no-shebang", "echo hello\n");
    folder.program("crlf", "#!/bin/sh\r\necho hello\r\n");
    folder.program("no-interpreter", "#!/nowhere/ruby\n");
    folder.program("exe", "MZ\0\0");
    let other = if machine() == 62 { 183 } else { 62 };
    folder.program("other-machine", elf(other));
    folder.program("no-loader", without_loader());
    for (program, words) in [
        ("./missing", "there is no such file; "),
        ("./plain", "it is not executable: chmod +x"),
        ("./folder", "it is a directory"),
        ("./empty", "the file is empty"),
        ("./no-shebang", "neither an ELF program nor a script that begins with #!"),
        ("./crlf", "(CRLF)"),
        ("./no-interpreter", "its interpreter \"/nowhere/ruby\""),
        ("./exe", "it is a Windows program"),
        ("./other-machine", "it is built for "),
        ("./no-loader", "its dynamic loader "),
        ("missing", "\"missing\" is neither in "),
    ] {
        let lambda = Lambda::start();
        let mut bridge =
            Bridge::of(&lambda).env("LAMBDA_TASK_ROOT", folder.text()).program(&[program]).start();
        let answer = lambda.answer();
        assert_eq!(answer.kind, "init error");
        let said = answer.is_error("Runtime.InvalidEntrypoint");
        assert!(said.contains(words), "{program}: {said}");
        if program.ends_with("missing") {
            assert!(said.contains("crlf, empty, exe, folder"), "{said}");
        }
        assert_eq!(bridge.ended().code(), Some(1), "{program}");
        bridge.logged(words);
        assert_eq!(bridge.descendants(), [0; 0], "{program}");
        assert_eq!(lambda.nexts().len(), 0, "{program}: {}", bridge.logs());
    }
}

#[test]
fn a_loader_that_refuses_a_program_is_explained() {
    for (says, words) in [
        ("f: error while loading shared libraries: libx.so: no", "a shared library is missing"),
        ("f: version `GLIBC_2.99' not found", "newer C library"),
    ] {
        let lambda = Lambda::start();
        let script = format!("echo {} >&2; exit 127", shell_quoted(says));
        let mut bridge = Bridge::with(&lambda, &script);
        let said = lambda.answer().is_error("Runtime.HandlerExited");
        assert!(said.contains(words) && said.contains(says), "{said}");
        assert_eq!(bridge.ended().code(), Some(1));
    }
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The header of a 64-bit little-endian program for a machine, and nothing behind it.
fn elf(machine: u16) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    header[16] = 2;
    header[18..20].copy_from_slice(&machine.to_le_bytes());
    header[20] = 1;
    header
}

/// This machine's shell, asking for a loader that is not there.
fn without_loader() -> Vec<u8> {
    let mut program = std::fs::read("/bin/sh").unwrap();
    let at = program.windows(4).position(|bytes| bytes == b"/ld-").expect("/bin/sh has a loader");
    program[at + 1] = b'x';
    program
}
