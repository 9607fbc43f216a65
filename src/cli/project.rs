//! `lambda-stdio.toml`: what a folder's function is, for the commands that are given no program.
//!
//! The file is text in, values out; `build` runs its one command.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;

pub mod build;

use super::Exit;
use super::package::{Architecture, files};
use super::ui::Ui;

/// The file's name.
pub const FILE: &str = "lambda-stdio.toml";
/// A page or two at most.
const MAX_BYTES: u64 = 1024 * 1024;
/// How long an invocation may take where nobody says it: Lambda's own default.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);
/// Lambda's largest memory setting, in MB.
pub const MAX_MEMORY_MB: u32 = 10_240;

/// What the help of the commands says of it.
pub const HELP: &str = "\
Without PROGRAM, lambda-stdio.toml in this folder (or that of -C) says what to run:
  program = [\"./handler\"]           the program and its arguments; paths are relative to the folder
  build = \"make\"                    what a shell runs there first
  event = '{\"name\":\"Ada\"}'          an event that the function can serve, or \"@FILE\"
  memory = 128                      MB
  timeout = 3                       seconds
  arch = \"arm64\"                    or \"x86_64\" [default: the program's own]
  [environment]                     the function's variables: NAME = \"value\"
  [check]
  event = '{\"echo\":\"$value\"}'       the event of `check` [default: event]
  [package]
  target = \"image\"                  as --target [default: al2023]
  include = [\"data\"]                as --include
What the command line says goes before what the file says.";

/// A function, as its folder's file has it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {
    program: Vec<String>,
    build: Option<String>,
    /// An event that it can serve: JSON, or @FILE.
    pub event: Option<String>,
    /// The processor that it is for.
    pub arch: Option<Architecture>,
    memory: Option<i64>,
    timeout: Option<f64>,
    #[serde(default)]
    environment: BTreeMap<String, Value>,
    /// What `check` is told.
    #[serde(default)]
    pub check: Check,
    /// What `package` is told.
    #[serde(default)]
    pub package: Package,
}

/// What `check` is told.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its event.
    pub event: Option<String>,
}

/// What `package` is told.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// What it is to run on.
    pub target: Option<String>,
    /// What goes in as well.
    #[serde(default)]
    pub include: Vec<PathBuf>,
}

/// A variable's value: numbers and truths are taken as they are written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a variable's value is a text, a number, true or false")]
enum Value {
    Text(String),
    Whole(i64),
    Real(f64),
    Truth(bool),
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Whole(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
        }
    }
}

impl Project {
    /// The project of this folder.
    ///
    /// # Errors
    /// Where there is none, or its file cannot be read or understood.
    pub fn here() -> anyhow::Result<Self> {
        match files::read(Path::new(FILE), MAX_BYTES) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes).context("it is not UTF-8");
                text.and_then(|text| Self::parse(&text)).with_context(|| format!("{FILE} is wrong"))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(nothing_to_run()),
            Err(error) => Err(error).with_context(|| format!("{FILE} cannot be read")),
        }
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let project: Self = toml::from_str(text)?;
        if project.program.first().is_none_or(String::is_empty) {
            bail!("program is empty; it is a list of the program and its arguments");
        }
        if project.build.as_ref().is_some_and(|command| command.trim().is_empty()) {
            bail!("build is empty; leave it out where there is nothing to build");
        }
        project.memory_mb()?;
        project.timeout()?;
        Ok(project)
    }

    /// Builds it, where there is something to build and that is wished; how the command ends if that failed.
    ///
    /// # Errors
    /// Where no build can be started.
    pub fn build(&self, is_wished: bool, ui: Ui) -> anyhow::Result<Option<Exit>> {
        match &self.build {
            Some(command) if is_wished => build::run(command, ui),
            Some(_) | None => Ok(None),
        }
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> OsString {
        self.program.first().cloned().unwrap_or_default().into()
    }

    /// Its arguments.
    #[must_use]
    pub fn arguments(&self) -> Vec<OsString> {
        self.program.iter().skip(1).map(OsString::from).collect()
    }

    /// The memory setting.
    ///
    /// # Errors
    /// Where it is none that Lambda has.
    pub fn memory_mb(&self) -> anyhow::Result<Option<u32>> {
        let Some(memory) = self.memory else { return Ok(None) };
        let allowed = u32::try_from(memory).ok().filter(|mb| (1..=MAX_MEMORY_MB).contains(mb));
        match allowed {
            Some(mb) => Ok(Some(mb)),
            None => bail!("memory is {memory}; give 1 to {MAX_MEMORY_MB} MB"),
        }
    }

    /// How long an invocation may take.
    ///
    /// # Errors
    /// Where it is longer than Lambda allows, or nothing.
    pub fn timeout(&self) -> anyhow::Result<Option<Duration>> {
        let parse = |seconds: f64| parse_timeout(&seconds.to_string());
        let timeout = self.timeout.map(parse).transpose();
        timeout.map_err(|what| anyhow::anyhow!("timeout: {what}"))
    }

    /// The function's variables.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        self.environment.iter().map(|(name, value)| (name.clone(), value.text())).collect()
    }
}

