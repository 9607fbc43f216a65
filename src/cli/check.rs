//! `lambda-stdio check`: plays the protocol against a handler, as Lambda and bad luck would, and says what
//! its author must know.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::builder::PossibleValuesParser;

pub mod fidelity;
pub mod figures;
pub mod finding;
pub mod judge;
pub mod junit;
pub mod language;
pub mod play;
pub mod report;
pub mod scenario;
pub mod tape;

use super::emulator::variables;
use super::emulator::{Counted, Function, Program, tree};
use super::interrupts::Interrupts;
use super::invoke::settings;
use super::package::progress::Notice;
use super::project::{self, Project, parse_timeout};
use super::ui::Ui;
use super::{Exit, function_name, role};
use crate::config::{Config, Variables};
use figures::Figures;
use finding::{Code, Finding};
use judge::Told;
use language::Language;
use play::Stage;
use report::{Report, Row};
use scenario::{Given, Grade, Scenario};
use tape::Tape;

const AFTER_HELP: &str = "\
The handler is started as the bridge starts it, with the variables that `invoke` gives it and through pipes,
once for each scenario and more often where it ends.  LAMBDA_STDIO_FRAMING, LAMBDA_STDIO_REPLY_FD,
LAMBDA_STDIO_REPLIES and LAMBDA_STDIO_READY are honoured, from the environment or --env.
Whether values come back as they were sent is seen in the replies of handlers that echo some of their event:
an event of --event may say where with the text \"$value\", else its member echo is taken.
A must that fails is exit code 3: callers would get wrong answers, or none.

Examples:
  lambda-stdio check ./handler
  lambda-stdio check -d '{\"name\":\"Ada\"}' --json -- jq -c --unbuffered '{id, result: .event}'
  LAMBDA_STDIO_REPLIES=text lambda-stdio check -- sed -u 's/.*/hello/'";

/// Play the protocol against a handler and tell what its author must know
#[derive(Debug, clap::Args)]
#[command(after_long_help = format!("{AFTER_HELP}\n\n{}\n\n{}", project::HELP, super::EXIT_CODES))]
pub struct Options {
    /// An event that the handler can serve: JSON, or @FILE [default: the project's, else
    /// {"name":"Ada","echo":"lambda-stdio"}]
    #[arg(short = 'd', long = "event", visible_alias = "data", value_name = "JSON")]
    event: Option<String>,
    /// How long a reply may take, in seconds; for large events it may take longer [default: the
    /// project's, else 3]
    #[arg(long, value_name = "SECONDS", value_parser = parse_timeout)]
    timeout: Option<Duration>,
    /// Send many more requests: 10,000 in up to a minute
    #[arg(long)]
    thorough: bool,
    /// Play only what is of this grade, or graver
    #[arg(long, value_enum, default_value_t = Grade::Note)]
    grade: Grade,
    /// Play only this scenario, as a finding names it; may be given again
    #[arg(long, value_name = "SCENARIO", value_parser = PossibleValuesParser::new(scenario::names()))]
    only: Vec<String>,
    /// A variable of the function; NAME alone hands over your own
    #[arg(short, long, value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Variables from a file: NAME=VALUE lines or a JSON object
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Do not run the project's build command first
    #[arg(long)]
    no_build: bool,
    /// Print one JSON object: checks, findings, exit code
    #[arg(long)]
    json: bool,
    /// Write the checks to a file as well, as `JUnit` has them
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The program: ./NAME, a path, or a name in PATH [default: the project's]
    program: Option<OsString>,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
    /// The project's own, under what --env-file and --env say.
    #[arg(skip)]
    environment: Vec<(String, String)>,
    /// The project's name for the function.
    #[arg(skip)]
    name: Option<String>,
    /// The project's memory setting.
    #[arg(skip)]
    memory_mb: Option<u32>,
}

impl Options {
    /// What a project says where the command line says nothing.
    fn complete(&mut self, project: &Project) -> anyhow::Result<()> {
        self.program = Some(project.program());
        self.args = project.arguments();
        self.event = self
            .event
            .take()
            .or_else(|| project.check.event.clone())
            .or_else(|| project.event.clone());
        self.timeout = self.timeout.or(project.timeout()?);
        self.memory_mb = project.memory_mb()?;
        self.environment = project.environment();
        self.name = Some(project.name());
        Ok(())
    }

