//! Stories of what a handler's process is born with: descriptors, signals, a group, no secrets.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;

use crate::support::{Bridge, ID, Lambda, Scratch, bootstrap, tagged};

/// Writes which descriptors the shell itself has; a substitution or redirection of its own would add one.
const LOOK: &str = r#"(ls /proc/$$/fd >"$D/fds")"#;

fn descriptors(folder: &Scratch) -> Vec<u32> {
    let mut seen: Vec<u32> = folder.read("fds").lines().map(|fd| fd.parse().unwrap()).collect();
    seen.sort_unstable();
    seen
}

#[test]
fn a_handler_sees_three_descriptors_whatever_the_bridge_was_started_with() {
    for words in [
        ":",
        "exec 0<&-",
        "exec 1>&-",
        "exec 2>&-",
        "exec 0<&- 1>&-",
        "exec 0<&- 1>&- 2>&-",
        "exec 3</dev/null 4>/dev/null 5</dev/null 9>/dev/null",
        "exec 0<&- 2>&- 3</dev/null 6</dev/null",
    ] {
        let lambda = Lambda::start();
        let folder = Scratch::new();
        let bridge = Bridge::of(&lambda)
            .env("D", folder.text())
            .shell(&format!("{LOOK}\n{}", tagged("1")))
            .through(words)
            .start();
        lambda.event("1").is_response("1");
        lambda.event("2").is_response("1");
        assert_eq!(descriptors(&folder), [0, 1, 2], "{words}");
        bridge.leaves_nothing();
    }
}

#[test]
fn a_reply_descriptor_has_the_number_that_was_asked_for() {
    for (number, words) in [
        (3, ":"),
        (4, ":"),
        (9, ":"),
        (12, ":"),
        (255, ":"),
        (3, "exec 0<&- 1>&- 2>&-"),
        (5, "exec 3</dev/null 5</dev/null 7</dev/null"),
    ] {
        let lambda = Lambda::start();
        let folder = Scratch::new();
        let script = format!(
            r#"{LOOK}; while read -r line; do {ID}; echo '"a stray line"'
            printf '{{"id":"%s","result":1}}\n' "$id" >/proc/$$/fd/{number}; done"#
        );
        let bridge = Bridge::of(&lambda)
            .env("D", folder.text())
            .env("LAMBDA_STDIO_REPLY_FD", &number.to_string())
            .shell(&script)
            .through(words)
            .start();
        lambda.event("1").is_response("1");
        lambda.event("2").is_response("1");
        assert_eq!(descriptors(&folder), [0, 1, 2, number], "{words}");
        bridge.leaves_nothing();
    }
}

#[test]
fn no_signal_is_blocked_or_ignored_and_the_group_is_its_own() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    // The shell's own words only: while it starts another program, it blocks signals itself.
    let look = r#"while read -r is; do case $is in SigBlk*|SigIgn*) echo "$is";; esac
        done </proc/$$/status >"$D/signals"; cat /proc/$$/stat >"$D/stat"
        cat /proc/$$/oom_score_adj >"$D/oom""#;
    let bridge = Bridge::of(&lambda)
        .env("D", folder.text())
        .shell(&format!("{look}\n{}", tagged("1")))
        .through(r#"exec env --block-signal=HUP,USR1 --ignore-signal=PIPE "$0" "$@""#)
        .start();
    lambda.event("1").is_response("1");
    // Of 1 to 31: those above may be the C library's own, and ignored by whoever started the tests.
    let standard: Vec<u64> = folder
        .read("signals")
        .lines()
        .map(|line| {
            u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap() & 0x7fff_ffff
        })
        .collect();
    assert_eq!(standard, [0, 0], "blocked, ignored");
    let stat = folder.read("stat");
    let fields: Vec<&str> = stat.split(' ').collect();
    let (pid, parent, group) = (fields[0], fields[3], fields[4]);
    assert_eq!((parent, group), (bridge.pid().to_string().as_str(), pid));
    let ours = fs::read_to_string(format!("/proc/{}/oom_score_adj", bridge.pid())).unwrap();
    let (ours, theirs): (i32, i32) =
        (ours.trim().parse().unwrap(), folder.read("oom").trim().parse().unwrap());
    assert!(theirs > ours, "{theirs} {ours}");
    bridge.leaves_nothing();
}

#[test]
fn a_handler_cannot_read_the_bridges_environment() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        eprintln!("not run: only root can start a bridge for another user");
        return;
    }
    let lambda = Lambda::start();
    let folder = Scratch::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let bootstrap = folder.program("bootstrap", fs::read(bootstrap()).unwrap());
    let script = format!(
        r"own=$(cat /proc/$$/environ | wc -c); theirs=$(cat /proc/$PPID/environ 2>&1 | tr '\0' ' ')
        mem=$(head -c 1 /proc/$PPID/mem 2>&1)
        {}",
        tagged(r#""[\"$(id -u)\",\"$own\",\"$theirs\",\"$mem\"]""#)
    );
    let bridge = Bridge::of(&lambda)
        .shell(&script)
        .through(&format!("set -- \"$@\"; exec {} \"$@\"", bootstrap.display()))
        .adjust(|command| {
            command.uid(65534).gid(65534);
        })
        .start();
    let seen: Vec<String> = serde_json::from_slice(&lambda.event("1").body).unwrap();
    assert_eq!(seen[0], "65534");
    assert_ne!(seen[1], "0", "its own can be read");
    assert!(seen[2].contains("Permission denied") && !seen[2].contains("AWS_"), "{seen:?}");
    assert!(seen[3].contains("Permission denied"), "{seen:?}");
    bridge.leaves_nothing();
}
