//! The proof of a package: its zip, read back from its file, is run once in a root that holds what the
//! target's table grants and nothing else of this machine, and is given one event through the emulator.
//! Where the target is an image, whose system nobody knows here, the root has this machine's own system.
//!
//! It proves paths, layout, run bits and that nothing was forgotten.  It does not prove versions: the
//! libraries are this machine's, and those the findings hold against the table.

use std::path::Path;

use serde::Serialize;

use super::Architecture;
use super::assemble::Assembled;
use super::finding::{Code, Finding, Severity};
use super::target::Target;
use crate::cli::Exit;

#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
pub mod room;
#[cfg(target_os = "linux")]
pub mod root;
#[cfg(target_os = "linux")]
mod trial;

/// What is to be verified.
#[derive(Debug)]
pub struct Request<'a> {
    /// What the package was made for.
    pub target: &'a Target,
    /// What was packaged.
    pub assembled: &'a Assembled,
    /// The function's zip.
    pub function: &'a Path,
    /// The layer's, if there is one.
    pub layer: Option<&'a Path>,
    /// The function's name.
    pub name: &'a str,
    /// The value of `LAMBDA_STDIO_ARGS`; empty for none.
    pub words: String,
    /// The function's own variables.
    pub variables: &'a [(String, String)],
    /// The event.
    pub event: Vec<u8>,
}

/// Whose system is in the root that a zip is run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum System {
    /// What the target's table grants.
    Target,
    /// All of this machine's, in place of an image's.
    Machine,
}

impl System {
    /// The one that a target is tried with: of an incomplete one, more is there than its table says.
    fn of(target: &Target) -> Self {
        if target.is_complete { Self::Target } else { Self::Machine }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The function answered.
    Answered,
    /// It answered with an error of its own.
    FunctionError,
    /// It did not run.
    Failed,
    /// It could not be tried here.
    NotVerified,
    /// A signal ended the trial.
    Interrupted,
}

/// The report's part on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// What became of it.
    pub outcome: Outcome,
    /// Whose system its root had, or would have had.
    pub root: System,
    /// In words: the answer, or the reason.
    pub message: String,
    /// How the call ends, where a signal decided it.
    #[serde(skip)]
    pub interrupted: Option<Exit>,
}

impl Verified {
    fn new(root: System, outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, root, message: message.into(), interrupted: None }
    }

    /// The line on it for people.
    #[must_use]
    pub fn line(&self) -> Option<String> {
        let message = &self.message;
        let run = match self.root {
            System::Target => "run from its zip",
            System::Machine => "run from its zip with this machine's system as its image",
        };
        match self.outcome {
            Outcome::Answered => Some(format!("verified: {run}, it answered {message}")),
            Outcome::FunctionError => {
                Some(format!("verified: {run}, it answered with an error of its own, {message}"))
            }
            Outcome::NotVerified => Some(format!("not verified: {message}")),
            Outcome::Interrupted => Some("not verified: interrupted".to_owned()),
            Outcome::Failed => None,
        }
    }

    /// Whether a finding asks what the trial has answered: of an image it is not known what it has, and the
    /// function found it in the system that stood in for one.
    #[must_use]
    pub fn settles(&self, finding: &Finding) -> bool {
        let asks = [Code::LoaderAbsent, Code::LibraryAbsent, Code::InterpreterAbsent];
        let has_run = matches!(self.outcome, Outcome::Answered | Outcome::FunctionError);
        has_run
            && self.root == System::Machine
            && finding.severity == Severity::Warning
            && asks.contains(&finding.code)
    }

    /// The finding that it is.
    #[must_use]
    pub fn finding(&self, zip: &Path, target: &Target) -> Option<Finding> {
        if self.outcome != Outcome::Failed {
            return None;
        }
        let (run, advice) = match self.root {
            System::Target => (
                format!("in a root with what {} has", target.title()),
                "mend what it says: --include a file that it misses, link or bundle a library; give another \
                 event with --verify-event.  The zip stays, to be looked at; --no-verify leaves this out",
            ),
            System::Machine => (
                "with this machine's system as its image".to_owned(),
                "mend what it says: --include a file that it misses, install here what the image will have; \
                 give another event with --verify-event.  The zip stays, to be looked at; --no-verify leaves \
                 this out, for what only the image has",
            ),
        };
        let message = format!("it was run {run}, and failed: {}", self.message);
        let zip = zip.display().to_string();
        Some(Finding::new(Severity::Error, Code::Verification, &zip, message, advice))
    }
}

/// Runs a package's zips, if that can be done here.
///
/// # Errors
/// When this machine has no event queue or hears no signals.
pub fn verify(request: &Request<'_>) -> anyhow::Result<Verified> {
    let system = System::of(request.target);
    match obstacle(request.assembled.architecture) {
        Some(why) => Ok(Verified::new(system, Outcome::NotVerified, why)),
        None => run(request, system),
    }
}

/// Why a package cannot be tried here, as far as that is known before.
fn obstacle(architecture: Architecture) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("programs of Lambda run on Linux only".to_owned());
    }
    let here = Architecture::HERE;
    (architecture != here).then(|| format!("it is for {architecture}, and this machine is {here}"))
}

#[cfg(target_os = "linux")]
pub use crate::cli::invoke::events::read as event;
#[cfg(target_os = "linux")]
use trial::run;

/// The event that stands on the command line: nothing is invoked with it.
#[cfg(not(target_os = "linux"))]
pub fn event(text: &str) -> anyhow::Result<Vec<u8>> {
    Ok(text.as_bytes().to_owned())
}

#[cfg(not(target_os = "linux"))]
fn run(_: &Request<'_>, _: System) -> anyhow::Result<Verified> {
    unreachable!("there is an obstacle everywhere but on Linux")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_tried_here_is_told() {
        let other = match Architecture::HERE {
            Architecture::X86_64 => Architecture::Arm64,
            Architecture::Arm64 => Architecture::X86_64,
        };
        assert_eq!(obstacle(Architecture::HERE), None);
        let why = obstacle(other).expect("a reason");
        assert_eq!(why, format!("it is for {other}, and this machine is {}", Architecture::HERE));
    }

    #[test]
    fn an_image_is_told_from_a_target_whose_system_is_known() {
        let told = |name| {
            let target = Target::find(name).expect("a table");
            let verified = |outcome| {
                Verified::new(System::of(&target), outcome, "1").line().unwrap_or_default()
            };
            let failed = Verified::new(System::of(&target), Outcome::Failed, "1");
            let finding = failed.finding(Path::new("a.zip"), &target).expect("a finding");
            [verified(Outcome::Answered), verified(Outcome::NotVerified), finding.message]
        };
        assert_eq!(
            told("al2023"),
            [
                "verified: run from its zip, it answered 1",
                "not verified: 1",
                "it was run in a root with what provided.al2023 has, and failed: 1",
            ]
        );
        assert_eq!(
            told("image"),
            [
                "verified: run from its zip with this machine's system as its image, it answered 1",
                "not verified: 1",
                "it was run with this machine's system as its image, and failed: 1",
            ]
        );
    }
}
