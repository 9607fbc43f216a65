//! Every raw line between the bridge and the handler, as the bridge's tap wrote it to a file.
//!
//! The file is a sequence of records: a header line `{"at_us":…,"direction":"in"|"out","bytes":N}`, then
//! N raw bytes, then a line end.  It is read while it grows.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use nix::fcntl::{FallocateFlags, fallocate};
use serde::Deserialize;

use crate::cli::emulator::ids;
use crate::cli::ui::{Style, Ui, printable};
use crate::clock::Utc;
use crate::runtime_api::wire::MAX_PAYLOAD_BYTES;

/// How much of a line is shown on a terminal.
const SHOWN_CHARS: usize = 160;
/// A header is some 80 bytes: a longer one is none.
const MAX_HEADER_BYTES: usize = 1024;
/// A line holds an event or a reply with its envelope and context.
const MAX_LINE_BYTES: usize = 2 * MAX_PAYLOAD_BYTES + 1024 * 1024;
/// How much of the file is read at a time.
const CHUNK_BYTES: u64 = 1024 * 1024;

/// Which way a line went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// To the handler's standard input.
    In,
    /// From the handler's reply stream.
    Out,
}

#[derive(Debug, Deserialize)]
struct Header {
    at_us: u64,
    direction: Direction,
    bytes: usize,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When, in microseconds since the epoch.
    pub at_us: u64,
    /// Which way.
    pub direction: Direction,
    /// The raw bytes.
    pub line: Vec<u8>,
}

impl Record {
    /// The record as a person reads it.
    #[must_use]
    pub fn show(&self, ui: Ui) -> String {
        let time = Utc::after_epoch(Duration::from_micros(self.at_us)).time_of_day();
        let (arrow, style) = match self.direction {
            Direction::In => ("→", Style::In),
            Direction::Out => ("←", Style::Out),
        };
        let text = printable(String::from_utf8_lossy(&self.line).trim_end());
        let text = if ui.is_terminal() { shorten(&text, self.line.len()) } else { text };
        format!("{} {} {text}", ui.paint(Style::Dim, &time), ui.paint(style, arrow))
    }
}

fn shorten(text: &str, bytes: usize) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}… ({bytes} bytes)", text.get(..end).unwrap_or(text)),
        None => text.to_owned(),
    }
}

/// Bytes to records; pure.
#[derive(Debug, Default)]
pub struct Decoder {
    held: Vec<u8>,
}

impl Decoder {
    /// Takes more of the file and gives the records that are whole now.
    ///
    /// # Errors
    /// Where the file is not a tap's.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Record>, String> {
        self.held.extend_from_slice(bytes);
        let mut records = Vec::new();
        let mut start = 0;
        while let Some((record, length)) = first(self.held.get(start..).unwrap_or_default())? {
            records.push(record);
            start += length;
        }
        self.held.drain(..start);
        Ok(records)
    }
}

fn first(bytes: &[u8]) -> Result<Option<(Record, usize)>, String> {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return if bytes.len() > MAX_HEADER_BYTES { Err("no header".to_owned()) } else { Ok(None) };
    };
    let (header, rest) = bytes.split_at(end);
    let header: Header = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    if header.bytes > MAX_LINE_BYTES {
        return Err(format!("a line of {} bytes", header.bytes));
    }
    let body = 1..1 + header.bytes;
    let Some(line) = rest.get(body.clone()) else { return Ok(None) };
    if rest.get(body.end).is_none() {
        return Ok(None);
    }
    let record = Record { at_us: header.at_us, direction: header.direction, line: line.to_owned() };
    Ok(Some((record, end + body.end + 1)))
}

/// The tap's file.  It has no name from the start: events and replies are in it, and however we end, they do
/// not stay behind.
#[derive(Debug)]
pub struct Tap {
    file: File,
    read_bytes: i64,
    decoder: Decoder,
}

