//! The zip format, as little of it as is needed and always the same bytes: no extra fields, no comments,
//! names in their order, one time.  Records are built here; compressing and writing are beside.

pub mod compress;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod output;
pub mod time;
pub mod unpack;

use time::DosTime;

/// The method of an entry's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// As they are.
    Stored,
    /// Deflated.
    Deflated,
}

impl Method {
    fn number(self) -> u16 {
        match self {
            Self::Stored => 0,
            Self::Deflated => 8,
        }
    }

    fn version_needed(self) -> u16 {
        match self {
            Self::Stored => 10,
            Self::Deflated => 20,
        }
    }
}

/// What is known of an entry once it is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Of the file's bytes.
    pub crc: u32,
    /// In the zip.
    pub compressed: u32,
    /// As they were.
    pub plain: u32,
}

/// One entry.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its name, with slashes.
    pub name: Vec<u8>,
    /// Whether it can be run when it is unpacked.
    pub is_executable: bool,
    /// How its bytes are kept.
    pub method: Method,
    /// Whether its sizes stand behind its bytes, because they were not known before.
    pub has_descriptor: bool,
    /// Its sizes.
    pub sizes: Sizes,
    /// Where it begins.
    pub offset: u32,
}

/// Names beyond ASCII are UTF-8.
const UTF8: u16 = 1 << 11;
const DESCRIPTOR: u16 = 1 << 3;
/// Made on Unix, by version 2.0 of the format: so modes are read.
const MADE_BY: u16 = 0x0314;

/// What stands before an entry's bytes.
#[must_use]
pub fn local_header(record: &Record, time: DosTime) -> Vec<u8> {
    let sizes = if record.has_descriptor {
        Sizes { crc: 0, compressed: 0, plain: 0 }
    } else {
        record.sizes
    };
    let mut bytes = b"PK\x03\x04".to_vec();
    common(&mut bytes, record, time, sizes);
    bytes.extend(&record.name);
    bytes
}

/// What stands behind the bytes of an entry whose sizes were not known before.
#[must_use]
pub fn descriptor(sizes: Sizes) -> Vec<u8> {
    let mut bytes = b"PK\x07\x08".to_vec();
    bytes.extend(
        [sizes.crc, sizes.compressed, sizes.plain].iter().flat_map(|word| word.to_le_bytes()),
    );
    bytes
}

/// The list of all entries, at the end.
#[must_use]
pub fn directory(records: &[Record], time: DosTime, offset: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        // A regular file; 0755 or 0644, whatever it is here.
        let mode: u32 = if record.is_executable { 0o100_755 } else { 0o100_644 };
        bytes.extend(b"PK\x01\x02");
        bytes.extend(MADE_BY.to_le_bytes());
        common(&mut bytes, record, time, record.sizes);
        // No comment, the first disk, no text.
        bytes.extend([0; 6]);
        bytes.extend((mode << 16).to_le_bytes());
        bytes.extend(record.offset.to_le_bytes());
        bytes.extend(&record.name);
    }
    let count = u16::try_from(records.len()).expect("the findings refuse more");
    let size = u32::try_from(bytes.len()).expect("65,535 names of 65,535 bytes are less");
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].iter().flat_map(|half| half.to_le_bytes()));
    bytes.extend([size, offset].iter().flat_map(|word| word.to_le_bytes()));
    bytes.extend([0, 0]);
    bytes
}

/// What both headers have: from the version needed to the lengths of name and extra fields.
fn common(bytes: &mut Vec<u8>, record: &Record, time: DosTime, sizes: Sizes) {
    let utf8 = if record.name.is_ascii() { 0 } else { UTF8 };
    let descriptor = if record.has_descriptor { DESCRIPTOR } else { 0 };
    let halves = [
        record.method.version_needed(),
        utf8 | descriptor,
        record.method.number(),
        time.time,
        time.date,
    ];
    bytes.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
    bytes.extend(
        [sizes.crc, sizes.compressed, sizes.plain].iter().flat_map(|word| word.to_le_bytes()),
    );
    let length = u16::try_from(record.name.len()).expect("the findings refuse longer names");
    bytes.extend([length, 0].iter().flat_map(|half| half.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_zip_is_its_end() {
        let end = directory(&[], DosTime::EARLIEST, 0);
        assert_eq!(end.len(), 22);
        assert!(end.starts_with(b"PK\x05\x06") && end[4..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_record_is_the_formats() {
        let record = Record {
            name: "é".into(),
            is_executable: true,
            method: Method::Deflated,
            has_descriptor: true,
            sizes: Sizes { crc: 0x0102_0304, compressed: 5, plain: 6 },
            offset: 7,
        };
        let header = local_header(&record, DosTime::EARLIEST);
        assert_eq!(
            header,
            b"PK\x03\x04\x14\0\x08\x08\x08\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\xc3\xa9"
        );
        assert_eq!(descriptor(record.sizes), b"PK\x07\x08\x04\x03\x02\x01\x05\0\0\0\x06\0\0\0");
        let list = directory(&[record], DosTime::EARLIEST, 100);
        assert_eq!(list[4..6], [20, 3]);
        assert_eq!(list[38..42], 0o100_755u32.wrapping_shl(16).to_le_bytes());
        assert_eq!(list[42..46], 7u32.to_le_bytes());
    }
}
