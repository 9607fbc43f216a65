//! The environment's variables to one configuration, read once.  Every wrong value is an error that names
//! variable, value and what is allowed.

pub mod words;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::invocation::Function;
use crate::protocol::{Framing, Replies, VERSION};

/// Where the Runtime API is.
pub const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
/// What our own variables begin with.
const OURS: &str = "LAMBDA_STDIO_";
/// Where a shell looks for programs when nobody said.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// When a handler counts as ready for its first invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readiness {
    /// Once it has read the space written to its input.
    #[default]
    Read,
    /// Once it has printed the ready line.
    Line,
    /// At once.
    None,
}

/// Everything the bridge is told, in types that cannot be wrong.
#[derive(Debug)]
pub struct Config {
    /// What the environment knows of its function.
    pub function: Function,
    /// The user's program.
    pub program: Program,
    /// When it counts as ready.
    pub readiness: Readiness,
    /// How its plain lines are read.
    pub replies: Replies,
    /// How messages are told apart.
    pub framing: Framing,
    /// Where it writes replies, if not to standard output.
    pub reply_fd: Option<u8>,
    /// How long before the deadline we give up on it, if not by default.
    pub margin: Option<Duration>,
}

/// What is started, where, and with which variables.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// Its name as the user gave it.
    pub name: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where names are looked up: `LAMBDA_TASK_ROOT`, else where we were started.
    pub task_root: PathBuf,
    /// Its working directory, if not ours.
    pub directory: Option<PathBuf>,
    /// All of its environment.
    pub environment: Vec<(OsString, OsString)>,
}

/// What is wrong with the configuration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not in Lambda.
    #[error("this is Lambda's side; to try it here: lambda-stdio invoke -- PROGRAM")]
    NotInLambda,
    /// A variable's value is not allowed.
    #[error("{variable} is {value:?}: allowed is {allowed}")]
    Value {
        /// The variable's name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        allowed: &'static str,
    },
    /// Nobody said which program to run.
    #[error(
        "no program to run: set the function's handler to its name, or give it as the image's command"
    )]
    NoProgram,
}

/// The variables of our own environment.
#[derive(Debug, Clone, Default)]
pub struct Variables(pub Vec<(OsString, OsString)>);

impl Variables {
    /// A variable's value; one that is set to nothing counts as unset.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let (_, value) = self.0.iter().find(|(variable, _)| variable == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// A variable's value as text; bytes that are no text are replaced, never refused.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_string_lossy().into_owned())
    }

    fn parsed<T>(
        &self,
        variable: &'static str,
        allowed: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.text(variable) else { return Ok(None) };
        match parse(&value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(ConfigError::Value { variable, value, allowed }),
        }
    }
}

impl Config {
    /// The configuration in the variables and arguments the bootstrap was started with.
    ///
    /// # Errors
    /// When a value is not allowed, or no program is named.
    pub fn from_variables(
        variables: &Variables,
        arguments: &[OsString],
        started_in: &Path,
    ) -> Result<Self, ConfigError> {
        let reply_fd =
            variables.parsed("LAMBDA_STDIO_REPLY_FD", "a number from 3 to 255", |value| {
                value.parse::<u8>().ok().filter(|fd| *fd >= 3)
            })?;
        let margin = variables.parsed(
            "LAMBDA_STDIO_DEADLINE_MARGIN_MS",
            "a number of milliseconds from 0 to 900000",
            |value| {
                value.parse::<u64>().ok().filter(|ms| *ms <= 900_000).map(Duration::from_millis)
            },
        )?;
        Ok(Self {
            function: function(variables),
            readiness: readiness(variables)?,
            replies: replies(variables)?,
            framing: framing(variables)?,
            reply_fd,
            margin,
            program: program(variables, arguments, started_in)?,
        })
    }
}

