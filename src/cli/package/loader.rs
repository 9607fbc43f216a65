//! Which shared libraries a program would be given on this machine: looked for where the dynamic loader
//! looks, in its order.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::elf::Elf;
use super::files;
use super::{Architecture, ldcache};

/// More than any program loads.
const MAX_LOADED: usize = 4_096;
const MAX_CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// Where libraries are looked for besides the places that programs name themselves.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `LD_LIBRARY_PATH`.
    pub library_path: Vec<PathBuf>,
    /// What `ldconfig` noted, names and paths.
    pub cache: Vec<(String, String)>,
    /// The system's folders.
    pub system: Vec<PathBuf>,
}

impl Places {
    /// Those of this machine.
    #[must_use]
    pub fn here(library_path: Option<&std::ffi::OsStr>, architecture: Architecture) -> Self {
        let cache = files::read(Path::new("/etc/ld.so.cache"), MAX_CACHE_BYTES);
        let triple = architecture.triple();
        let system = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(PathBuf::from);
        let multiarch = ["/lib", "/usr/lib"].map(|folder| Path::new(folder).join(triple));
        Self {
            library_path: library_path
                .map(|path| std::env::split_paths(path).filter(|path| path.is_absolute()).collect())
                .unwrap_or_default(),
            // No cache, as with musl, is no error.
            cache: ldcache::parse(&cache.unwrap_or_default()),
            system: multiarch.into_iter().chain(system).collect(),
        }
    }
}

/// A library that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The name it is asked for by.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// What it asks for itself.
    pub elf: Elf,
    /// Who asks for it.
    pub needed_by: String,
}

/// A library that was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The name it is asked for by.
    pub name: String,
    /// Who asks for it.
    pub needed_by: String,
}

/// What a program loads beside what is granted.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// In the loader's order.
    pub found: Vec<Found>,
    /// In the same order.
    pub missing: Vec<Missing>,
}

struct Object {
    name: String,
    elf: Elf,
    origin: PathBuf,
    /// Who had it loaded; none for the program.
    parent: Option<usize>,
}

/// Finds what a program needs, and what that needs, but for what is granted.
#[must_use]
pub fn load(
    name: &str,
    path: &Path,
    elf: &Elf,
    places: &Places,
    architecture: Architecture,
    is_granted: &dyn Fn(&str) -> bool,
) -> Loaded {
    let mut loaded = Loaded::default();
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut objects = vec![Object {
        name: name.to_owned(),
        elf: elf.clone(),
        origin: folder(path),
        parent: None,
    }];
    let mut at = 0;
    // Breadth first, as the loader does; each name is asked for once.
    while let Some(object) = objects.get(at).filter(|_| at < MAX_LOADED) {
        let wanted: Vec<String> = object.elf.needed.clone();
        let needed_by = object.name.clone();
        for name in wanted {
            if is_granted(&name) || !asked.insert(name.clone()) {
                continue;
            }
            match find(&objects, at, &name, places, architecture) {
                Some((path, elf)) => {
                    objects.push(Object {
                        name: name.clone(),
                        elf: elf.clone(),
                        origin: folder(&path),
                        parent: Some(at),
                    });
                    loaded.found.push(Found { name, path, elf, needed_by: needed_by.clone() });
                }
                None => loaded.missing.push(Missing { name, needed_by: needed_by.clone() }),
            }
        }
        at += 1;
    }
    loaded
}

fn folder(path: &Path) -> PathBuf {
    // The kernel tells a program its own place with all links followed.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn find(
    objects: &[Object],
    asking: usize,
    name: &str,
    places: &Places,
    architecture: Architecture,
) -> Option<(PathBuf, Elf)> {
    let object = objects.get(asking)?;
    if name.contains('/') {
        let path = expand(name, &object.origin, architecture);
        return path.into_iter().find_map(|path| fitting(path, architecture));
    }
    let in_folders = |folders: Vec<PathBuf>| {
        folders.into_iter().find_map(|folder| fitting(folder.join(name), architecture))
    };
    in_folders(rpaths(objects, asking, architecture))
        .or_else(|| in_folders(places.library_path.clone()))
        .or_else(|| {
            let runpath = object.elf.runpath.iter().flatten();
            in_folders(
                runpath.flat_map(|path| expand(path, &object.origin, architecture)).collect(),
            )
        })
        .or_else(|| {
            let mut cached = places.cache.iter().filter(|(cached, _)| cached == name);
            cached.find_map(|(_, path)| fitting(PathBuf::from(path), architecture))
        })
        .or_else(|| in_folders(places.system.clone()))
}

/// The RPATHs of whoever asks, of who had it loaded, and so on to the program; none of them where the one
/// who asks has a RUNPATH.
fn rpaths(objects: &[Object], asking: usize, architecture: Architecture) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let mut at = Some(asking);
    if objects.get(asking).is_some_and(|object| object.elf.runpath.is_some()) {
        return folders;
    }
    // A parent stands before its child, so this comes to an end.
    while let Some(object) = at.and_then(|at| objects.get(at)) {
        if object.elf.runpath.is_none() {
            let rpath = object.elf.rpath.iter();
            folders.extend(rpath.flat_map(|path| expand(path, &object.origin, architecture)));
        }
        at = object.parent;
    }
    folders
}

/// A path with the loader's own words put in; `$LIB` is one thing on Debian and another elsewhere.
fn expand(path: &str, origin: &Path, architecture: Architecture) -> Vec<PathBuf> {
    let put = |path: &str, word: &str, value: &str| {
        path.replace(&format!("${{{word}}}"), value).replace(&format!("${word}"), value)
    };
    let path = put(path, "ORIGIN", &origin.to_string_lossy());
    let path = put(&path, "PLATFORM", architecture.machine_name());
    let libs = [format!("lib/{}", architecture.triple()), "lib64".to_owned(), "lib".to_owned()];
    let is_varied = path.contains("$LIB") || path.contains("${LIB}");
    let count = if is_varied { libs.len() } else { 1 };
    libs.iter().take(count).map(|lib| PathBuf::from(put(&path, "LIB", lib))).collect()
}

/// A library of the right kind; one for another machine is passed over, as by the loader.
fn fitting(path: PathBuf, architecture: Architecture) -> Option<(PathBuf, Elf)> {
    let real = path.canonicalize().ok()?;
    let file = files::open(&real).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let content = files::inspect(&file).ok()?;
    let fits = |elf: &&Elf| elf.is_64_bit && elf.machine == architecture.machine();
    Some((path, content.elf().filter(fits)?.clone()))
}

#[cfg(test)]
mod tests;
