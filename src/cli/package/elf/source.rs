//! Where bytes are read from, a part at a time: a program may be larger than what is worth holding.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes that can be had from any place in a file.
pub trait Source {
    /// So many bytes from there on, or fewer where the file ends.
    ///
    /// # Errors
    /// When it cannot be read.
    fn part(&self, offset: u64, length: usize) -> io::Result<Vec<u8>>;
}

impl Source for [u8] {
    fn part(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let rest = usize::try_from(offset).ok().and_then(|from| self.get(from..));
        let rest = rest.unwrap_or_default();
        Ok(rest.get(..length).unwrap_or(rest).to_vec())
    }
}

impl Source for File {
    fn part(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let Some(from) =
                offset.checked_add(filled as u64).filter(|from| i64::try_from(*from).is_ok())
            else {
                break;
            };
            match self.read_at(rest, from) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}
