//! The companion: what people run on their own machines.  Compiled out of the bootstrap.
//!
//! The command line and the one table of exit codes; each command has a file of its own.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};

#[cfg(target_os = "linux")]
pub mod check;
pub mod embedded;
#[cfg(target_os = "linux")]
pub mod emulator;
#[cfg(target_os = "linux")]
mod interrupts;
#[cfg(target_os = "linux")]
pub mod invoke;
pub mod new;
pub mod package;
pub mod project;
#[cfg(target_os = "linux")]
pub mod role;
mod surroundings;
pub mod ui;

use ui::{Color, Ui};

/// The exit codes of every command, as `--help` shows them.
const EXIT_CODES: &str = "\
Exit codes, of every command:
  0  done
  1  the function answered with an error
  2  the command line, or an input it names, is wrong
  3  a check or a finding failed
  4  an invocation timed out
  5  the function could not be built or started
  130 after Ctrl-C (143 after SIGTERM, 129 after SIGHUP), with everything stopped";

/// Any program becomes an AWS Lambda function by reading lines and printing lines.
#[derive(Debug, Parser)]
#[command(name = "lambda-stdio", version, about, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Colours: `auto` follows the terminal, `NO_COLOR` and `CLICOLOR_FORCE`
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// Do as if started in this folder: whatever is read and written is meant from there
    #[arg(short = 'C', long, global = true, value_name = "DIR")]
    directory: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(target_os = "linux")]
    #[command(after_help = EXIT_CODES)]
    Invoke(Box<invoke::Options>),
    #[cfg(target_os = "linux")]
    #[command(after_help = EXIT_CODES)]
    Check(Box<check::Options>),
    #[command(visible_alias = "init", after_help = EXIT_CODES)]
    New(Box<new::Options>),
    #[command(visible_aliases = ["bundle", "zip"], after_help = EXIT_CODES)]
    Package(Box<package::Options>),
    /// Print a shell's completions
    #[command(after_help = EXIT_CODES)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in roff
    #[command(after_help = EXIT_CODES)]
    Man {
        /// A command, for its page
        command: Option<String>,
    },
}

/// How a command ended: the one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything as wished.
    Done,
    /// The function answered with an error.
    FunctionError,
    /// The command line, or an input it names, is wrong.
    Usage,
    /// A check or a finding failed.
    Finding,
    /// An invocation timed out.
    TimedOut,
    /// The function could not be started.
    NotStarted,
    /// A signal ended it, after everything was stopped.
    Interrupted(u8),
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::FunctionError => 1,
            Self::Usage => 2,
            Self::Finding => 3,
            Self::TimedOut => 4,
            Self::NotStarted => 5,
            Self::Interrupted(signal) => 128 + signal,
        }
    }
}

/// The companion, with the arguments it was started with.
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    // Clap ends the process by itself after --help (0) and after wrong arguments (2): the table's codes.
    let arguments = Arguments::parse_from(arguments);
    let ui = Ui::new(arguments.color);
    let exit = run(arguments, ui).unwrap_or_else(|error| {
        ui.error(&format!("{error:#}"));
        Exit::Usage
    });
    ExitCode::from(exit.code())
}

fn run(arguments: Arguments, ui: Ui) -> anyhow::Result<Exit> {
    if let Some(folder) = &arguments.directory {
        project::enter(folder).with_context(|| format!("-C {}", folder.display()))?;
    }
    match arguments.command {
        #[cfg(target_os = "linux")]
        Command::Invoke(options) => invoke::run(*options, ui),
        #[cfg(target_os = "linux")]
        Command::Check(options) => check::run(*options, ui),
        Command::New(options) => new::run(&options, arguments.directory.as_deref(), ui),
        Command::Package(options) => package::run(options.told_from(arguments.directory), ui),
        Command::Completions { shell } => completions(shell),
        Command::Man { command } => manual(command.as_deref()),
    }
}

/// A name that Lambda would take, after the program's file.
fn function_name(program: &OsStr) -> String {
    let stem = Path::new(program).file_stem().unwrap_or_default().to_string_lossy();
    let is_allowed =
        |character: &char| character.is_ascii_alphanumeric() || "-_".contains(*character);
    let name: String = stem.chars().filter(is_allowed).take(64).collect();
    if name.is_empty() { "function".to_owned() } else { name }
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "lambda-stdio", &mut script);
    ui::print(&script)?;
    Ok(Exit::Done)
}

fn manual(of: Option<&str>) -> anyhow::Result<Exit> {
    let mut command = Arguments::command();
    command.build();
    if let Some(name) = of {
        let found = command.find_subcommand(name).cloned();
        command = found.ok_or_else(|| {
            anyhow::anyhow!("there is no command {name:?}; lambda-stdio --help lists them")
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    ui::print(&page)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_after_its_program() {
        let name = |program: &str| function_name(OsStr::new(program));
        assert_eq!(name("./my handler.py"), "myhandler");
        assert_eq!(name("/usr/bin/jq"), "jq");
        assert_eq!(name("⚙"), "function");
        assert_eq!(name(&"x".repeat(99)).len(), 64);
    }

    #[test]
    fn the_command_line_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_table_of_exit_codes_is_the_one_in_the_help() {
        let table = [
            (Exit::Done, "done"),
            (Exit::FunctionError, "error"),
            (Exit::Usage, "wrong"),
            (Exit::Finding, "finding"),
            (Exit::TimedOut, "timed out"),
            (Exit::NotStarted, "could not be built or started"),
            (Exit::Interrupted(2), "Ctrl-C"),
        ];
        for (exit, word) in table {
            let number = format!("  {} ", exit.code());
            let line = EXIT_CODES.lines().find(|line| line.starts_with(&number));
            assert!(line.is_some_and(|line| line.contains(word)), "{exit:?}");
        }
    }
}