    fn program(&self) -> OsString {
        self.program.clone().unwrap_or_default()
    }

    fn words(&self) -> Vec<OsString> {
        std::iter::once(self.program()).chain(self.args.iter().cloned()).collect()
    }

    fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(project::DEFAULT_TIMEOUT)
    }

    fn plays(&self, scenario: &Scenario) -> bool {
        if self.only.is_empty() {
            scenario.grade <= self.grade
        } else {
            self.only.iter().any(|name| name == scenario.name)
        }
    }
}

/// Runs the command.
///
/// # Errors
/// For inputs that cannot be read or are wrong.
pub fn run(mut options: Options, ui: Ui) -> anyhow::Result<Exit> {
    let project = options.program.is_none().then(Project::here).transpose()?;
    if let Some(project) = &project {
        options.complete(project)?;
    }
    let options = &options;
    let given = Given::new(event(options.event.as_deref())?.as_deref())?;
    let mut scenarios = scenario::all()?;
    scenarios.retain(|scenario| options.plays(scenario));
    let config = config(options)?;
    // Made anew before anything is played: an old one would be taken for this call's, and a place where nothing
    // can be written is no news for the end.
    let junit = options.junit.as_ref().map(File::create).transpose();
    let junit = junit.map_err(|error| cannot_write(options, error))?;
    if let Some(exit) = project.map_or(Ok(None), |it| it.build(!options.no_build, ui))? {
        return Ok(exit);
    }
    let language = language::tell(&config.program)?;
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let executor = executor.context("this machine gives no event queue (epoll)")?;
    let stage = Stage {
        config: &config,
        given: &given,
        patience: options.timeout(),
        is_thorough: options.thorough,
        was_silent: Cell::new(false),
    };
    let played = executor.block_on(watched(&stage, &scenarios, ui))?;
    let Played::Whole(tapes) = played else {
        return Ok(played.exit());
    };
    let report = report(options, &config, &scenarios, &tapes, language.as_ref());
    let exit = exit(&report.findings);
    if options.json {
        report.print()?;
    } else {
        report.show(ui)?;
    }
    if let Some(mut file) = junit {
        file.write_all(junit::text(&report).as_bytes())
            .map_err(|error| cannot_write(options, error))?;
    }
    Ok(exit)
}

fn cannot_write(options: &Options, error: io::Error) -> anyhow::Error {
    let path = options.junit.as_deref().unwrap_or(Path::new(""));
    anyhow::Error::new(error).context(format!("--junit {} cannot be written", path.display()))
}

/// What came of all scenarios.
enum Played {
    /// A tape for each that was played.
    Whole(Vec<Option<Tape>>),
    /// A signal ended it.
    Interrupted(Exit),
}

impl Played {
    fn exit(&self) -> Exit {
        match self {
            Self::Whole(_) => Exit::Done,
            Self::Interrupted(exit) => *exit,
        }
    }
}

/// Plays them all, until a signal comes; nothing is left running.
async fn watched(stage: &Stage<'_>, scenarios: &[Scenario], ui: Ui) -> anyhow::Result<Played> {
    // What loses its parents becomes our child, so that it can be found and ended.
    nix::sys::prctl::set_child_subreaper(true).ok();
    crate::handler::spare_children();
    let mut interrupts = Interrupts::listen()?;
    let played = tokio::select! {
        biased;
        exit = interrupts.next() => Played::Interrupted(exit),
        tapes = play_all(stage, scenarios, ui) => Played::Whole(tapes),
    };
    tree::kill_orphans(&[]);
    Ok(played)
}

async fn play_all(stage: &Stage<'_>, scenarios: &[Scenario], ui: Ui) -> Vec<Option<Tape>> {
    let told = Told::from(stage.config);
    let mut tapes: Vec<Option<Tape>> = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let all = scenarios.len();
        let _shown =
            Notice::new(&format!("checking {} of {all}: {}", index + 1, scenario.title), ui);
        // What does not hold of three small requests makes nonsense of the rest, and is waited for again
        // and again.
        let is_lost = match (scenarios.first(), tapes.first()) {
            (Some(scenario), Some(Some(tape))) => is_lost(scenario, tape, told),
            (_, _) => false,
        };
        tapes.push(if is_lost { None } else { Some(play::play(stage, scenario).await) });
    }
    tapes
}

