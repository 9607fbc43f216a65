//! Small projects to be packaged, and a call of `package` that does it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::invoke_runtime::{Said, companion, run};

#[path = "../../src/cli/package/elf/fixture.rs"]
mod fixture;

pub(crate) use fixture::{Plan, elf};

/// A folder with a static bootstrap in it that nothing can run.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self { folder: TempDir::new().unwrap() };
        project.elf("static/bootstrap", &Plan { machine: 62, ..Plan::default() });
        project
    }

    /// One with a static program called `handler`.
    pub(crate) fn with_handler() -> Self {
        let project = Self::new();
        project.elf("handler", &Plan { machine: 62, ..Plan::default() });
        project.run_bit("handler");
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn elf(&self, name: &str, plan: &Plan<'_>) -> PathBuf {
        self.file(name, elf(plan))
    }

    pub(crate) fn run_bit(&self, name: &str) {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.at(name), mode).unwrap();
    }

    /// `lambda-stdio package --no-verify --bootstrap static/bootstrap ARGUMENTS`, not started yet: the
    /// programs here are descriptions of some, and a thousand zips of one tree need no thousand trials.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = companion();
        command.args(["package", "--no-verify", "--bootstrap", "static/bootstrap"]).args(arguments);
        command.current_dir(self.path()).env_remove("SOURCE_DATE_EPOCH");
        command.env_remove("LD_LIBRARY_PATH");
        command
    }

    pub(crate) fn package(&self, arguments: &[&str]) -> Said {
        run(&mut self.command(arguments))
    }

    /// The codes of the findings, with their severities, and the exit code.
    pub(crate) fn codes(&self, arguments: &[&str]) -> (Vec<String>, i32) {
        let said = self.package(&[&["--json"], arguments].concat());
        let json = said.json();
        let findings = json["findings"].as_array().unwrap().iter().map(|finding| {
            let word = |name: &str| finding[name].as_str().unwrap().to_owned();
            format!("{} {} {}", word("severity"), word("code"), word("path"))
        });
        (findings.collect(), said.code.unwrap())
    }
}

/// The names in a report's zip, with their modes.
pub(crate) fn files(report: &serde_json::Value, zip: usize) -> Vec<String> {
    let files = report["zips"][zip]["files"].as_array().unwrap().iter();
    files
        .map(|file| {
            format!("{} {}", file["name"].as_str().unwrap(), file["mode"].as_str().unwrap())
        })
        .collect()
}
