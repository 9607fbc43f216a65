//! Ids in Lambda's shapes: random, from the kernel.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};

/// A version 4 UUID, the shape of request ids.
#[must_use]
pub fn uuid() -> String {
    let mut bytes = random::<16>();
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let hex = hex(&bytes);
    let mut text = String::with_capacity(36);
    for (place, digit) in hex.chars().enumerate() {
        if matches!(place, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

/// A tracing header as X-Ray writes it, not sampled: nothing here collects traces.
#[must_use]
pub fn trace_header() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    format!("Root=1-{now:08x}-{};Parent={};Sampled=0", hex(&random::<12>()), hex(&random::<8>()))
}

/// So many random bytes in hexadecimal: 32 digits, as log streams end in.
#[must_use]
pub fn hex_32() -> String {
    hex(&random::<16>())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes whatever is written");
        text
    })
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .expect("every Linux has /dev/urandom");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_its_shape_and_is_new_each_time() {
        let id = uuid();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
        assert_eq!(id.as_bytes()[14], b'4', "{id}");
        assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        assert_ne!(id, uuid());
    }

    #[test]
    fn a_trace_header_has_x_rays_shape() {
        let header = trace_header();
        assert!(header.starts_with("Root=1-") && header.ends_with(";Sampled=0"), "{header}");
        assert_eq!(header.len(), "Root=1-".len() + 8 + 1 + 24 + ";Parent=".len() + 16 + 10);
    }
}
