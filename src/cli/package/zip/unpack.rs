//! Our own zips, read back: what is in the file, and not what was meant to be in it.
//!
//! Only what `package` writes is read: no comments, no encryption, sizes in the list at the end.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use flate2::read::DeflateDecoder;

use super::super::names;

const END_BYTES: usize = 22;
const LISTED_BYTES: usize = 46;
const HEADER_BYTES: usize = 30;
const CHUNK_BYTES: usize = 64 * 1024;

/// What the list at the end says of a file.
#[derive(Debug)]
struct Listed {
    name: String,
    method: u16,
    crc: u32,
    compressed: u32,
    plain: u32,
    mode: u32,
    offset: u32,
}

/// Unpacks a zip into a folder.
///
/// # Errors
/// Where it is not what `package` writes, or a file cannot be written.
pub fn unpack(zip: &Path, to: &Path) -> anyhow::Result<()> {
    let mut file = File::open(zip).context("it cannot be opened")?;
    for listed in list(&mut file).context("its list of files cannot be read")? {
        extract(&mut file, &listed, to).with_context(|| listed.name.clone())?;
    }
    Ok(())
}

fn list(file: &mut File) -> anyhow::Result<Vec<Listed>> {
    file.seek(SeekFrom::End(-i64::try_from(END_BYTES)?))?;
    let end = bytes(file, END_BYTES)?;
    ensure!(end.starts_with(b"PK\x05\x06"), "its end is not where it was written");
    let (count, length) = (half(&end, 10)?, word(&end, 12)?);
    file.seek(SeekFrom::Start(word(&end, 16)?.into()))?;
    let list = bytes(file, usize::try_from(length)?)?;
    let mut rest = list.as_slice();
    let mut listed = Vec::new();
    for _ in 0..count {
        ensure!(rest.starts_with(b"PK\x01\x02"), "an entry does not begin as one");
        let length = half(rest, 28)?.into();
        let name = rest.get(LISTED_BYTES..).and_then(|rest| rest.get(..length));
        let name = name.ok_or_else(|| anyhow!("it is cut off"))?;
        ensure!(names::oddity(name).is_none(), "a name in it would be unpacked elsewhere");
        listed.push(Listed {
            name: String::from_utf8(name.to_vec())?,
            method: half(rest, 10)?,
            crc: word(rest, 16)?,
            compressed: word(rest, 20)?,
            plain: word(rest, 24)?,
            mode: word(rest, 38)? >> 16 & 0o777,
            offset: word(rest, 42)?,
        });
        let extra = usize::from(half(rest, 30)?) + usize::from(half(rest, 32)?);
        rest = rest.get(LISTED_BYTES + length + extra..).unwrap_or_default();
    }
    Ok(listed)
}

fn extract(file: &mut File, listed: &Listed, to: &Path) -> anyhow::Result<()> {
    file.seek(SeekFrom::Start(listed.offset.into()))?;
    let header = bytes(file, HEADER_BYTES)?;
    ensure!(header.starts_with(b"PK\x03\x04"), "it does not begin as an entry");
    let name = bytes(file, half(&header, 26)?.into())?;
    ensure!(name == listed.name.as_bytes(), "it has another name in the list");
    file.seek_relative(half(&header, 28)?.into())?;
    let path = to.join(&listed.name);
    fs::create_dir_all(path.parent().unwrap_or(to))?;
    let out = File::options().write(true).create_new(true).mode(listed.mode).open(&path)?;
    // The modes are Lambda's to keep, whatever this shell's umask is.
    out.set_permissions(fs::Permissions::from_mode(listed.mode))?;
    let packed = BufReader::new(file.take(listed.compressed.into()));
    match listed.method {
        0 => copy(packed, out, listed),
        8 => copy(DeflateDecoder::new(packed), out, listed),
        other => Err(anyhow!("it is compressed by method {other}")),
    }
}

fn copy(from: impl Read, mut to: File, listed: &Listed) -> anyhow::Result<()> {
    let mut from = from.take(u64::from(listed.plain) + 1);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut hasher = crc32fast::Hasher::new();
    let mut length = 0;
    loop {
        let read = from.read(&mut chunk)?;
        let read = chunk.get(..read).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        length += read.len() as u64;
        hasher.update(read);
        to.write_all(read)?;
    }
    ensure!(length == u64::from(listed.plain), "it has {length} bytes, not {}", listed.plain);
    ensure!(hasher.finalize() == listed.crc, "its checksum is another");
    Ok(())
}

fn bytes(file: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

fn half(bytes: &[u8], at: usize) -> anyhow::Result<u16> {
    let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk().copied());
    bytes.map(u16::from_le_bytes).ok_or_else(|| anyhow!("it is cut off"))
}

fn word(bytes: &[u8], at: usize) -> anyhow::Result<u32> {
    let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk().copied());
    bytes.map(u32::from_le_bytes).ok_or_else(|| anyhow!("it is cut off"))
}

#[cfg(test)]
mod tests {
    use super::super::time::DosTime;
    use super::super::{Method, Record, Sizes, directory, local_header};
    use super::*;

    fn zip(name: &str, crc: u32) -> Vec<u8> {
        let record = Record {
            name: name.into(),
            is_executable: true,
            method: Method::Stored,
            has_descriptor: false,
            sizes: Sizes { crc, compressed: 5, plain: 5 },
            offset: 0,
        };
        let mut zip = local_header(&record, DosTime::EARLIEST);
        zip.extend(b"hello");
        let offset = u32::try_from(zip.len()).expect("a small zip");
        zip.extend(directory(&[record], DosTime::EARLIEST, offset));
        zip
    }

    fn unpacked(zip: &[u8]) -> Result<(Vec<u8>, u32), String> {
        let folder = tempfile::TempDir::new().expect("a folder");
        let file = folder.path().join("x.zip");
        fs::write(&file, zip).expect("written");
        let to = folder.path().join("to");
        unpack(&file, &to).map_err(|error| format!("{error:#}"))?;
        let path = to.join("a/b");
        let mode = fs::metadata(&path).expect("unpacked").permissions().mode();
        Ok((fs::read(path).expect("unpacked"), mode & 0o777))
    }

    #[test]
    fn what_was_written_is_read_back() {
        let whole = zip("a/b", crc32fast::hash(b"hello"));
        assert_eq!(unpacked(&whole), Ok((b"hello".to_vec(), 0o755)));
    }

    #[test]
    fn what_is_damaged_or_foreign_is_told() {
        let whole = zip("a/b", crc32fast::hash(b"hello"));
        assert_eq!(unpacked(&zip("a/b", 1)), Err("a/b: its checksum is another".to_owned()));
        let error = unpacked(&zip("../b", crc32fast::hash(b"hello"))).expect_err("an odd name");
        assert!(error.ends_with("a name in it would be unpacked elsewhere"), "{error}");
        for length in 0..whole.len() {
            unpacked(&whole[..length]).expect_err("cut off");
        }
    }
}
