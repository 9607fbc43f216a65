//! Files of the developer's machine, opened so that nothing waits and nothing is mistaken for another.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;

use super::elf::{self, Elf, ElfError, Source};

/// So much of a file is looked at to see what it is: as much as the kernel reads of a script's first line.
const HEAD_BYTES: usize = 256;
/// So much is searched for a private key.
const KEY_BYTES: usize = 64 * 1024;

/// Which file it was, and in which state, when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
    /// Its length.
    pub size: u64,
    modified: (i64, i64),
}

impl Identity {
    /// What the file system says of a file.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }

    /// What we hold ourselves, which is no file and never changes.
    #[must_use]
    pub fn held(bytes: &[u8]) -> Self {
        Self { device: 0, inode: 0, size: bytes.len() as u64, modified: (0, 0) }
    }

    /// Whether it is the same file, in whatever state.
    #[must_use]
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// Opens a file that is no link, without waiting for whoever else holds a pipe or a device.
///
/// # Errors
/// When it cannot be opened, as for a link.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

/// Reads a file of at most so many bytes.
///
/// # Errors
/// When it cannot be read, is none, or is longer.
pub fn read(path: &Path, at_most: u64) -> io::Result<Vec<u8>> {
    let path = path.canonicalize()?;
    let file = open(&path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(at_most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > at_most {
        return Err(io::Error::other(format!("it has more than {at_most} bytes")));
    }
    Ok(bytes)
}

/// What is in a file, as far as its being started or loaded goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Empty,
    /// A program or library.
    Elf(Box<Elf>),
    /// It begins as one, and then makes no sense.
    BrokenElf(String),
    /// A script, with what stands in its first line behind `#!`.
    Script(Vec<u8>),
    /// A Windows program.
    Windows,
    /// A macOS program, or a Java class.
    MacOs,
    /// Anything else.
    Other,
}

impl Content {
    /// What it says of its loading, if it is a whole ELF file.
    #[must_use]
    pub fn elf(&self) -> Option<&Elf> {
        match self {
            Self::Elf(elf) => Some(elf),
            Self::Empty
            | Self::BrokenElf(_)
            | Self::Script(_)
            | Self::Windows
            | Self::MacOs
            | Self::Other => None,
        }
    }
}

/// Looks at a file.
///
/// # Errors
/// When it cannot be read.
pub fn inspect(file: &(impl Source + ?Sized)) -> io::Result<Content> {
    let head = file.part(0, HEAD_BYTES)?;
    if head.starts_with(b"\x7fELF") {
        return match elf::read(file) {
            Ok(elf) => Ok(Content::Elf(Box::new(elf))),
            Err(ElfError::Io(error)) => Err(error),
            Err(error @ (ElfError::NotElf | ElfError::Broken(_))) => {
                Ok(Content::BrokenElf(error.to_string()))
            }
        };
    }
    Ok(match head.as_slice() {
        [] => Content::Empty,
        [b'#', b'!', line @ ..] => {
            Content::Script(line.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec())
        }
        [b'M', b'Z', ..] => Content::Windows,
        [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xca, 0xfe, 0xba, 0xbe, ..] => Content::MacOs,
        _ => Content::Other,
    })
}

/// Whether a private key stands in a file, in the usual armour.
///
/// # Errors
/// When it cannot be read.
pub fn holds_private_key(file: &File) -> io::Result<bool> {
    let head = file.part(0, KEY_BYTES)?;
    Ok(memchr::memmem::find(&head, b"PRIVATE KEY-----").is_some())
}
