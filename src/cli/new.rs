//! `lambda-stdio new`: a project that answers, from the examples that are carried in the executable.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;

pub mod catalogue;
pub mod list;

use super::Exit;
use super::ui::{self, Ui};
use catalogue::Language;

const AFTER_HELP: &str = "\
A project is a folder with a handler, what builds it, a test that pipes lines into it (test.sh), a README, and
lambda-stdio.toml, which says what `invoke`, `check` and `package` are to run.  It needs nothing of
lambda-stdio's to be built, and any program in any language can have such a file.

Examples:
  lambda-stdio new --list
  lambda-stdio new haskell greeter
  lambda-stdio invoke -C greeter -d '{\"name\":\"Ada\"}'";

/// Make a project in a language, with a handler that answers
#[derive(Debug, clap::Args)]
#[command(after_long_help = format!("{AFTER_HELP}\n\n{}", super::EXIT_CODES))]
pub struct Options {
    /// The language, as `new --list` names it
    #[arg(required_unless_present = "list")]
    language: Option<String>,
    /// The folder, which must be new or empty [default: the language's name]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// List the languages, and whether what builds them is installed here
    #[arg(long, conflicts_with_all = ["language", "folder"])]
    list: bool,
    /// Print JSON instead
    #[arg(long)]
    json: bool,
}

/// What was made, as --json prints it.
#[derive(Debug, Serialize)]
struct Made<'a> {
    language: &'a str,
    folder: String,
    files: Vec<&'a str>,
    missing: Vec<&'a str>,
    debian: &'a [String],
}

/// Runs the command.
///
/// # Errors
/// For a language that is not known, and a folder that cannot be made or has something in it.
pub fn run(options: &Options, inside: Option<&Path>, ui: Ui) -> anyhow::Result<Exit> {
    let languages = catalogue::all()?;
    let Some(wanted) = &options.language else {
        return list::run(&languages, options.json, ui);
    };
    let language = find(&languages, wanted)?;
    let folder = options.folder.clone().unwrap_or_else(|| PathBuf::from(&language.name));
    make(language, &folder).with_context(|| format!("{} is not made", folder.display()))?;
    let folder = inside.map_or_else(|| folder.clone(), |inside| inside.join(&folder));
    let made = Made {
        language: &language.name,
        folder: folder.to_string_lossy().into_owned(),
        files: language.files.iter().map(|file| file.path).collect(),
        missing: language.missing(),
        debian: &language.debian,
    };
    tell(&made, language, options.json, ui)?;
    Ok(Exit::Done)
}

fn find<'a>(languages: &'a [Language], wanted: &str) -> anyhow::Result<&'a Language> {
    let lower = wanted.to_lowercase();
    if let Some(found) = languages.iter().find(|language| language.is_called(&lower)) {
        return Ok(found);
    }
    let names: Vec<&str> = languages.iter().map(|language| language.name.as_str()).collect();
    bail!(
        "there is no scaffold for {wanted:?}; there is one for {}. Any other language does as well: a program \
         that reads lines and prints lines needs only a {} that names it",
        names.join(", "),
        super::project::FILE
    )
}

/// Writes the files beside a new folder first, so that it is there with all of them or not at all.
fn make(language: &Language, folder: &Path) -> anyhow::Result<()> {
    match check_empty(folder) {
        Ok(()) => return write_files(language, folder),
        Err(_) if folder.is_symlink() && !folder.exists() => {
            bail!("it is a link that leads nowhere")
        }
        Err(error) if !folder.exists() => drop(error),
        Err(error) => return Err(error),
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("its folder {}", parent.display()))?;
    let beside = parent.join(format!(".new-{}", std::process::id()));
    let written = fs::create_dir(&beside)
        .map_err(anyhow::Error::from)
        .and_then(|()| write_files(language, &beside))
        .and_then(|()| fs::rename(&beside, folder).map_err(anyhow::Error::from));
    if written.is_err() {
        // What there is of it is ours alone, and the error is what matters.
        fs::remove_dir_all(&beside).ok();
    }
    written
}

fn check_empty(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        // A repository without a file is empty to its owner.
        if name != ".git" {
            let name = name.display();
            bail!("the folder is not empty (it has {name}); name one that is, or a new one");
        }
    }
    Ok(())
}

fn write_files(language: &Language, folder: &Path) -> anyhow::Result<()> {
    for file in &language.files {
        let path = folder.join(file.path);
        let written = write_file(&path, file.text);
        written.with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o666).open(path)?;
    file.write_all(text.as_bytes())?;
    if text.starts_with("#!") {
        // Whoever may read a script may run it, as the umask left it.
        let mode = file.metadata()?.permissions().mode();
        fs::set_permissions(path, fs::Permissions::from_mode(mode | ((mode & 0o444) >> 2)))?;
    }
    Ok(())
}

fn tell(made: &Made<'_>, language: &Language, json: bool, ui: Ui) -> anyhow::Result<()> {
    if json {
        let mut object = serde_json::to_vec(made)?;
        object.push(b'\n');
        ui::print(&object)?;
        return Ok(());
    }
    // What begins so would be taken for an option.
    let folder = if made.folder.starts_with('-') { "./" } else { "" }.to_owned() + &made.folder;
    let folder = super::package::commands::quote(&folder);
    let title = &language.title;
    let text = format!(
        "{folder}: a handler in {title}, in {}\n\nnext:\n  lambda-stdio invoke -C {folder} -d '{{\"name\":\"Ada\"}}'\n  \
         lambda-stdio check -C {folder}\n  lambda-stdio package -C {folder}\n",
        made.files.join(", ")
    );
    ui::print(ui::printable(&text).as_bytes())?;
    if !made.missing.is_empty() {
        let from = match &language.otherwise {
            Some(otherwise) => otherwise.clone(),
            None => format!("Debian's packages are {}", made.debian.join(" ")),
        };
        let missing = made.missing.join(", ");
        ui.hint(&format!("not installed here: {missing}; {from}, and README.md says more"));
    }
    Ok(())
}
