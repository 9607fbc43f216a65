//! Every raw line both ways, for `lambda-stdio invoke --wire`.  Compiled out of the deployed bootstrap,
//! which never writes an event or a reply anywhere but where it belongs.

use super::best_effort;
use std::fs::File;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// The file to write to, where there is one.
const VARIABLE: &str = "LAMBDA_STDIO_WIRE";

/// Where lines are copied to; nowhere, mostly.
#[derive(Debug)]
pub(super) struct WireTap(Option<File>);

impl WireTap {
    #[expect(clippy::disallowed_methods, reason = "a development aid, not configuration")]
    pub(super) fn open() -> Self {
        let file = std::env::var_os(VARIABLE)
            .and_then(|path| File::options().append(true).create(true).open(path).ok());
        Self(file)
    }

    pub(super) fn copy_request(&mut self, line: &[u8]) {
        self.write("in", line.strip_suffix(b"\n").unwrap_or(line));
    }

    pub(super) fn copy_message(&mut self, message: &[u8]) {
        self.write("out", message);
    }

    fn write(&mut self, direction: &str, line: &[u8]) {
        let Some(file) = &mut self.0 else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let bytes = line.len();
        let mut record =
            format!("{{\"at_us\":{now},\"direction\":\"{direction}\",\"bytes\":{bytes}}}\n")
                .into_bytes();
        record.extend_from_slice(line);
        record.push(b'\n');
        // A tap that cannot be written is a tap that shows nothing.
        best_effort(file.write_all(&record));
    }
}
