//! A tree as functions have them: sources, data and programs, many small files and a few large ones, always
//! the same.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What text is made of: it becomes a quarter as large, as sources and JSON do.
const WORDS: &[&str] = &[
    "return ",
    "value",
    "\n    ",
    "self.",
    "import ",
    "{\"name\": \"",
    "\", ",
    "def ",
    "(",
    "):\n",
    "handler",
    "request",
    "0123",
    "for ",
    "in range",
    " == ",
    "if ",
    "else",
    "response",
    "[i] = ",
];
/// One block of so many is what compression cannot shrink.
const NOISY: u64 = 12;
const BLOCK: u64 = 4_096;
const FILES_IN_A_FOLDER: usize = 100;
/// What makes the average of the sizes the one that is wanted: 1 / ((8 - 1/16) / (7 ln 2)).
const MEAN: f64 = 0.611;

/// xorshift64*: small, and good enough to choose by.
struct Random(u64);

impl Random {
    fn any(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// Makes the tree; its bytes and its files.
pub(crate) fn make(root: &Path, megabytes: f64, files: f64) -> io::Result<(u64, usize)> {
    let mut random = Random(7);
    let wanted = files.ceil() as usize;
    let average = megabytes * 1e6 / files;
    let mut bytes = 0;
    for number in 0..wanted {
        let folder = root.join(format!("folder-{}", number / FILES_IN_A_FOLDER));
        fs::create_dir_all(&folder)?;
        // From an eighth of the average to eight times as much, so that most are small.
        let exponent = (random.any() % 7_000) as f64 / 1_000.0 - 4.0;
        let content = content(&mut random, (average * MEAN * exponent.exp2()) as u64);
        bytes += content.len() as u64;
        fs::write(folder.join(format!("file-{number}.dat")), content)?;
    }
    let program = root.join("run");
    fs::write(&program, "#!/bin/sh\nexec cat\n")?;
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755))?;
    Ok((bytes, wanted))
}

fn content(random: &mut Random, length: u64) -> Vec<u8> {
    let mut content = Vec::with_capacity(length as usize + 64);
    while (content.len() as u64) < length {
        let end = content.len() as u64 + BLOCK;
        let is_noise = random.any().is_multiple_of(NOISY);
        while (content.len() as u64) < end.min(length) {
            let any = random.any();
            if is_noise {
                content.extend_from_slice(&any.to_le_bytes());
            } else {
                content.extend_from_slice(WORDS[(any >> 32) as usize % WORDS.len()].as_bytes());
            }
        }
    }
    content.truncate(length as usize);
    content
}
