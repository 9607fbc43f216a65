//! What is larger than Lambda takes.

use std::time::Duration;

use super::scene::{Scene, bad};
use crate::support::Delivery;

/// Lambda's limit of a response, in bytes: 6 MiB and 100.
const MOST: usize = 6_291_556;

/// A handler that answers the event `1` with its process id, and any other number with that many bytes;
/// with an argument its replies are tagged.
const PRINTS: &str = r#"
import json, os, sys
for line in sys.stdin:
    request = json.loads(line)
    event = request['event']
    reply = '%d' % os.getpid() if event == 1 else '"' + 'x' * (event - 2) + '"'
    if sys.argv[1:]: reply = '{"other":"%s", "id":"%s","result":%s  }' % ('y' * 60000, request['id'], reply)
    sys.stdout.write(reply + '\n')
    sys.stdout.flush()
"#;

/// The handler, having served an event.
fn prints(tagged: bool) -> Scene {
    let words = ["python3", "-c", PRINTS, "tagged"];
    let words = if tagged { &words[..] } else { &words[..3] };
    Scene::built(|bridge| bridge.program(words))
}

/// The event that asks for a result of so many bytes.
fn asking_for(bytes: usize) -> Delivery {
    Delivery::new(bytes.to_string())
}

/// How much memory a process used at its height, in KiB.
fn peak_kib(pid: nix::unistd::Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[test]
fn a_result_of_exactly_the_limit_is_delivered() {
    for tagged in [false, true] {
        let scene = prints(tagged);
        for bytes in [MOST - 1, MOST] {
            let answer = scene.lambda.invoke(asking_for(bytes));
            assert_eq!((answer.kind, answer.body.len()), ("response", bytes));
            assert!(answer.body.starts_with(b"\"xx") && answer.body.ends_with(b"xx\""));
        }
        scene.still_serves();
        scene.ends();
    }
}

#[test]
fn a_result_one_byte_over_the_limit_is_too_large() {
    for tagged in [false, true] {
        let mut scene = prints(tagged);
        let asking = asking_for(MOST + 1);
        assert_eq!(
            scene.replaced(asking, "Function.ResponseSizeTooLarge"),
            "the reply is more than 6291556 bytes, which is the most Lambda takes as a response"
        );
        scene.ends();
    }
}

#[test]
fn an_endless_line_is_too_large_and_is_not_held() {
    let mut scene = Scene::of("yes | tr -d '\\n'");
    assert_eq!(
        scene.replaced(bad().timeout_ms(60_000), "Function.ResponseSizeTooLarge"),
        "the reply is more than 6291556 bytes, which is the most Lambda takes as a response"
    );
    assert!(scene.took < Duration::from_secs(20), "{:?}", scene.took);
    let peak = peak_kib(scene.bridge.pid());
    assert!(peak < 40_000, "{peak} KiB");
    scene.ends();
}
