//! The bytes of a zip: files are read and compressed on all cores, a piece at a time, and written in their
//! order.  What is written depends on the files alone, and what is held at a time is a few pieces.

use std::io::{self, Write};
use std::thread;

use flate2::{Compress, Compression, FlushCompress, Status};
use sha2::{Digest, Sha256};

mod queue;

use super::super::elf::Source;
use super::super::files::{self, Identity};
use super::super::tree::Entry;
use super::time::DosTime;
use super::{Method, Record, Sizes};
use queue::Queue;

/// A larger file is compressed in pieces of this size, each by itself, so that one large file keeps all
/// cores busy and none is held whole.
const PIECE_BYTES: u64 = 1024 * 1024;
const MAX_WORKERS: usize = 8;
/// What `zip` does by default.
const LEVEL: u32 = 6;

/// Why a zip could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// A file is not what it was.
    #[error("{0} was changed while it was being packaged; package again when nothing writes to it")]
    Changed(String),
    /// A file cannot be read.
    #[error("{name} cannot be read")]
    Read {
        /// Which.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The zip cannot be written.
    #[error("the zip cannot be written")]
    Write(#[source] io::Error),
    /// Nobody can work on it.
    #[error("this machine starts no thread for us: its limit of processes is reached (ulimit -u)")]
    NoThread(#[source] io::Error),
    /// It has no room for more.
    #[error("the zip would have more than 4 GiB, which its format has no room for")]
    TooLarge,
}

/// A zip that was written.
#[derive(Debug)]
pub struct Zipped {
    /// Its entries.
    pub records: Vec<Record>,
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 of it all.
    pub sha256: [u8; 32],
}

/// Writes a zip of entries, in the order of their names.  `progress` hears of every entry that is done.
///
/// # Errors
/// When a file has changed or cannot be read, or the zip cannot be written.
pub fn write(
    entries: &[&Entry],
    time: DosTime,
    out: impl Write,
    progress: &mut dyn FnMut(usize, u64),
) -> Result<Zipped, ZipError> {
    let mut entries = entries.to_vec();
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let pieces = pieces(&entries);
    let queue = Queue::new();
    let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
    thread::scope(|scope| {
        for number in 0..workers {
            let worker = || work(&queue, &entries, &pieces);
            match thread::Builder::new().spawn_scoped(scope, worker) {
                Ok(_) => (),
                Err(error) if number == 0 => return Err(ZipError::NoThread(error)),
                // Fewer are slower, and that is all.
                Err(_) => break,
            }
        }
        let mut writer = Writer { out, hash: Sha256::new(), offset: 0, time };
        let written = writer.entries(&entries, &pieces, &queue, progress);
        // Also behind an error.
        queue.end();
        let records = written?;
        let at = u32::try_from(writer.offset).map_err(|_| ZipError::TooLarge)?;
        writer.put(&super::directory(&records, time, at))?;
        writer.out.flush().map_err(ZipError::Write)?;
        Ok(Zipped { records, bytes: writer.offset, sha256: writer.hash.finalize().into() })
    })
}

/// A part of an entry.
#[derive(Debug, Clone, Copy)]
struct Piece {
    entry: usize,
    from: u64,
    length: usize,
    is_first: bool,
    is_last: bool,
}

/// A part that is compressed.
struct Done {
    bytes: Vec<u8>,
    method: Method,
    crc: u32,
}

fn pieces(entries: &[&Entry]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let size = entry.identity.size;
        let mut from = 0;
        loop {
            let length = (size - from).min(PIECE_BYTES);
            pieces.push(Piece {
                entry: index,
                from,
                length: usize::try_from(length).expect("a piece is a megabyte at most"),
                is_first: from == 0,
                is_last: from + length == size,
            });
            from += length;
            if from == size {
                break;
            }
        }
    }
    pieces
}

fn work(queue: &Queue<Result<Done, ZipError>>, entries: &[&Entry], pieces: &[Piece]) {
    while let Some(index) = queue.take(pieces.len()) {
        let piece = pieces.get(index).and_then(|piece| Some((piece, *entries.get(piece.entry)?)));
        let (piece, entry) = piece.expect("pieces are of entries");
        queue.give(index, compress(entry, piece));
    }
}

/// Reads a piece of the very file that was looked at, in the state in which it was looked at.
fn read(entry: &Entry, piece: &Piece) -> Result<Vec<u8>, ZipError> {
    if let Some(held) = entry.held {
        let bytes = usize::try_from(piece.from).ok().and_then(|from| held.get(from..));
        let bytes = bytes.and_then(|bytes| bytes.get(..piece.length));
        return Ok(bytes.expect("pieces are of its length").to_vec());
    }
    let unread = |source| ZipError::Read { name: entry.path.display().to_string(), source };
    let changed = || ZipError::Changed(entry.path.display().to_string());
    let file = match files::open(&entry.path) {
        Ok(file) => file,
        // It was there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(changed()),
        Err(error) => return Err(unread(error)),
    };
    let is_same = || Ok(Identity::of(&file.metadata().map_err(unread)?) == entry.identity);
    if !is_same()? {
        return Err(changed());
    }
    let bytes = file.part(piece.from, piece.length).map_err(unread)?;
    let behind = if piece.is_last {
        file.part(piece.from + piece.length as u64, 1).map_err(unread)?.len()
    } else {
        0
    };
    if bytes.len() != piece.length || behind > 0 || !is_same()? {
        return Err(changed());
    }
    Ok(bytes)
}

fn compress(entry: &Entry, piece: &Piece) -> Result<Done, ZipError> {
    let plain = read(entry, piece)?;
    let crc = crc32fast::hash(&plain);
    let bytes = deflate(&plain, piece.is_last);
    let is_whole = piece.is_first && piece.is_last;
    Ok(if is_whole && bytes.len() >= plain.len() {
        Done { bytes: plain, method: Method::Stored, crc }
    } else {
        Done { bytes, method: Method::Deflated, crc }
    })
}

/// A piece by itself.  All but the last end on a byte's boundary, so that they can stand behind each other.
fn deflate(plain: &[u8], is_last: bool) -> Vec<u8> {
    let flush = if is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut state = Compress::new(Compression::new(LEVEL), false);
    let mut out = Vec::with_capacity(plain.len() / 2 + 64);
    loop {
        let read = usize::try_from(state.total_in()).expect("no more than was given");
        let rest = plain.get(read..).unwrap_or_default();
        let status = state.compress_vec(rest, &mut out, flush).expect("deflating has no errors");
        let has_room = out.len() < out.capacity();
        let is_read = state.total_in() == plain.len() as u64;
        if status == Status::StreamEnd || (!is_last && is_read && has_room) {
            return out;
        }
        out.reserve(plain.len() / 4 + 4_096);
    }
}

struct Writer<W> {
    out: W,
    hash: Sha256,
    offset: u64,
    time: DosTime,
}

impl<W: Write> Writer<W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), ZipError> {
        self.out.write_all(bytes).map_err(ZipError::Write)?;
        self.hash.update(bytes);
        self.offset += bytes.len() as u64;
        Ok(())
    }

    fn entries(
        &mut self,
        entries: &[&Entry],
        pieces: &[Piece],
        queue: &Queue<Result<Done, ZipError>>,
        progress: &mut dyn FnMut(usize, u64),
    ) -> Result<Vec<Record>, ZipError> {
        let mut records = Vec::with_capacity(entries.len());
        let mut current: Option<(Record, crc32fast::Hasher)> = None;
        let mut plain_total = 0;
        for (index, piece) in pieces.iter().enumerate() {
            let done = queue.receive(index)?;
            let entry = entries.get(piece.entry).expect("pieces are of entries");
            let (mut record, mut crc) = match current.take() {
                Some(current) => current,
                None => self.begin(entry, piece, &done)?,
            };
            if !piece.is_first {
                crc.combine(&crc32fast::Hasher::new_with_initial_len(
                    done.crc,
                    piece.length as u64,
                ));
            }
            self.put(&done.bytes)?;
            plain_total += piece.length as u64;
            if record.has_descriptor {
                let add = |sum: u32, more: usize| {
                    let more = u32::try_from(more).ok();
                    more.and_then(|more| sum.checked_add(more)).ok_or(ZipError::TooLarge)
                };
                record.sizes.compressed = add(record.sizes.compressed, done.bytes.len())?;
                record.sizes.plain = add(record.sizes.plain, piece.length)?;
            }
            if piece.is_last {
                if record.has_descriptor {
                    record.sizes.crc = crc.finalize();
                    self.put(&super::descriptor(record.sizes))?;
                }
                records.push(record);
                progress(records.len(), plain_total);
            } else {
                progress(records.len(), plain_total);
                current = Some((record, crc));
            }
        }
        Ok(records)
    }

    /// Writes what stands before an entry's first piece.
    fn begin(
        &mut self,
        entry: &Entry,
        piece: &Piece,
        done: &Done,
    ) -> Result<(Record, crc32fast::Hasher), ZipError> {
        let length = |bytes: usize| u32::try_from(bytes).map_err(|_| ZipError::TooLarge);
        let sizes = if piece.is_last {
            Sizes {
                crc: done.crc,
                compressed: length(done.bytes.len())?,
                plain: length(piece.length)?,
            }
        } else {
            Sizes { crc: 0, compressed: 0, plain: 0 }
        };
        let record = Record {
            name: entry.name.clone(),
            is_executable: entry.is_executable,
            method: done.method,
            has_descriptor: !piece.is_last,
            sizes,
            offset: u32::try_from(self.offset).map_err(|_| ZipError::TooLarge)?,
        };
        self.put(&super::local_header(&record, self.time))?;
        let crc = crc32fast::Hasher::new_with_initial_len(done.crc, piece.length as u64);
        Ok((record, crc))
    }
}

#[cfg(test)]
mod tests;
