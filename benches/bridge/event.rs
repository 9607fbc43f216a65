//! What the contenders are given: events of a size, and Lambda's answer around each, made once.

use std::fmt::Write as _;

/// The sizes that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Size {
    Small,
    Middle,
    /// As large as an event may be: a file in base64, as most that large are.
    File,
    /// The same size, of small records.
    Large,
}

impl Size {
    pub(crate) const ALL: [Self; 4] = [Self::Small, Self::Middle, Self::File, Self::Large];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "200 B",
            Self::Middle => "64 KB",
            Self::File => "6 MB, a file",
            Self::Large => "6 MB, records",
        }
    }

    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Small => 200,
            Self::Middle => 64 * 1024,
            Self::File | Self::Large => 6 * 1024 * 1024,
        }
    }

    fn event(self) -> String {
        match self {
            Self::Small | Self::Middle | Self::Large => records(self.bytes()),
            Self::File => file(self.bytes()),
        }
    }

    /// The invocations in a row before the next contender has its turn: at most some tenths of a second.
    pub(crate) fn slice(self) -> usize {
        match self {
            Self::Small => 2_000,
            Self::Middle => 300,
            Self::File | Self::Large => 20,
        }
    }
}

/// An event in Lambda's answer to `next`.
pub(crate) struct Delivery {
    pub(crate) bytes: Vec<u8>,
    event_at: usize,
}

/// The same for each invocation: nobody here remembers one, and Lambda's work stays constant.
pub(crate) const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

impl Delivery {
    pub(crate) fn new(size: Size) -> Self {
        let event = size.event();
        // The names and the order are Lambda's.  The deadline is far: none of these is to be hurried.
        let mut bytes = format!(
            "HTTP/1.1 200 OK\r\n\
             Content-Type: application/json\r\n\
             Lambda-Runtime-Aws-Request-Id: {REQUEST_ID}\r\n\
             Lambda-Runtime-Deadline-Ms: {}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:bench\r\n\
             Lambda-Runtime-Trace-Id: Root=1-6b0178ec-80c769d36e3e5fb2f183a9a3;Parent=89f20d8107dd12c7;Sampled=0\r\n\
             Date: Sun, 01 Nov 2026 00:00:00 GMT\r\n\
             Content-Length: {}\r\n\r\n",
            deadline_ms(),
            event.len()
        )
        .into_bytes();
        let event_at = bytes.len();
        bytes.extend_from_slice(event.as_bytes());
        Self { bytes, event_at }
    }

    /// What each contender is to answer.
    pub(crate) fn event(&self) -> &[u8] {
        &self.bytes[self.event_at..]
    }
}

fn deadline_ms() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("the clock is past 1970").as_millis() + 6 * 3_600_000
}

/// An event of so many bytes: an object of records, with numbers, words, escapes and lists, and a word that
/// fills it up.  It is spaced as Python spaces what it writes, so that a runtime which takes an event apart
/// and puts it together again answers with the same bytes, and one check holds for all.
fn records(bytes: usize) -> String {
    const END: &str = "], \"rest\": \"\"}";
    let mut event = "{\"records\": [".to_owned();
    for number in 0.. {
        let mut record = String::new();
        if number > 0 {
            record.push_str(", ");
        }
        write!(
            record,
            "{{\"order\": {}, \"name\": \"Ada \\\"L\\\" caf\\u00e9\", \"price\": {}.25, \"tags\": [\"a\", \"bc\"], \
             \"paid\": true, \"note\": null}}",
            100_000 + number,
            number % 1_000
        )
        .expect("a string takes what is written to it");
        if event.len() + record.len() + END.len() > bytes {
            break;
        }
        event.push_str(&record);
    }
    let rest = bytes - event.len() - END.len();
    event.push_str("], \"rest\": \"");
    event.push_str(&"x".repeat(rest));
    event.push_str("\"}");
    event
}

/// An event as a function gets it behind an API when somebody sends a file: base64 in one string.
fn file(bytes: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (begin, end) = ("{\"isBase64Encoded\": true, \"body\": \"", "\"}");
    let length = bytes - begin.len() - end.len();
    let mut state = 7_u32;
    let body: String = (0..length)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(DIGITS[(state >> 26) as usize])
        })
        .collect();
    format!("{begin}{body}{end}")
}

/// A bench has no tests that are run beside it, so this is looked at before it starts.
pub(crate) fn check() {
    for size in Size::ALL {
        let event = size.event();
        assert_eq!(event.len(), size.bytes());
        let value: serde_json::Value = serde_json::from_str(&event).expect("an event is JSON");
        let has_records = value["records"].as_array().is_some_and(|records| !records.is_empty());
        assert!(has_records || value["body"].is_string());
    }
}
