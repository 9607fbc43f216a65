//! `lambda-stdio package`: from a built program to a zip that Lambda runs, with all that would keep it from
//! running told before.

use std::ffi::OsString;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

pub mod architecture;
pub mod assemble;
pub mod commands;
pub mod elf;
pub mod files;
pub mod finding;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod judge;
pub mod ldcache;
pub mod loader;
pub mod names;
pub mod progress;
pub mod report;
pub mod secrets;
pub mod shebang;
pub mod target;
pub mod tree;
pub mod verify;
pub mod version;
pub mod zip;

use super::project::{self, Project};
use super::ui::{self, Ui};
use super::{Exit, function_name, surroundings};
pub use architecture::Architecture;
use assemble::Assembled;
use files::Identity;
use finding::Finding;
use progress::Progress;
use report::{Report, Zip};
use target::Target;
use tree::{Entry, Role};
use verify::Verified;
use zip::compress::Zipped;
use zip::output::{self, Output};
use zip::time::DosTime;

const AFTER_HELP: &str = "\
The package holds the bootstrap, the program under its own name, what is included, and in lib/ the shared
libraries that they load here and that the target has not.  A folder that is included keeps its name;
written with a slash at its end, what is in it comes without.  A program inside an included folder is
started there.  A bare name, such as java, is one in PATH; for an image it is the image's own, and stays
outside.  What goes in is always the same bytes, whatever the order, the time and the umask;
SOURCE_DATE_EPOCH sets the files' time.

Once it is written, the zip is verified: unpacked as /var/task of a root with what the target's table grants,
copied from this machine, and invoked there once, with the event {} or that of --verify-event, in a user
namespace and with this machine's network.  Any answer will do; a function that does not start, or ends or
hangs without one, is a finding, and the zip stays.  The libraries are this machine's, so this does not prove
that the target's versions are new enough: the other findings judge that.  Where it cannot be done
(for another processor, without user namespaces) the report says why.

What an image has is not known, so for --target image the root has this machine's own system, read-only: /usr,
/bin, /sbin, /lib*, /etc and /opt, and nothing of your home, of /tmp or of the project.  This proves that the
zip holds all that no system brings, and not that the image has what this machine has; --no-verify is for
what only the image has.

Examples:
  lambda-stdio package ./handler
  lambda-stdio package --arch arm64 --include data ./handler --verbose -o function.zip
  lambda-stdio package --include _build/prod/rel/app -- _build/prod/rel/app/bin/app start
  lambda-stdio package --layer bootstrap.zip --bootstrap bootstrap-x86_64";

/// Package a program as a zip that Lambda runs, and tell what would keep it from running
#[derive(Debug, clap::Args)]
#[command(after_long_help = format!("{AFTER_HELP}\n\n{}\n\n{}", project::HELP, super::EXIT_CODES))]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Options {
    /// The zip
    #[arg(short, long, value_name = "FILE", default_value = "function.zip")]
    output: PathBuf,
    /// A file or folder that goes in as well
    #[arg(short, long, value_name = "PATH")]
    include: Vec<PathBuf>,
    /// What it is to run on: al2023, al2, image, or a file with such a table [default: the project's, else
    /// al2023]
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// The processor [default: the project's, else the program's own, for scripts this machine's]
    #[arg(long, value_enum)]
    arch: Option<Architecture>,
    /// The static bootstrap [default: the one inside a released lambda-stdio, else the one beside it]
    #[arg(long, value_name = "FILE")]
    bootstrap: Option<PathBuf>,
    /// Put the bootstrap into this zip, as a layer, and not into the function's
    #[arg(long, value_name = "FILE")]
    layer: Option<PathBuf>,
    /// Package what looks like secrets, too
    #[arg(long)]
    allow_secrets: bool,
    /// Write nothing: tell what would be wrong, and what would be written
    #[arg(long)]
    check_only: bool,
    /// Do not run the zip to verify it
    #[arg(long, conflicts_with = "verify_event")]
    no_verify: bool,
    /// The event that it is verified with: JSON, or @FILE [default: the project's, else {}]
    #[arg(long, value_name = "JSON")]
    verify_event: Option<String>,
    /// Do not run the project's build command first
    #[arg(long)]
    no_build: bool,
    /// Print one JSON object: findings, files, sizes, hash, verification, commands
    #[arg(long)]
    json: bool,
    /// The program: ./NAME, a path, or a name in PATH [default: the project's, without --layer]
    program: Option<OsString>,
    /// Its arguments, for the variable `LAMBDA_STDIO_ARGS`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
    /// The project's settings for the function.
    #[arg(skip)]
    function: Settings,
    /// The folder of -C, from which paths are meant, and to which they are told.
    #[arg(skip)]
    folder: Option<PathBuf>,
}