/// Whether a scenario went so wrong that what follows would only say so again.
fn is_lost(scenario: &Scenario, tape: &Tape, told: Told) -> bool {
    let findings = judge::judge(scenario, tape, told);
    let is_grave = |it: &Finding| it.grade == Grade::Must && it.code != Code::UnaskedJson;
    findings.iter().any(is_grave)
}

/// The judge's findings on all tapes, each code once, with the language's own cure.
fn report(
    options: &Options,
    config: &Config,
    scenarios: &[Scenario],
    tapes: &[Option<Tape>],
    language: Option<&Language>,
) -> Report {
    let told = Told::from(config);
    let mut checks = Vec::new();
    let mut findings: Vec<Finding> = Vec::new();
    for (scenario, tape) in scenarios.iter().zip(tapes) {
        let Some(tape) = tape else {
            checks.push(Row::not_played(scenario));
            continue;
        };
        let found = judge::judge(scenario, tape, told);
        if scenario.is_about_values() {
            checks.extend(Row::values(scenario, tape));
        } else {
            checks.push(Row::played(scenario, tape, &found));
        }
        // What goes wrong in one scenario often does in the next: it is told once.  Values are each its own.
        let is_new = |new: &Finding| {
            scenario.is_about_values() || findings.iter().all(|known| known.code != new.code)
        };
        let new: Vec<Finding> = found.into_iter().filter(is_new).collect();
        findings.extend(new);
    }
    findings.sort_by_key(|finding| (finding.grade, finding.code));
    if let Some(language) = language {
        for finding in &mut findings {
            language.add_to(finding);
        }
    }
    let figures = Figures::of(tapes, language::linkage(&config.program));
    if options.grade == Grade::Note && options.only.is_empty() {
        checks.extend(figures.rows());
    }
    let program = options.words();
    Report {
        program: program.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        language: language.map(|language| language.name.clone()),
        checks,
        figures,
        exit_code: exit(&findings).code(),
        findings,
    }
}

fn exit(findings: &[Finding]) -> Exit {
    if findings.iter().any(|finding| finding.code == Code::NotStarted) {
        Exit::NotStarted
    } else if findings.iter().any(|finding| finding.grade == Grade::Must) {
        Exit::Finding
    } else {
        Exit::Done
    }
}

fn event(given: Option<&str>) -> anyhow::Result<Option<String>> {
    match given.map(|text| (text, text.strip_prefix('@'))) {
        None => Ok(None),
        Some((_, Some(file))) => std::fs::read_to_string(file)
            .map(Some)
            .with_context(|| format!("the event's file {file} cannot be read")),
        Some((text, None)) => Ok(Some(text.to_owned())),
    }
}

/// The configuration that the bridge would have, started by `invoke` here.
fn config(options: &Options) -> anyhow::Result<Config> {
    let task_root = std::env::current_dir().context("the current directory is gone")?;
    let function = Function {
        name: options.name.clone().unwrap_or_else(|| function_name(&options.program())),
        handler: options.program(),
        task_root: task_root.clone(),
        memory_mb: options.memory_mb.unwrap_or(128),
        timeout: options.timeout(),
        runtime: Program { path: role::own_executable(), name: None, arguments: Vec::new() },
        companion: role::own_executable(),
        variables: settings::collect(&options.environment, &options.env_file, &options.env)?,
        wire_tap: None,
        counted: Counted::Descendants,
    };
    // There is no Runtime API, and handlers do not see its address.
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    let variables = variables::of(&function, nowhere, "check");
    let variables = Variables(each_once(variables));
    Config::from_variables(&variables, &options.words(), &task_root)
        .context("the handler's settings are wrong")
}

/// Each name once, with the value that was given last: an environment has no second one.
fn each_once(variables: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let mut each: Vec<(OsString, OsString)> = Vec::new();
    for (name, value) in variables {
        each.retain(|(present, _)| *present != name);
        each.push((name, value));
    }
    each
}
