//! The proof of a package: its zip, read back from its file, is run once in a root that holds what the
//! target's table grants and nothing else of this machine, and is given one event through the emulator.
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
    /// In words: the answer, or the reason.
    pub message: String,
    /// How the call ends, where a signal decided it.
    #[serde(skip)]
    pub interrupted: Option<Exit>,
}

impl Verified {
    fn new(outcome: Outcome, message: impl Into<String>) -> Self {
        Self { outcome, message: message.into(), interrupted: None }
    }

    /// The line on it for people.
    #[must_use]
    pub fn line(&self) -> Option<String> {
        let message = &self.message;
        match self.outcome {
            Outcome::Answered => Some(format!("verified: run from its zip, it answered {message}")),
            Outcome::FunctionError => Some(format!(
                "verified: run from its zip, it answered with an error of its own, {message}"
            )),
            Outcome::NotVerified => Some(format!("not verified: {message}")),
            Outcome::Interrupted => Some("not verified: interrupted".to_owned()),
            Outcome::Failed => None,
        }
    }

    /// The finding that it is.
    #[must_use]
    pub fn finding(&self, zip: &Path, target: &Target) -> Option<Finding> {
        (self.outcome == Outcome::Failed).then(|| {
            Finding::new(
                Severity::Error,
                Code::Verification,
                &zip.display().to_string(),
                format!(
                    "it was run in a root with what {} has, and failed: {}",
                    target.title(),
                    self.message
                ),
                "mend what it says: --include a file that it misses, link or bundle a library; give another \
                 event with --verify-event.  The zip stays, to be looked at; --no-verify leaves this out",
            )
        })
    }
}

/// Runs a package's zips, if that can be done here.
///
/// # Errors
/// When this machine has no event queue or hears no signals.
pub fn verify(request: &Request<'_>) -> anyhow::Result<Verified> {
    if let Some(why) = obstacle(request.target, request.assembled.architecture) {
        return Ok(Verified::new(Outcome::NotVerified, why));
    }
    run(request)
}

/// Why a package cannot be tried here, as far as that is known before.
fn obstacle(target: &Target, architecture: Architecture) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("programs of Lambda run on Linux only".to_owned());
    }
    if !target.is_complete {
        return Some(format!(
            "what {} has is not known, so no root can be made of it",
            target.title()
        ));
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
fn run(_: &Request<'_>) -> anyhow::Result<Verified> {
    unreachable!("there is an obstacle everywhere but on Linux")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_tried_here_is_told() {
        let target = |name| Target::find(name).expect("a table");
        let other = match Architecture::HERE {
            Architecture::X86_64 => Architecture::Arm64,
            Architecture::Arm64 => Architecture::X86_64,
        };
        assert_eq!(obstacle(&target("al2023"), Architecture::HERE), None);
        let why = obstacle(&target("al2023"), other).expect("a reason");
        assert_eq!(why, format!("it is for {other}, and this machine is {}", Architecture::HERE));
        let why = obstacle(&target("image"), Architecture::HERE).expect("a reason");
        assert_eq!(why, "what image has is not known, so no root can be made of it");
    }
}