/// What a function is to be given in Lambda.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    name: Option<String>,
    memory_mb: Option<u32>,
    timeout: Option<Duration>,
    variables: Vec<(String, String)>,
}

impl Options {
    /// What a project says where the command line says nothing.
    fn complete(&mut self, project: &Project) -> anyhow::Result<()> {
        self.program = Some(project.program());
        self.args = project.arguments();
        self.include.splice(..0, project.package.include.iter().cloned());
        self.target = self.target.take().or_else(|| project.package.target.clone());
        self.arch = self.arch.or(project.arch);
        self.verify_event = self.verify_event.take().or_else(|| project.event.clone());
        self.function = Settings {
            name: Some(project.name()),
            memory_mb: project.memory_mb()?,
            timeout: project.timeout()?,
            variables: project.environment(),
        };
        Ok(())
    }

    /// The same, started in a folder that the user is not in.
    pub(super) fn told_from(mut self, folder: Option<PathBuf>) -> Self {
        self.folder = folder;
        self
    }

    /// A path as the user has it.
    fn shown(&self, path: &Path) -> PathBuf {
        self.folder.as_ref().map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }

    fn name(&self) -> String {
        let named = || function_name(self.program.as_deref().unwrap_or_default());
        self.function.name.clone().unwrap_or_else(named)
    }

    fn target(&self) -> &str {
        self.target.as_deref().unwrap_or("al2023")
    }

    fn verify_event(&self) -> &str {
        self.verify_event.as_deref().unwrap_or("{}")
    }
}

/// Runs the command.
///
/// # Errors
/// For inputs that are not there, and zips that cannot be written.
pub fn run(mut options: Options, ui: Ui) -> anyhow::Result<Exit> {
    let is_project = options.program.is_none() && options.layer.is_none();
    let project = is_project.then(Project::here).transpose()?;
    if let Some(project) = &project {
        options.complete(project)?;
    }
    let options = &options;
    let target = Target::find(options.target())?;
    let epoch = surroundings::variable("SOURCE_DATE_EPOCH");
    let epoch = epoch.map(|value| value.to_string_lossy().into_owned());
    let time = DosTime::from_variable(epoch.as_deref()).map_err(anyhow::Error::msg)?;
    // Read before anything is written: a wrong event is wrong usage.
    let event = verify::event(options.verify_event())
        .with_context(|| format!("--verify-event {}", options.verify_event()))?;
    // So are arguments that no variable can hold.
    let words = commands::words(&options.args)?;
    if let Some(exit) = project.map_or(Ok(None), |it| it.build(!options.no_build, ui))? {
        return Ok(exit);
    }
    let mut assembled = assemble::assemble(options, &target)?;
    check_outputs(options, &assembled)?;
    let mut findings = judge(options, &target, &assembled);
    assemble::mark(&mut assembled.tree);

    let mut zips = Vec::new();
    if !finding::forbid(&findings) {
        zips = make(options, &assembled, time, ui)?;
        findings.extend(zips.iter().filter_map(|zip| judge::zipped(&target, zip.zipped_bytes)));
        findings.sort();
    }
    let verified = verify(options, &target, &assembled, &words, event, &zips, ui)?;
    findings.retain(|finding| verified.as_ref().is_none_or(|it| !it.settles(finding)));
    findings.extend(verified.iter().filter_map(|it| it.finding(&options.output, &target)));
    findings.sort();
    let exit = if finding::forbid(&findings) { Exit::Finding } else { Exit::Done };
    let exit = verified.as_ref().and_then(|verified| verified.interrupted).unwrap_or(exit);
    let commands = next(options, &target, &assembled, &words, &findings, &zips);
    let report = Report {
        target: target.name.clone(),
        architecture: assembled.architecture,
        handler: assembled.handler.clone(),
        findings,
        zips,
        libraries: Report::libraries(&assembled),
        verified,
        commands,
        exit_code: exit.code(),
    };
    tell(options, &report, ui)?;
    Ok(exit)
}

/// What is written must be none of what is read, and two zips are two files.
fn check_outputs(options: &Options, assembled: &Assembled) -> anyhow::Result<()> {
    let named = options.verify_event().strip_prefix('@').map(Path::new);
    let named = named.into_iter().chain([Path::new(options.target())]);
    let named = named.filter_map(|path| std::fs::metadata(path).ok());
    let mut inputs: Vec<_> = named.map(|metadata| Identity::of(&metadata)).collect();
    inputs.extend(assembled.tree.entries.iter().map(|entry| entry.identity));
    let check = |option, path| output::check(option, path, &assembled.roots, &inputs);
    let function = options.program.as_ref().map(|_| check("-o", &options.output)).transpose()?;
    let layer = options.layer.as_deref().map(|path| check("--layer", path)).transpose()?;
    if function.is_some() && function == layer {
        bail!("-o and --layer name the same file; the function and the layer are a zip each");
    }
    Ok(())
}