impl Tap {
    /// Makes an empty file.
    ///
    /// # Errors
    /// Where the temporary directory takes none.
    pub fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("lambda-stdio-{}", ids::hex_32()));
        let file =
            File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)?;
        Ok(Self { file, read_bytes: 0, decoder: Decoder::default() })
    }

    /// Where the bridge, which is our user's process, is to write: our own descriptor, as the kernel names it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd()).into()
    }

    /// Records that were written since the last call; none once all are read.
    ///
    /// # Errors
    /// Where the file cannot be read or is not a tap's.
    pub fn read(&mut self) -> io::Result<Vec<Record>> {
        // A record longer than a chunk comes in several: only a file without more is at its end.  The decoder
        // bounds a record, so this ends.
        loop {
            let mut bytes = Vec::new();
            let read = self.file.by_ref().take(CHUNK_BYTES).read_to_end(&mut bytes)?;
            self.give_back(read);
            let records = self.decoder.push(&bytes).map_err(io::Error::other)?;
            if read == 0 || !records.is_empty() {
                return Ok(records);
            }
        }
    }

    /// Frees what was read: the temporary directory is often memory, and a long session fills it.
    fn give_back(&mut self, read: usize) {
        let from = self.read_bytes;
        let length = i64::try_from(read).unwrap_or(0);
        self.read_bytes += length;
        if length > 0 {
            let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            // A file system without holes keeps the file whole until the end.
            fallocate(&self.file, hole, from, length).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    const FILE: &[u8] = b"{\"at_us\":1,\"direction\":\"in\",\"bytes\":3}\na\nb\n\
        {\"at_us\":2,\"direction\":\"out\",\"bytes\":0}\n\n";

    fn decode(pieces: &[&[u8]]) -> Vec<Record> {
        let mut decoder = Decoder::default();
        pieces.iter().flat_map(|piece| decoder.push(piece).expect("a tap's")).collect()
    }

    #[test]
    fn records_are_the_same_however_the_file_grows() {
        let whole = decode(&[FILE]);
        assert_eq!(whole.len(), 2);
        assert_eq!(whole[0].line, b"a\nb");
        assert_eq!(whole[1].direction, Direction::Out);
        for at in 0..FILE.len() {
            let (left, right) = FILE.split_at(at);
            assert_eq!(decode(&[left, right]), whole, "split at {at}");
        }
    }

    #[test]
    fn what_no_tap_wrote_is_refused() {
        for bad in [
            &b"hello\n"[..],
            b"{\"at_us\":1,\"direction\":\"up\",\"bytes\":3}\n",
            b"{\"at_us\":1,\"direction\":\"in\",\"bytes\":99999999999}\n",
            &[b'x'; 2000],
        ] {
            assert!(Decoder::default().push(bad).is_err());
        }
    }

    #[test]
    fn long_lines_are_shown_short_with_their_length() {
        assert_eq!(shorten("short", 5), "short");
        let long = "é".repeat(200);
        assert_eq!(shorten(&long, 400), format!("{}… (400 bytes)", "é".repeat(160)));
    }

    #[test]
    fn a_line_longer_than_a_chunk_is_read_at_once() {
        let mut tap = Tap::new().expect("a directory");
        let header = "{\"at_us\":1,\"direction\":\"out\",\"bytes\":6000000}\n";
        let line = "x".repeat(6_000_000);
        fs::write(tap.path(), format!("{header}{line}\n").repeat(2)).expect("written");
        let mut lengths = Vec::new();
        while let [record] = tap.read().expect("read").as_slice() {
            lengths.push(record.line.len());
        }
        assert_eq!(lengths, [6_000_000; 2]);
        let left = fs::metadata(tap.path()).expect("there").blocks() * 512;
        assert!(left < 1_000_000, "what was read is given back: {left} bytes are left");
    }

    #[test]
    fn the_tap_has_no_name_to_leave_behind() {
        let mut tap = Tap::new().expect("a file");
        fs::write(tap.path(), FILE).expect("written");
        assert_eq!(tap.read().expect("read").len(), 2);
        assert!(tap.read().expect("read").is_empty());
        let target = fs::read_link(tap.path()).expect("open");
        assert!(target.to_string_lossy().ends_with(" (deleted)"), "{}", target.display());
    }
}
