//! From what was asked for to what is in the package: the program, what was included, the libraries that
//! they load, the bootstrap.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::elf::Elf;
use super::loader::{self, Found, Missing, Places};
use super::target::Target;
use super::tree::{Entry, Role, Tree};
use super::{Architecture, Options};
use crate::cli::{embedded, surroundings};

/// The bootstrap's name, in a function's package and in a layer.
pub const BOOTSTRAP: &str = "bootstrap";

/// glibc's own parts fit together only as they were built, so they are the system's or nobody's.
const C_LIBRARY: &[&str] = &[
    "libc.so.6",
    "libm.so.6",
    "libmvec.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libresolv.so.2",
    "libutil.so.1",
    "libanl.so.1",
    "libnsl.so.1",
    "libBrokenLocale.so.1",
    "libthread_db.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
];

/// A library that was taken in.
#[derive(Debug)]
pub struct Bundled {
    /// Its name.
    pub name: String,
    /// Who needs it.
    pub needed_by: String,
    /// Where it was found.
    pub from: PathBuf,
}

/// All that is to be packaged.
#[derive(Debug)]
pub struct Assembled {
    /// The processor it is for.
    pub architecture: Architecture,
    /// The files, and what could not be one.
    pub tree: Tree,
    /// The folders that were taken in.
    pub roots: Vec<PathBuf>,
    /// The libraries among the files.
    pub bundled: Vec<Bundled>,
    /// Those that were not found, with the file that leads to each.
    pub missing: Vec<(String, Missing)>,
    /// The handler setting.
    pub handler: Option<String>,
    /// Arguments that name files here.
    pub file_arguments: Vec<String>,
}

/// Finds all that is asked for.
///
/// # Errors
/// When something that was named is not there.
pub fn assemble(options: &Options, target: &Target) -> anyhow::Result<Assembled> {
    let mut tree = Tree::default();
    let mut roots = Vec::new();
    for path in &options.include {
        include(&mut tree, &mut roots, path)
            .with_context(|| format!("--include {}", path.display()))?;
    }
    let handler = match &options.program {
        Some(program) => Some(add_program(&mut tree, program, target)?),
        None => None,
    };
    let architecture = options.arch.unwrap_or_else(|| of_program(&tree));
    let mut assembled = Assembled {
        architecture,
        tree,
        roots,
        bundled: Vec::new(),
        missing: Vec::new(),
        handler,
        file_arguments: file_arguments(&options.args),
    };
    assembled.add_libraries(target)?;
    assembled.add_bootstrap(options.bootstrap.as_deref())?;
    for entry in &mut assembled.tree.entries {
        let is_to_run = matches!(entry.role, Role::Bootstrap | Role::Program | Role::Library);
        // Findings tell of a program without its bit, so this comes behind them: see `mark`.
        entry.is_executable |= is_to_run && entry.role != Role::Program;
    }
    Ok(assembled)
}

/// Sets the run bit of what must have it, once the findings have been told.
pub fn mark(tree: &mut Tree) {
    for entry in tree.entries.iter_mut().filter(|entry| entry.role == Role::Program) {
        entry.is_executable = true;
    }
}

/// A file goes in under its own name, a folder under its own, and what is in a folder that is written with
/// a slash or a dot at its end goes in without it.
fn include(tree: &mut Tree, roots: &mut Vec<PathBuf>, path: &Path) -> anyhow::Result<()> {
    let metadata = std::fs::metadata(path).context("it is not there")?;
    if !metadata.is_dir() {
        let name = path.file_name().ok_or_else(|| anyhow!("it names no file"))?;
        return Ok(tree.add_file(name.as_bytes(), path, Role::Included)?);
    }
    let bytes = path.as_os_str().as_bytes();
    let is_content = bytes.ends_with(b"/") || bytes.ends_with(b"/.") || bytes == b".";
    let prefix = match path.file_name().filter(|_| !is_content) {
        Some(name) => [name.as_bytes(), b"/"].concat(),
        None => Vec::new(),
    };
    tree.add_folder(&prefix, path)?;
    roots.push(path.canonicalize()?);
    Ok(())
}