fn nothing_to_run() -> anyhow::Error {
    anyhow::anyhow!(
        "no PROGRAM is named, and there is no {FILE} here that names one; \
         `lambda-stdio new` makes a project with such a file"
    )
}

/// Changes into the folder of `-C`, for all that the command then reads and writes.
///
/// # Errors
/// Where it is no folder that can be entered.
pub fn enter(folder: &Path) -> io::Result<()> {
    std::env::set_current_dir(folder)
}

/// Lambda's limit is 900 s.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, String> {
    let seconds: f64 =
        text.parse().map_err(|_| "give a number of seconds, such as 2.5".to_owned())?;
    if !(0.001..=900.0).contains(&seconds) {
        return Err("give 0.001 to 900 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = r#"
        program = ["./handler", "--fast"]
        build = "make"
        event = '{"name":"Ada"}'
        arch = "arm64"
        memory = 256
        timeout = 2.5
        [environment]
        A = "x"
        B = 1
        C = true
        [check]
        event = '{"echo":"$value"}'
        [package]
        target = "image"
        include = ["data"]
    "#;

    #[test]
    fn a_file_says_all_of_a_function() {
        let project = Project::parse(ALL).expect("right");
        assert_eq!(project.program(), "./handler");
        assert_eq!(project.arguments(), ["--fast"]);
        assert_eq!(project.arch, Some(Architecture::Arm64));
        assert_eq!(project.memory_mb().expect("right"), Some(256));
        assert_eq!(project.timeout().expect("right"), Some(Duration::from_millis(2500)));
        let variables = [("A", "x"), ("B", "1"), ("C", "true")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(project.environment(), variables);
        assert_eq!(project.check.event.as_deref(), Some("{\"echo\":\"$value\"}"));
        assert_eq!(project.package.include, [PathBuf::from("data")]);
    }

    #[test]
    fn what_is_wrong_in_a_file_is_told() {
        for (text, expected) in [
            ("", "missing field `program`"),
            ("program = []", "program is empty"),
            ("program = \"./handler\"", "expected a sequence"),
            ("program = [\"x\"]\nbuilt = \"make\"", "unknown field `built`"),
            ("program = [\"x\"]\nbuild = \" \"", "build is empty"),
            ("program = [\"x\"]\nmemory = 0", "give 1 to 10240 MB"),
            ("program = [\"x\"]\nmemory = 99999999999", "give 1 to 10240 MB"),
            ("program = [\"x\"]\ntimeout = 1000", "give 0.001 to 900 seconds"),
            ("program = [\"x\"]\narch = \"arm\"", "unknown variant `arm`"),
            ("program = [\"x\"]\n[environment]\nA = [1]", "a text, a number, true or false"),
            ("program = [", "TOML parse error at line 1"),
        ] {
            let error = Project::parse(text).expect_err(text);
            let told = format!("{error:#}");
            assert!(told.contains(expected), "{text}: {told}");
        }
    }

    #[test]
    fn the_help_shows_a_file_that_is_right() {
        let lines = HELP.lines().filter_map(|line| line.strip_prefix("  "));
        let line = |line: &str| line.split("  ").next().unwrap_or_default().trim().to_owned();
        let text: Vec<String> = lines.map(line).collect();
        Project::parse(&text.join("\n")).expect("right");
    }

    #[test]
    fn timeouts_are_lambdas() {
        assert_eq!(parse_timeout("2.5"), Ok(Duration::from_millis(2_500)));
        for wrong in ["0", "-1", "901", "x", "NaN", "inf", ""] {
            assert!(parse_timeout(wrong).is_err(), "{wrong}");
        }
    }
}
