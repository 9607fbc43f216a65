//! Every system call the bridge makes, failed once: at its first time, its second, its third.  Each
//! invocation is settled all the same, or the bridge ends and says why.
//!
//! Only what the kernel can give is given.  No call claims to have done what it did not, as a shortened
//! write by strace would; none says that nothing is ready where something is; and `close` is left alone,
//! since it closes whatever it returns.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use super::deployed;
use super::scenario::{Price, all, play};
use crate::support::{eventually, trials};

/// Nothing is lost: the call is made again, or done without.
const FREE: Price = Price { errors: 0, lost: 0 };
/// One invocation may fail.
const ONE_ERROR: Price = Price { errors: 1, lost: 0 };
/// A connection is gone, and with it an event that may have been on it.
const ONE_EVENT: Price = Price { errors: 1, lost: 1 };

/// The calls, the errors of their manual pages, and what one of them may cost.
const REFUSALS: [(&str, &[&str], Price); 36] = [
    ("read", &["EINTR"], FREE),
    ("write", &["EINTR"], FREE),
    ("recvfrom", &["EINTR"], FREE),
    ("sendto", &["EINTR"], FREE),
    ("writev", &["EINTR"], FREE),
    ("epoll_pwait", &["EINTR"], FREE),
    ("clock_nanosleep", &["EINTR"], FREE),
    ("poll", &["EINTR", "ENOMEM"], FREE),
    ("wait4", &["EINTR", "ECHILD"], FREE),
    ("waitid", &["EINTR"], FREE),
    ("getrandom", &["EINTR", "ENOSYS"], FREE),
    ("prctl", &["EPERM", "EINVAL", "ENOSYS"], FREE),
    ("kill", &["EPERM", "ESRCH"], FREE),
    ("getdents64", &["ENOENT"], ONE_ERROR),
    ("getcwd", &["ENOENT", "ENOMEM"], ONE_ERROR),
    ("write", &["EPIPE", "EIO", "ENOSPC"], ONE_ERROR),
    // Of a pipe or of the connection: the trace does not say.
    ("read", &["EIO"], ONE_EVENT),
    ("recvfrom", &["ECONNRESET", "ENOMEM"], ONE_EVENT),
    ("sendto", &["ECONNRESET", "EPIPE", "ENOBUFS"], ONE_EVENT),
    ("writev", &["ECONNRESET", "EPIPE", "ENOBUFS"], ONE_EVENT),
    ("connect", &["ECONNREFUSED", "ETIMEDOUT", "EADDRNOTAVAIL", "EINTR"], FREE),
    ("socket", &["EMFILE", "ENFILE", "ENOBUFS"], FREE),
    ("setsockopt", &["ENOBUFS", "ENOMEM"], FREE),
    ("getsockopt", &["ENOBUFS"], FREE),
    ("epoll_create1", &["EMFILE", "ENFILE", "ENOMEM"], ONE_ERROR),
    ("epoll_ctl", &["ENOMEM", "ENOSPC"], ONE_ERROR),
    ("eventfd2", &["EMFILE", "ENFILE", "ENOMEM"], ONE_ERROR),
    // The last is tokio's own, which panics; ours before it see to it that there is room for it.
    ("socketpair", &["EMFILE", "ENFILE"], ONE_ERROR),
    ("pipe2", &["EMFILE", "ENFILE"], ONE_ERROR),
    ("fcntl", &["EMFILE"], ONE_ERROR),
    ("open", &["EMFILE", "ENFILE", "ENOMEM"], ONE_ERROR),
    ("stat", &["EACCES", "ENOMEM"], ONE_ERROR),
    ("fstat", &["ENOMEM"], ONE_ERROR),
    ("clone", &["EAGAIN", "ENOMEM"], ONE_ERROR),
    ("mmap", &["ENOMEM"], ONE_ERROR),
    ("brk", &["ENOMEM"], ONE_ERROR),
];

/// Calls that cannot fail, or only by a mistake in their arguments, or that Rust's start makes before
/// `main` and ends without, in its own words; `ioctl` asks a pipe how full it is.
const SURE: [&str; 16] = [
    "arch_prctl",
    "close",
    "execve",
    "exit_group",
    "futex",
    "getpid",
    "getuid",
    "ioctl",
    "mprotect",
    "munmap",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "set_tid_address",
    "sigaltstack",
    "clock_gettime",
];

/// What tokio says, and ends, when its own counter or its own pair of sockets fails it: strace picks calls
/// by their name and not by their descriptor, and the kernel refuses these two nothing.
const NEVER_REFUSED: [&str; 2] = ["failed to wake I/O driver", "Bad read on self-pipe"];

/// How often each call is made in the six invocations.
fn counted(program: &OsStr) -> BTreeMap<String, usize> {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    // With -D the bridge is the process we started, and hears our signals.
    let words = format!("exec strace -D -o {} \"$0\" \"$@\"", trace.display());
    play(program, FREE, |bridge| bridge.through(&words)).unwrap();
    let mut text = String::new();
    eventually("the trace is whole", || {
        text = std::fs::read_to_string(&trace).unwrap_or_default();
        text.contains("+++ exited with")
    });
    let mut counts = BTreeMap::new();
    for call in text.lines().filter_map(|line| Some(line.split_once('(')?.0)) {
        if call
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            *counts.entry(call.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[test]
fn each_call_may_be_refused_at_each_of_its_times() {
    let Some(program) = deployed() else { return };
    let counts = counted(&program);
    for call in counts.keys() {
        let known = SURE.contains(&call.as_str()) || REFUSALS.iter().any(|(name, ..)| name == call);
        assert!(known, "{call} is called, and nobody looked at what happens when it fails");
    }
    let mut stories = Vec::new();
    for (call, errors, price) in REFUSALS {
        let count = counts.get(call).copied().unwrap_or_default();
        // What comes before main is libc's; and see above.
        let times = match call {
            "mmap" => 4..=count,
            "socketpair" => 1..=count.saturating_sub(1),
            _ => 1..=count,
        };
        for error in errors {
            stories.extend(times.clone().map(|time| (call, *error, time, price)));
        }
    }
    assert!(stories.len() > 300, "{}", stories.len());
    // All of them take minutes.
    let stride = if trials(0) == 0 { 3 } else { 1 };
    let stories: Vec<_> = stories.into_iter().step_by(stride).collect();
    let wrong = all(&stories, |(call, error, time, price)| {
        let words = format!(
            "exec strace -D -o /dev/null -e trace={call} -e inject={call}:error={error}:when={time} \
             \"$0\" \"$@\""
        );
        let told = play(&program, *price, |bridge| bridge.through(&words));
        told.or_else(|said| {
            let never = NEVER_REFUSED.iter().any(|words| said.contains(words));
            if never { Ok(()) } else { Err(format!("{call} {error} at {time}: {said}")) }
        })
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), stories.len(), wrong.join("\n"));
}
