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
/// And its smallest.
const MIN_MEMORY_MB: u32 = 128;
/// Lambda's limit of a name's length.
const MAX_NAME_CHARS: usize = 64;
/// The variables that Lambda sets itself and takes from nobody: the list of "Defined runtime environment
/// variables" in AWS's documentation.
const RESERVED: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

/// What the help of the commands says of it.
pub const HELP: &str = "\
Without PROGRAM, lambda-stdio.toml in this folder (or that of -C) says what to run:
  name = \"greeter\"                  the function's name [default: the folder's]
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
    name: Option<String>,
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
        let project: Self = toml::from_str(text)
            .map_err(|error| anyhow::anyhow!("{}", error.to_string().trim_end()))?;
        if project.name.as_deref().is_some_and(|name| !is_name(name)) {
            bail!("name is {:?}; Lambda takes 1 to 64 letters, digits, - and _", project.name());
        }
        if project.program.iter().chain(&project.build).any(|word| word.contains('\0')) {
            bail!("program or build holds a NUL, which no program can be given");
        }
        if project.program.first().is_none_or(String::is_empty) {
            bail!("program is empty; it is a list of the program and its arguments");
        }
        if project.build.as_ref().is_some_and(|command| command.trim().is_empty()) {
            bail!("build is empty; leave it out where there is nothing to build");
        }
        project.memory_mb()?;
        project.timeout()?;
        judge_event("event", project.event.as_deref())?;
        judge_event("check.event", project.check.event.as_deref())?;
        project.judge_environment()?;
        Ok(project)
    }

    fn judge_environment(&self) -> anyhow::Result<()> {
        for (name, value) in &self.environment {
            let mut bytes = name.bytes();
            let is_name = bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
                && bytes.len() > 0
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if RESERVED.contains(&name.as_str()) {
                bail!("environment: {name} is set by Lambda itself; leave it out");
            }
            if !is_name {
                bail!(
                    "environment: {name:?} is no name that Lambda takes: two or more letters, digits and _, a \
                     letter first"
                );
            }
            if name == "LAMBDA_STDIO_ARGS" && self.program.len() > 1 {
                bail!(
                    "environment: {name} and the program's arguments say the same; leave one out"
                );
            }
            if value.text().contains('\0') {
                bail!("environment: {name} holds a NUL, which no variable can");
            }
        }
        Ok(())
    }

    /// The function's name.
    #[must_use]
    pub fn name(&self) -> String {
        let folder = || std::env::current_dir().ok();
        let named = self.name.clone().map(OsString::from);
        super::function_name(&named.or_else(|| folder().map(Into::into)).unwrap_or_default())
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
        let allowed =
            u32::try_from(memory).ok().filter(|mb| (MIN_MEMORY_MB..=MAX_MEMORY_MB).contains(mb));
        match allowed {
            Some(mb) => Ok(Some(mb)),
            None => bail!("memory is {memory}; Lambda has {MIN_MEMORY_MB} to {MAX_MEMORY_MB} MB"),
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

fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=MAX_NAME_CHARS).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// An event is JSON, or the name of a file, which is read when it is wanted.
fn judge_event(key: &str, event: Option<&str>) -> anyhow::Result<()> {
    match event.map(|text| text.strip_prefix('@').ok_or(text)) {
        Some(Ok("" | "-")) => bail!("{key}: @FILE names the event's file; standard input is none"),
        Some(Err(text)) => {
            let judged = serde_json::from_str::<serde::de::IgnoredAny>(text);
            judged.map(drop).with_context(|| format!("{key} is not JSON"))
        }
        Some(Ok(_)) | None => Ok(()),
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
        name = "greeter"
        program = ["./handler", "--fast"]
        build = "make"
        event = '{"name":"Ada"}'
        arch = "arm64"
        memory = 256
        timeout = 2.5
        [environment]
        AA = "x"
        BB = 1
        CC = true
        [check]
        event = '{"echo":"$value"}'
        [package]
        target = "image"
        include = ["data"]
    "#;

    #[test]
    fn a_file_says_all_of_a_function() {
        let project = Project::parse(ALL).expect("right");
        assert_eq!(project.name(), "greeter");
        assert_eq!(project.program(), "./handler");
        assert_eq!(project.arguments(), ["--fast"]);
        assert_eq!(project.arch, Some(Architecture::Arm64));
        assert_eq!(project.memory_mb().expect("right"), Some(256));
        assert_eq!(project.timeout().expect("right"), Some(Duration::from_millis(2500)));
        let variables = [("AA", "x"), ("BB", "1"), ("CC", "true")];
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
            ("program = [\"x\"]\nmemory = 127", "memory is 127; Lambda has 128 to 10240 MB"),
            ("program = [\"x\"]\nmemory = 99999999999", "Lambda has 128 to 10240 MB"),
            ("name = \"two words\"\nprogram = [\"x\"]", "1 to 64 letters, digits, - and _"),
            ("program = [\"x\\u0000\"]", "holds a NUL"),
            ("program = [\"x\"]\nevent = \"{bad\"", "event is not JSON: key must be a string"),
            ("program = [\"x\"]\nevent = \"\"", "event is not JSON"),
            ("program = [\"x\"]\nevent = \"@-\"", "standard input is none"),
            ("program = [\"x\"]\n[check]\nevent = \"1 2\"", "check.event is not JSON"),
            (
                "program = [\"x\"]\n[environment]\n_HANDLER = \"y\"",
                "_HANDLER is set by Lambda itself",
            ),
            ("program = [\"x\"]\n[environment]\nAWS_REGION = \"y\"", "AWS_REGION is set by Lambda"),
            ("program = [\"x\"]\n[environment]\n\"9 A\" = \"y\"", "no name that Lambda takes"),
            ("program = [\"x\"]\n[environment]\nA = \"y\"", "two or more letters"),
            ("program = [\"x\", \"y\"]\n[environment]\nLAMBDA_STDIO_ARGS = \"z\"", "say the same"),
            ("program = [\"x\"]\n[environment]\nAB = \"\\u0000\"", "holds a NUL"),
            ("program = [\"x\"]\ntimeout = 1000", "give 0.001 to 900 seconds"),
            ("program = [\"x\"]\narch = \"arm\"", "unknown variant `arm`"),
            ("program = [\"x\"]\n[environment]\nAA = [1]", "a text, a number, true or false"),
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