/// Takes the program in, if it is not there yet, and says what the handler setting is to be.
fn add_program(tree: &mut Tree, program: &OsStr, target: &Target) -> anyhow::Result<String> {
    let shown = program.to_string_lossy().into_owned();
    let path = if program.as_bytes().contains(&b'/') || Path::new(program).is_file() {
        PathBuf::from(program)
    } else if target.has_program(&shown) || !target.is_complete {
        // An interpreter is more than its one file, and an image is chosen for having it.
        return Ok(shown);
    } else {
        in_path(program).ok_or_else(|| {
            anyhow!("{shown} is neither in this folder nor in PATH; ./NAME or a path names one")
        })?
    };
    let real = path.canonicalize().with_context(|| format!("the program {shown} is not there"))?;
    if real.is_dir() {
        return Err(anyhow!(
            "the program {shown} is a folder; name the program in it, and --include the folder"
        ));
    }
    let mut entries = tree.entries.iter_mut();
    if let Some(entry) = entries.find(|entry| entry.path == real) {
        entry.role = Role::Program;
        return Ok(entry.shown());
    }
    let name = path.file_name().ok_or_else(|| anyhow!("{shown} names no program"))?;
    tree.add_file(name.as_bytes(), &path, Role::Program)
        .with_context(|| format!("the program {shown} cannot be read"))?;
    Ok(name.to_string_lossy().into_owned())
}