fn function(variables: &Variables) -> Function {
    Function {
        name: variables.text("AWS_LAMBDA_FUNCTION_NAME"),
        version: variables.text("AWS_LAMBDA_FUNCTION_VERSION"),
        memory_limit_in_mb: variables.text("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        log_group_name: variables.text("AWS_LAMBDA_LOG_GROUP_NAME"),
        log_stream_name: variables.text("AWS_LAMBDA_LOG_STREAM_NAME"),
    }
}

fn readiness(variables: &Variables) -> Result<Readiness, ConfigError> {
    let chosen =
        variables.parsed("LAMBDA_STDIO_READY", "read, line or none", |value| match value {
            "read" => Some(Readiness::Read),
            "line" => Some(Readiness::Line),
            "none" => Some(Readiness::None),
            _ => None,
        })?;
    Ok(chosen.unwrap_or_default())
}

fn replies(variables: &Variables) -> Result<Replies, ConfigError> {
    let chosen =
        variables.parsed("LAMBDA_STDIO_REPLIES", "auto, tagged or text", |value| match value {
            "auto" => Some(Replies::Auto),
            "tagged" => Some(Replies::Tagged),
            "text" => Some(Replies::Text),
            _ => None,
        })?;
    Ok(chosen.unwrap_or_default())
}

fn framing(variables: &Variables) -> Result<Framing, ConfigError> {
    let chosen =
        variables.parsed("LAMBDA_STDIO_FRAMING", "lines or length", |value| match value {
            "lines" => Some(Framing::Lines),
            "length" => Some(Framing::Length),
            _ => None,
        })?;
    Ok(chosen.unwrap_or_default())
}

fn program(
    variables: &Variables,
    arguments: &[OsString],
    started_in: &Path,
) -> Result<Program, ConfigError> {
    let (name, arguments) = if let Some((name, rest)) = arguments.split_first() {
        (name.clone(), rest.to_vec())
    } else {
        let name = variables.get("_HANDLER").ok_or(ConfigError::NoProgram)?;
        let words = variables.parsed(
            "LAMBDA_STDIO_ARGS",
            "words as a shell reads them, each quote closed",
            |value| words::split(value).ok(),
        )?;
        (name.to_owned(), words.unwrap_or_default().into_iter().map(Into::into).collect())
    };
    let task_root = variables.get("LAMBDA_TASK_ROOT").map(PathBuf::from);
    Ok(Program {
        name,
        arguments,
        environment: handler_environment(variables, task_root.as_deref()),
        directory: task_root.clone(),
        task_root: task_root.unwrap_or_else(|| started_in.to_owned()),
    })
}

/// What the handler sees of our environment: no address of the Runtime API, no variable of ours but one.
fn handler_environment(
    variables: &Variables,
    task_root: Option<&Path>,
) -> Vec<(OsString, OsString)> {
    let mut environment: Vec<(OsString, OsString)> =
        variables.0.iter().filter(|(name, _)| !is_withheld(name)).cloned().collect();
    let mut set = |name: &str, value: OsString| {
        environment.retain(|(present, _)| present != name);
        environment.push((name.into(), value));
    };
    if let Some(root) = task_root {
        let path = variables.get("PATH").unwrap_or_else(|| OsStr::new(DEFAULT_PATH));
        set("PATH", with_folders(path, &[root]));
        let libraries = variables.get("LD_LIBRARY_PATH").unwrap_or_default();
        set("LD_LIBRARY_PATH", with_folders(libraries, &[root, &root.join("lib")]));
    }
    if variables.get("HOME").is_none() {
        set("HOME", "/tmp".into());
    }
    set("LAMBDA_STDIO_PROTOCOL", VERSION.to_string().into());
    environment
}

/// The trace id is each invocation's own and stands in its context; the rest is between Lambda and us.
fn is_withheld(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name == RUNTIME_API
        || name == "_X_AMZN_TRACE_ID"
        || name.starts_with("_LAMBDA_")
        || name.starts_with(OURS)
}

/// A list of folders with those appended that it lacks.
fn with_folders(list: &OsStr, folders: &[&Path]) -> OsString {
    let mut list = list.to_owned();
    for folder in folders {
        if std::env::split_paths(&list).any(|present| present == *folder) {
            continue;
        }
        if !list.is_empty() {
            list.push(":");
        }
        list.push(folder);
    }
    list
}

#[cfg(test)]
mod tests;
