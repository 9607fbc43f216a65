//! What is to be packaged, walked and looked at, and nothing judged.  Links within a tree are followed,
//! since a zip that all tools unpack alike has none.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::files::{self, Content, Identity};
use super::secrets;

/// A zip without extensions has room for 65,535 files; the walk of a whole disk ends here.
const MAX_FILES: usize = 70_000;
const MAX_DEPTH: usize = 128;

/// What a file is in its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The bridge.
    Bootstrap,
    /// The user's program.
    Program,
    /// A library that the loader will look for.
    Library,
    /// Anything else that was asked for.
    Included,
}

/// A file that goes into the package.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name there.
    pub name: Vec<u8>,
    /// What it is there.
    pub role: Role,
    /// Where it is read: with all links followed.
    pub path: PathBuf,
    /// Its bytes, where they are read from no file: those we carry.
    pub held: Option<&'static [u8]>,
    /// Which file that was.
    pub identity: Identity,
    /// Whether anybody may run it.
    pub is_executable: bool,
    /// What is in it.
    pub content: Content,
    /// Whether a private key was seen in it.
    pub holds_key: bool,
}

impl Entry {
    /// Its name as people read it.
    #[must_use]
    pub fn shown(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }
}

/// Something that cannot go into the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// Where it is.
    pub path: String,
    /// What is the matter.
    pub what: Odd,
}

/// What is the matter with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Odd {
    /// A link to somewhere outside.
    Leaves(String),
    /// A link to nothing.
    Dangling(String),
    /// A link to a folder that it is in itself.
    Circle(String),
    /// Neither a file nor a folder nor a link.
    Special(&'static str),
    /// It could not be read.
    Unreadable(String),
    /// There is more of it than can be packaged.
    TooMuch(&'static str),
}

/// All that was found.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// What goes in.
    pub entries: Vec<Entry>,
    /// What cannot.
    pub oddities: Vec<Oddity>,
}

impl Tree {
    /// Takes one file in, whose name the user gave: a link is followed wherever it leads.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub fn add_file(&mut self, name: &[u8], path: &Path, role: Role) -> io::Result<()> {
        let real = path.canonicalize()?;
        self.take(name.to_vec(), real, role)
    }

    /// Takes in what we carry ourselves.
    ///
    /// # Errors
    /// When it cannot be made out what it is.
    pub fn add_held(&mut self, name: &[u8], bytes: &'static [u8], role: Role) -> io::Result<()> {
        self.entries.push(Entry {
            name: name.to_vec(),
            role,
            path: PathBuf::from("our own bootstrap"),
            held: Some(bytes),
            identity: Identity::held(bytes),
            is_executable: true,
            content: files::inspect(bytes)?,
            holds_key: false,
        });
        Ok(())
    }

    /// Takes in all that is in a folder, under a prefix that is empty or ends with a slash.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn add_folder(&mut self, prefix: &[u8], path: &Path) -> io::Result<()> {
        let root = path.canonicalize()?;
        let ancestors = vec![root.clone()];
        let mut walk = Walk { tree: self, ancestors, root: root.clone(), visited: 0 };
        walk.folder(prefix, path, &root);
        Ok(())
    }

    fn take(&mut self, name: Vec<u8>, real: PathBuf, role: Role) -> io::Result<()> {
        let before = fs::symlink_metadata(&real)?;
        if let Some(kind) = special(&before) {
            self.odd(&real, Odd::Special(kind));
            return Ok(());
        }
        let file = files::open(&real)?;
        // What is behind the name may have changed since it was looked at.
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let last = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let holds_key = secrets::may_hold_key(&String::from_utf8_lossy(last))
            && files::holds_private_key(&file)?;
        self.entries.push(Entry {
            name,
            role,
            held: None,
            identity: Identity::of(&metadata),
            is_executable: metadata.permissions().mode() & 0o111 != 0,
            content: files::inspect(&file)?,
            holds_key,
            path: real,
        });
        Ok(())
    }

    fn odd(&mut self, path: &Path, what: Odd) {
        self.oddities.push(Oddity { path: path.to_string_lossy().into_owned(), what });
    }
}

fn special(metadata: &Metadata) -> Option<&'static str> {
    let kind = metadata.file_type();
    if kind.is_fifo() {
        Some("a named pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else if kind.is_char_device() || kind.is_block_device() {
        Some("a device")
    } else {
        None
    }
}

struct Walk<'a> {
    tree: &'a mut Tree,
    root: PathBuf,
    /// The folders we are in, with all links followed.
    ancestors: Vec<PathBuf>,
    /// How many we have been in: links can make few folders many.
    visited: usize,
}

impl Walk<'_> {
    /// `shown` is the path as the user would write it, `real` the same with all links followed.
    fn folder(&mut self, prefix: &[u8], shown: &Path, real: &Path) {
        self.visited += 1;
        if self.visited == MAX_FILES {
            return self.tree.odd(shown, Odd::TooMuch("more than 70000 folders, by its links"));
        } else if self.visited > MAX_FILES {
            return;
        }
        let names = match list(real) {
            Ok(names) => names,
            Err(error) => return self.tree.odd(shown, Odd::Unreadable(error.to_string())),
        };
        for name in names {
            if self.tree.entries.len() >= MAX_FILES {
                return self.tree.odd(shown, Odd::TooMuch("more than 70000 files"));
            }
            let in_zip = [prefix, name.as_bytes()].concat();
            self.entry(in_zip, &shown.join(&name), &real.join(&name));
        }
    }

    fn entry(&mut self, name: Vec<u8>, shown: &Path, real: &Path) {
        let metadata = match fs::symlink_metadata(real) {
            Ok(metadata) => metadata,
            Err(error) => return self.tree.odd(shown, Odd::Unreadable(error.to_string())),
        };
        if metadata.is_symlink() {
            self.link(name, shown, real);
        } else if metadata.is_dir() {
            self.descend(name, shown, real);
        } else if let Some(kind) = special(&metadata) {
            self.tree.odd(shown, Odd::Special(kind));
        } else if let Err(error) = self.tree.take(name, real.to_owned(), Role::Included) {
            self.tree.odd(shown, Odd::Unreadable(error.to_string()));
        }
    }

    fn link(&mut self, name: Vec<u8>, shown: &Path, real: &Path) {
        let to = fs::read_link(real).unwrap_or_default().to_string_lossy().into_owned();
        let target = match real.canonicalize() {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.tree.odd(shown, Odd::Dangling(to));
            }
            // ELOOP and whatever else keeps links from leading anywhere.
            Err(_) => return self.tree.odd(shown, Odd::Circle(to)),
        };
        if !target.starts_with(&self.root) {
            self.tree.odd(shown, Odd::Leaves(to));
        } else if self.ancestors.contains(&target) {
            self.tree.odd(shown, Odd::Circle(to));
        } else {
            self.entry(name, shown, &target);
        }
    }

    fn descend(&mut self, mut name: Vec<u8>, shown: &Path, real: &Path) {
        if self.ancestors.len() > MAX_DEPTH {
            return self.tree.odd(shown, Odd::TooMuch("more than 128 folders in each other"));
        }
        name.push(b'/');
        self.ancestors.push(real.to_owned());
        self.folder(&name, shown, real);
        self.ancestors.pop();
    }
}

/// A folder's names in their order, so that findings are always told alike.
fn list(folder: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let names = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name()));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort_by(|one, other| OsStr::as_bytes(one).cmp(OsStr::as_bytes(other)));
    Ok(names)
}
