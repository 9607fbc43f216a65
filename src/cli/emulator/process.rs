//! The runtime as a process: started in a group of its own with Lambda's environment, watched, and
//! ended to the last descendant.  What it says over HTTP is the desk's.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time;

use super::cgroup::Group;
use super::logs::{LogSink, Logs};
use super::variables::Variables;
use super::{Function, launch, tree};

/// How long a runtime may take to end when it is asked to: Lambda's figure with an extension.
const FAREWELL: Duration = Duration::from_millis(500);

/// A living runtime.  Dropping it kills it and all that it started.
///
/// The runtime dies with the *thread* that started it (that is how Linux delivers the parent's death), so
/// environments are started from threads that live as long as the emulator.
#[derive(Debug)]
pub struct RuntimeProcess {
    child: Child,
    id: Pid,
    logs: Logs,
    ended: bool,
    // Last, so that it is removed after the processes in it.
    group: Option<Group>,
}

impl RuntimeProcess {
    /// Starts a function's runtime.
    ///
    /// # Errors
    /// Where this machine starts no process: a program that cannot be executed is an init error instead.
    pub fn spawn(function: &Function, variables: Variables, sink: LogSink) -> io::Result<Self> {
        let (pipe, stdout) = io::pipe()?;
        let stderr = stdout.try_clone()?;
        let logs = Logs::read(pipe.into(), sink)?;
        let name = format!("lambda-stdio-{}-{}", std::process::id(), super::ids::hex_32());
        let group = Group::with_memory(function.memory_mb, &name);
        let mut command = launch::command(
            &function.companion,
            &function.runtime,
            group.as_ref().map(Group::path),
        );
        command
            .env_clear()
            .envs(variables)
            .current_dir(&function.task_root)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        let mut command = Command::from(command);
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        // Our copies of the pipe's other end go with the command: the pipe ends with the runtime.
        drop(command);
        let id = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::other("the runtime has no process id"))?;
        Ok(Self { child, id, logs, ended: false, group })
    }

    /// Its process id, which is also its group's.
    #[must_use]
    pub fn id(&self) -> Pid {
        self.id
    }

    /// Whether its memory is really limited.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.group.is_some()
    }

    /// Waits for its end.  Cancel safe.
    pub async fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().await;
        self.ended = true;
        // The wait for one's own child fails for nobody; a status that says "killed" is the honest stand-in.
        status.unwrap_or_else(|_| ExitStatus::from_raw(9))
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.ended |= matches!(self.child.try_wait(), Ok(Some(_)));
        self.ended
    }

    /// Waits until what it printed so far has reached the sink, at most 100 ms.
    pub async fn drain_logs(&self) {
        self.logs.drain().await;
    }

    /// Asks it to end, and kills what is left after 500 ms.
    pub async fn stop(mut self) {
        if !self.ended {
            tree::signal_group(self.id, Signal::SIGTERM);
            drop(time::timeout(FAREWELL, self.wait()).await);
        }
        self.kill().await;
    }

    /// Kills it and all that it started, and waits for its end.
    pub async fn kill(mut self) {
        self.kill_now();
        if !self.ended {
            // Killed, so it is dead at once; one that the kernel holds on to is left to the kernel.
            drop(time::timeout(FAREWELL, self.wait()).await);
        }
        self.logs.drain().await;
    }

    fn kill_now(&self) {
        if self.ended {
            tree::signal_group(self.id, Signal::SIGKILL);
        } else {
            tree::kill_all(self.id);
        }
    }
}

impl Drop for RuntimeProcess {
    fn drop(&mut self) {
        self.kill_now();
    }
}

/// How a runtime ended, in Lambda's words.
#[must_use]
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(number)) => {
            format!("Runtime exited with error: signal: {}", signal_in_words(number))
        }
        (None, None) => "Runtime exited".to_owned(),
    }
}

/// The signals that end programs, by the names under which Lambda shows them.
fn signal_in_words(number: i32) -> String {
    let name = match Signal::try_from(number) {
        Ok(Signal::SIGHUP) => "hangup",
        Ok(Signal::SIGINT) => "interrupt",
        Ok(Signal::SIGQUIT) => "quit",
        Ok(Signal::SIGILL) => "illegal instruction",
        Ok(Signal::SIGTRAP) => "trace/breakpoint trap",
        Ok(Signal::SIGABRT) => "aborted",
        Ok(Signal::SIGBUS) => "bus error",
        Ok(Signal::SIGFPE) => "floating point exception",
        Ok(Signal::SIGKILL) => "killed",
        Ok(Signal::SIGSEGV) => "segmentation fault",
        Ok(Signal::SIGPIPE) => "broken pipe",
        Ok(Signal::SIGALRM) => "alarm clock",
        Ok(Signal::SIGTERM) => "terminated",
        Ok(_) | Err(_) => return number.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_in_lambdas_words() {
        for (raw, words) in [
            (0, "Runtime exited without providing a reason"),
            (1 << 8, "Runtime exited with error: exit status 1"),
            (255 << 8, "Runtime exited with error: exit status 255"),
            (9, "Runtime exited with error: signal: killed"),
            (11, "Runtime exited with error: signal: segmentation fault"),
            (10, "Runtime exited with error: signal: 10"),
        ] {
            assert_eq!(describe(ExitStatus::from_raw(raw)), words);
        }
    }
}
