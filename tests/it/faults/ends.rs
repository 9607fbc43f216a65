//! Ends at odd moments: in the middle of a request, with no successor, or of the runtime itself.

use super::programs;
use super::scene::{Scene, soon};
use crate::support::{Bridge, Delivery, Lambda};

#[test]
fn a_handler_that_ends_in_the_middle_of_its_request_is_told_and_not_given_it_again() {
    let event = format!("\"{}\"", "x".repeat(6_000_000));
    for bytes in [1, 4095, 65_536, 3_000_000, 5_999_999] {
        let program = format!(
            "
import os
os.read(0, 65536)
if not os.read(0, 65536): raise SystemExit
os.write(1, b'%d\\n' % os.getpid())
left = {bytes}
while left > 0: left -= len(os.read(0, min(left, 65536)))
os._exit(5)
"
        );
        let mut scene = Scene::built(|bridge| bridge.program(&["python3", "-c", &program]));
        assert_eq!(
            scene.replaced(Delivery::new(event.as_str()), "Runtime.HandlerExited"),
            "the handler ended before its reply: exit status 5"
        );
        scene.ends();
    }
}

#[test]
fn a_replacement_without_descriptors_is_told_with_the_errno() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "while read -r line; do echo $$; done");
    let first: i32 = lambda.event("1").text().parse().unwrap();
    lambda.idle();
    programs::limit_descriptors(bridge.pid(), 8);
    programs::kill(first);
    bridge.logged("handler not started");
    let said = lambda.invoke(soon()).is_error("Runtime.HandlerSpawnFailed");
    assert!(said.starts_with("cannot start /"), "{said}");
    assert!(said.ends_with("/sh: Too many open files (EMFILE)"), "{said}");
    programs::limit_descriptors(bridge.pid(), 1024);
    let next: i32 = lambda.event("2").text().parse().unwrap();
    assert_eq!(bridge.descendants(), [next]);
    bridge.leaves_nothing();
}

#[test]
fn a_program_that_vanishes_ends_the_runtime_with_its_cause() {
    let lambda = Lambda::start();
    let folder = tempfile::tempdir().unwrap();
    let program = programs::script(folder.path(), "rm $0; read -r line; echo $$");
    let mut bridge = Bridge::of(&lambda).program(&[program.to_str().unwrap()]).start();
    assert_eq!(lambda.event("1").kind, "response");
    let answer = lambda.answer();
    assert_eq!(answer.kind, "init error");
    assert_eq!(
        answer.is_error("Runtime.HandlerSpawnFailed"),
        format!(
            "cannot start {}: there is no such file; {} holds nothing (ENOENT)",
            program.display(),
            folder.path().display()
        )
    );
    assert_eq!(bridge.ended().code(), Some(1));
    bridge.left_nothing();
}

#[test]
fn a_report_answered_with_500_ends_the_runtime() {
    let lambda = Lambda::start();
    let mut bridge = Bridge::with(&lambda, "while read -r line; do echo $$; done");
    lambda.refuse_a_post_with(500);
    assert_eq!(lambda.event("1").kind, "response");
    assert_eq!(bridge.ended().code(), Some(1));
    bridge.logged("the Runtime API answered 500 to the response: {\"errorType\":\"X\"}");
    assert_eq!((lambda.nexts().len(), lambda.answers_now().len()), (1, 0));
    bridge.left_nothing();
}

#[test]
fn a_refusal_of_next_ends_the_runtime() {
    for status in [403, 500] {
        let lambda = Lambda::start();
        let mut bridge = Bridge::with(&lambda, "while read -r line; do echo $$; done");
        lambda
            .deliver(Delivery::raw(format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nno")));
        assert_eq!(bridge.ended().code(), Some(1));
        bridge.logged(&format!("the Runtime API answered {status} to next: no"));
        assert_eq!((lambda.nexts().len(), lambda.answers_now().len()), (1, 0));
        bridge.left_nothing();
    }
}

#[test]
fn a_replacement_that_cannot_be_started_is_told_with_the_errno() {
    let lambda = Lambda::start();
    let folder = tempfile::tempdir().unwrap();
    let program = programs::script(folder.path(), "while read -r line; do echo $$; done");
    let bridge = Bridge::of(&lambda).program(&[program.to_str().unwrap()]).start();
    let first: i32 = lambda.event("1").text().parse().unwrap();
    lambda.idle();
    programs::set_mode(&program, 0o644);
    programs::kill(first);
    bridge.logged("handler not started");
    let said = lambda.invoke(soon()).is_error("Runtime.HandlerSpawnFailed");
    assert_eq!(
        said,
        format!(
            "cannot start {}: it is not executable: chmod +x it before it is packaged (or its folder \
             cannot be entered, or its file system is mounted noexec) (EACCES)",
            program.display()
        )
    );
    programs::set_mode(&program, 0o755);
    let next: i32 = lambda.event("2").text().parse().unwrap();
    assert_eq!(bridge.descendants(), [next]);
    bridge.leaves_nothing();
}
