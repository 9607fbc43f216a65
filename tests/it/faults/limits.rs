//! What is larger than Lambda takes.

use super::scene::Scene;
use crate::support::Delivery;

/// Lambda's limit of a response, in bytes: 6 MiB and 100.
pub(super) const MOST: usize = 6_291_556;

/// A handler that answers the event `1` with its process id, and any other number with that many bytes;
/// with an argument its replies are tagged.
pub(super) const PRINTS: &str = r#"
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
pub(super) fn prints(tagged: bool) -> Scene {
    let words = ["python3", "-c", PRINTS, "tagged"];
    let words = if tagged { &words[..] } else { &words[..3] };
    Scene::built(|bridge| bridge.program(words))
}

/// The event that asks for a result of so many bytes.
pub(super) fn asking_for(bytes: usize) -> Delivery {
    Delivery::new(bytes.to_string())
}

/// How much memory a process used at its height, in KiB.
pub(super) fn peak_kib(pid: nix::unistd::Pid) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