fn judge(options: &Options, target: &Target, assembled: &Assembled) -> Vec<Finding> {
    judge::judge(&judge::Package {
        architecture: assembled.architecture,
        target,
        tree: &assembled.tree,
        missing: &assembled.missing,
        handler: assembled.handler.as_deref(),
        file_arguments: &assembled.file_arguments,
        are_secrets_allowed: options.allow_secrets,
    })
}

/// The function's zip, and the layer's.
fn make(
    options: &Options,
    assembled: &Assembled,
    time: DosTime,
    ui: Ui,
) -> anyhow::Result<Vec<Zip>> {
    let of_layer = |entry: &&Entry| entry.role == Role::Bootstrap && options.layer.is_some();
    let entries = assembled.tree.entries.iter();
    let (layer, function): (Vec<&Entry>, Vec<&Entry>) = entries.partition(of_layer);
    let mut wanted = Vec::new();
    if options.program.is_some() {
        wanted.push(("function", &options.output, function));
    }
    wanted.extend(options.layer.as_ref().map(|path| ("layer", path, layer)));
    let (mut zips, mut outputs) = (Vec::new(), Vec::new());
    for (kind, path, entries) in wanted {
        let (zipped, output) = write(options, path, &entries, time, ui)?;
        zips.push(Zip::new(kind, &options.shown(path), !options.check_only, &zipped));
        outputs.extend(output.map(|output| (path, output)));
    }
    // Only when all of them are whole does one take the place of an old one.
    for (path, output) in outputs {
        output.complete().with_context(|| format!("{} cannot be completed", path.display()))?;
    }
    Ok(zips)
}

fn write(
    options: &Options,
    path: &Path,
    entries: &[&Entry],
    time: DosTime,
    ui: Ui,
) -> anyhow::Result<(Zipped, Option<Output>)> {
    let mut progress = Progress::new(entries, ui);
    let mut tick = |files, bytes| progress.tick(files, bytes);
    if options.check_only {
        return Ok((zip::compress::write(entries, time, io::sink(), &mut tick)?, None));
    }
    output::hear_of_limits();
    let shown = path.display();
    let output = Output::create(path).with_context(|| format!("{shown} cannot be written"))?;
    let buffered = BufWriter::with_capacity(256 * 1024, output.file());
    let zipped = zip::compress::write(entries, time, buffered, &mut tick)
        .with_context(|| format!("{shown} is not written"))?;
    Ok((zipped, Some(output)))
}

/// Runs what was written; none where nothing was, or that is not wished.
fn verify(
    options: &Options,
    target: &Target,
    assembled: &Assembled,
    words: &str,
    event: Vec<u8>,
    zips: &[Zip],
    ui: Ui,
) -> anyhow::Result<Option<Verified>> {
    let is_written = zips.iter().any(|zip| zip.kind == "function" && zip.is_written);
    if options.no_verify || !is_written {
        return Ok(None);
    }
    let _shown = progress::Notice::new("verifying: the zip is run once", ui);
    let request = verify::Request {
        target,
        assembled,
        function: &options.output,
        layer: options.layer.as_deref(),
        name: &options.name(),
        words: words.to_owned(),
        variables: &options.function.variables,
        event,
    };
    verify::verify(&request).map(Some)
}

/// What to type next; nothing where there is nothing to deploy.
fn next(
    options: &Options,
    target: &Target,
    assembled: &Assembled,
    words: &str,
    findings: &[Finding],
    zips: &[Zip],
) -> Vec<String> {
    if zips.is_empty() || finding::forbid(findings) {
        return Vec::new();
    }
    let function = options.program.as_ref().map(|_| options.shown(&options.output));
    let layer = options.layer.as_ref().map(|path| options.shown(path));
    let of = commands::Of { assembled, name: &options.name(), words, settings: &options.function };
    commands::commands(target, &of, function.as_deref(), layer.as_deref())
}

fn tell(options: &Options, report: &Report, ui: Ui) -> anyhow::Result<()> {
    if options.json {
        let mut object = serde_json::to_vec(report)?;
        object.push(b'\n');
        ui::print(&object)?;
        return Ok(());
    }
    report::show(&report.findings, ui);
    ui::print(ui::printable(&report.text()).as_bytes())?;
    Ok(())
}
