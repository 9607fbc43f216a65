//! What passes between Lambda and the bridge: a delivery one way, an answer the other.

use std::fmt::Write as _;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What `next` is answered with.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) event: Vec<u8>,
    pub(crate) request_id: String,
    /// The time until the deadline; none leaves the header out.
    pub(crate) timeout: Option<Duration>,
    /// Further headers, as `Name: value`.
    pub(crate) headers: Vec<String>,
    /// Instead of all that: these very bytes, after which the connection is closed.
    pub(crate) raw: Option<Vec<u8>>,
    /// In pieces of so many bytes, with a pause behind each.
    pub(crate) drip: Option<(usize, Duration)>,
    /// Whether the bytes are said over and over, until nobody listens.
    pub(crate) endless: bool,
    /// Whether the connection stays open, and silent, where it would be closed.
    pub(crate) stalls: bool,
}

impl Delivery {
    /// An event with three seconds until its deadline.
    pub(crate) fn new(event: impl Into<Vec<u8>>) -> Self {
        Self {
            event: event.into(),
            request_id: String::new(),
            timeout: Some(Duration::from_secs(3)),
            headers: Vec::new(),
            raw: None,
            drip: None,
            endless: false,
            stalls: false,
        }
    }

    pub(crate) fn timeout_ms(mut self, ms: u64) -> Self {
        self.timeout = Some(Duration::from_millis(ms));
        self
    }

    pub(crate) fn header(mut self, line: &str) -> Self {
        self.headers.push(line.to_owned());
        self
    }

    pub(crate) fn without_deadline(mut self) -> Self {
        self.timeout = None;
        self
    }

    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { raw: Some(bytes.into()), ..Self::new("") }
    }

    pub(crate) fn dripping(mut self, bytes: usize, pause: Duration) -> Self {
        self.drip = Some((bytes, pause));
        self
    }

    pub(crate) fn endlessly(mut self) -> Self {
        self.endless = true;
        self
    }

    pub(crate) fn stalling(mut self) -> Self {
        self.stalls = true;
        self
    }

    /// Writes it as `next`'s answer.
    pub(super) fn write_to(&self, stream: &mut impl Write) -> std::io::Result<()> {
        let response = self.response();
        let Some((bytes, pause)) = self.drip else { return stream.write_all(&response) };
        loop {
            for piece in response.chunks(bytes) {
                stream.write_all(piece)?;
                std::thread::sleep(pause);
            }
            if !self.endless {
                return Ok(());
            }
        }
    }

    fn response(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Lambda-Runtime-Aws-Request-Id: {}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:f\r\n",
            self.event.len(),
            self.request_id
        );
        if let Some(timeout) = self.timeout {
            let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + timeout;
            write!(head, "Lambda-Runtime-Deadline-Ms: {}\r\n", deadline.as_millis()).unwrap();
        }
        for header in &self.headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.event);
        bytes
    }
}

/// What the bridge posted.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// `response`, `error` or `init error`.
    pub(crate) kind: &'static str,
    /// The request id in the path, as it stood there; empty for an init error.
    pub(crate) request_id: String,
    pub(crate) body: Vec<u8>,
    /// Header names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) at: Instant,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let wanted = name.to_ascii_lowercase();
        self.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str())
    }

    /// Asserts that this is a response of exactly these bytes.
    #[track_caller]
    pub(crate) fn is_response(&self, bytes: &str) {
        assert_eq!((self.kind, self.text().as_str()), ("response", bytes));
    }

    /// Asserts that this is an error of this type, in body and header; its message.
    #[track_caller]
    pub(crate) fn is_error(&self, error_type: &str) -> String {
        assert_ne!(self.kind, "response", "{}", self.text());
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body["errorType"], error_type, "{body}");
        assert_eq!(self.header("Lambda-Runtime-Function-Error-Type"), Some(error_type));
        body["errorMessage"].as_str().unwrap().to_owned()
    }
}