fn in_path(program: &OsStr) -> Option<PathBuf> {
    let path = surroundings::variable("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The program's processor, where it has one of Lambda's; else this machine's.
fn of_program(tree: &Tree) -> Architecture {
    let mut programs = tree.entries.iter().filter(|entry| entry.role == Role::Program);
    let of_program = programs.find_map(|entry| {
        let elf = entry.content.elf().filter(|elf| elf.is_64_bit)?;
        Architecture::of(elf.machine)
    });
    of_program.unwrap_or(Architecture::HERE)
}

fn file_arguments(arguments: &[OsString]) -> Vec<String> {
    let files = arguments.iter().filter(|argument| Path::new(argument).is_file());
    files.map(|argument| argument.to_string_lossy().into_owned()).collect()
}

/// The static bootstrap beside our own executable.
fn own_bootstrap(architecture: Architecture) -> anyhow::Result<PathBuf> {
    let own =
        std::env::current_exe().context("our own executable is gone; give --bootstrap FILE")?;
    let folder = own.parent().unwrap_or(Path::new("/"));
    let names = [format!("{BOOTSTRAP}-{architecture}"), BOOTSTRAP.to_owned()];
    let mut beside = names.iter().map(|name| folder.join(name));
    beside.find(|path| path.is_file()).ok_or_else(|| {
        anyhow!(
            "there is no bootstrap in {}: give one with --bootstrap FILE; it is built by cargo build \
             --profile bootstrap --no-default-features --bin bootstrap --target \
             {}-unknown-linux-musl",
            folder.display(),
            architecture.machine_name()
        )
    })
}

impl Assembled {
    /// Takes in the bootstrap that was named, or the one we carry, or the one that lies beside us.
    fn add_bootstrap(&mut self, named: Option<&Path>) -> anyhow::Result<()> {
        let path = match (named, embedded::bootstrap(self.architecture)) {
            (Some(path), _) => path.to_owned(),
            (None, Some(bytes)) => {
                let added = self.tree.add_held(BOOTSTRAP.as_bytes(), bytes, Role::Bootstrap);
                return added.context("our own bootstrap");
            }
            (None, None) => own_bootstrap(self.architecture)?,
        };
        self.tree
            .add_file(BOOTSTRAP.as_bytes(), &path, Role::Bootstrap)
            .with_context(|| format!("the bootstrap {}", path.display()))
    }

    /// Takes in what programs and libraries load and the target has not.
    fn add_libraries(&mut self, target: &Target) -> anyhow::Result<()> {
        let library_path = surroundings::variable("LD_LIBRARY_PATH");
        let places = Places::here(library_path.as_deref(), self.architecture);
        // A system that is not known has at least a C library, which has to be its own.
        let is_granted = |name: &str| {
            target.has_library(name) || (!target.is_complete && C_LIBRARY.contains(&name))
        };
        let loading: Vec<(String, PathBuf, Elf)> =
            self.tree.entries.iter().filter_map(loads).collect();
        for (name, path, elf) in loading {
            if elf.machine != self.architecture.machine() {
                continue;
            }
            let loaded = loader::load(&name, &path, &elf, &places, self.architecture, &is_granted);
            for found in loaded.found {
                self.add_library(found, &name)?;
            }
            for missing in loaded.missing {
                if !self.holds(&missing.name) {
                    self.missing.push((name.clone(), missing));
                }
            }
        }
        Ok(())
    }

    fn add_library(&mut self, found: Found, for_file: &str) -> anyhow::Result<()> {
        let real = found.path.canonicalize()?;
        let is_inside = self.roots.iter().any(|root| real.starts_with(root));
        // A folder of ours, by LD_LIBRARY_PATH or by its whole path, is not where it is looked for there.
        let is_beside = || self.is_by_origin(for_file) || self.is_by_origin(&found.needed_by);
        if (is_inside && is_beside()) || self.holds(&found.name) {
            return Ok(());
        }
        let versions = &found.elf.versions;
        let is_private = versions.iter().any(|needed| needed.name == "GLIBC_PRIVATE");
        if is_private || C_LIBRARY.contains(&found.name.as_str()) {
            let missing = Missing { name: found.name, needed_by: found.needed_by };
            if !self.missing.contains(&(for_file.to_owned(), missing.clone())) {
                self.missing.push((for_file.to_owned(), missing));
            }
            return Ok(());
        }
        let name = found.name.rsplit('/').next().unwrap_or(&found.name).to_owned();
        let in_zip = format!("lib/{name}");
        self.tree
            .add_file(in_zip.as_bytes(), &real, Role::Library)
            .with_context(|| format!("the library {}", real.display()))?;
        self.bundled.push(Bundled { name, needed_by: found.needed_by, from: found.path });
        Ok(())
    }

    /// Whether a file has its libraries looked for beside itself, so that they are found wherever it lies.
    fn is_by_origin(&self, name: &str) -> bool {
        let last = |name: &[u8]| name.rsplit(|byte| *byte == b'/').next().map(<[u8]>::to_vec);
        let wanted = last(name.as_bytes());
        let elves =
            self.tree.entries.iter().filter_map(|entry| Some((entry, entry.content.elf()?)));
        elves.filter(|(entry, _)| last(&entry.name) == wanted).any(|(_, elf)| {
            let mut paths = elf.rpath.iter().chain(elf.runpath.iter().flatten());
            paths.any(|path| path.contains("$ORIGIN") || path.contains("${ORIGIN}"))
        })
    }

    /// Whether a library is where Lambda's `LD_LIBRARY_PATH` leads: at the top, or in `lib`.
    fn holds(&self, name: &str) -> bool {
        let in_lib = format!("lib/{name}");
        let mut entries = self.tree.entries.iter();
        entries.any(|entry| entry.name == name.as_bytes() || entry.name == in_lib.as_bytes())
    }
}

fn loads(entry: &Entry) -> Option<(String, PathBuf, Elf)> {
    let elf = entry.content.elf().filter(|elf| elf.is_64_bit && !elf.needed.is_empty())?;
    Some((entry.shown(), entry.path.clone(), elf.clone()))
}
