//! HTTP as the Runtime API needs it: the heads of requests, and where the body of a response ends.  Pure.

use httparse::{EMPTY_HEADER, Status};

/// The header fields of a response.
pub(super) type Fields<'h, 'b> = &'h [httparse::Header<'b>];

/// The largest head, and how many fields it may have.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_FIELDS: usize = 128;
/// Room for an ordinary head of ours.
const HEAD_ROOM: usize = 320;

/// The head of a request, being written.
#[derive(Debug)]
pub(super) struct RequestHead(Vec<u8>);

/// The head of a response, but for its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResponseHead {
    pub(super) status: u16,
    pub(super) body: BodyEnd,
    /// Whether another request may follow on the connection.
    pub(super) keeps_alive: bool,
    /// How long the head is.
    pub(super) bytes: usize,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// After so many bytes.
    Length(usize),
    /// By a chunk of nothing.
    Chunks,
    /// By the connection's end.
    Close,
}

/// Why bytes are no response.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not HTTP as it should be: {0}")]
pub(super) struct Malformed(pub(super) String);

impl ResponseHead {
    /// Whether the response itself is still to come.
    pub(super) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status)
    }
}

impl RequestHead {
    /// A head; the path is given in pieces.
    pub(super) fn new(method: &str, path: &[&str], host: &str) -> Self {
        let mut head = Self(Vec::with_capacity(HEAD_ROOM));
        for piece in [method, " "].iter().chain(path).chain(&[" HTTP/1.1\r\n"]) {
            head.0.extend_from_slice(piece.as_bytes());
        }
        head.field("Host", host)
    }

    /// A field.  Its value is ours, or was looked at: no byte of it can end a line.
    pub(super) fn field(mut self, name: &str, value: &str) -> Self {
        for piece in [name, ": ", value, "\r\n"] {
            self.0.extend_from_slice(piece.as_bytes());
        }
        self
    }

    /// The bytes to send.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"\r\n");
        self.0
    }
}

/// The head at the beginning of the bytes, and what is read of its fields; none while it is not complete.
///
/// # Errors
/// When it can be no response, however it goes on.
pub(super) fn read_head<T>(
    bytes: &[u8],
    read: impl FnOnce(Fields<'_, '_>) -> T,
) -> Result<Option<(ResponseHead, T)>, Malformed> {
    let mut fields = [EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let head_bytes = match response.parse(bytes) {
        Ok(Status::Complete(head_bytes)) if head_bytes <= MAX_HEAD_BYTES => head_bytes,
        Ok(Status::Partial) if bytes.len() <= MAX_HEAD_BYTES => return Ok(None),
        Ok(_) => return Err(Malformed(format!("its head is more than {MAX_HEAD_BYTES} bytes"))),
        Err(error) => return Err(Malformed(error.to_string())),
    };
    let status = response.code.unwrap_or_default();
    let head = ResponseHead {
        status,
        body: body_end(status, response.headers)?,
        keeps_alive: response.version == Some(1) && !says_close(response.headers),
        bytes: head_bytes,
    };
    Ok(Some((head, read(response.headers))))
}

/// Where the body ends.  What could be read in two ways is refused: the next answer would begin elsewhere.
fn body_end(status: u16, fields: Fields<'_, '_>) -> Result<BodyEnd, Malformed> {
    if matches!(status, 100..200 | 204 | 304) {
        return Ok(BodyEnd::Length(0));
    }
    let mut lengths = values(fields, "content-length");
    let mut codings = values(fields, "transfer-encoding");
    match (lengths.next(), lengths.next(), codings.next(), codings.next()) {
        (Some(length), None, None, _) => number(length)
            .map(BodyEnd::Length)
            .ok_or_else(|| Malformed("its length is no number".to_owned())),
        (None, _, Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => {
            Ok(BodyEnd::Chunks)
        }
        (None, _, None, _) => Ok(BodyEnd::Close),
        _ => Err(Malformed("its end is told in more than one way".to_owned())),
    }
}

fn values<'b>(fields: Fields<'_, 'b>, name: &'static str) -> impl Iterator<Item = &'b [u8]> {
    fields
        .iter()
        .filter(move |field| field.name.eq_ignore_ascii_case(name))
        .map(|field| field.value.trim_ascii())
}

/// Digits and nothing else: `+5` is a number to many, and to others not.
fn number(value: &[u8]) -> Option<usize> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

fn says_close(fields: Fields<'_, '_>) -> bool {
    values(fields, "connection").any(|value| {
        value
            .split(|byte| *byte == b',')
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(response: &str) -> String {
        match read_head(response.as_bytes(), |fields| fields.len()) {
            Ok(Some((head, fields))) => {
                let stays = if head.keeps_alive { "stays" } else { "closes" };
                assert!(head.bytes <= response.len());
                format!("{} {:?} {stays} {fields}", head.status, head.body)
            }
            Ok(None) => "more".to_owned(),
            Err(Malformed(reason)) => reason,
        }
    }

    #[test]
    fn a_request_is_its_lines() {
        let head = RequestHead::new("GET", &["/a", "/b"], "h:1").field("X", "y").finish();
        assert_eq!(head, b"GET /a/b HTTP/1.1\r\nHost: h:1\r\nX: y\r\n\r\n");
    }

    #[test]
    fn a_head_tells_where_its_body_ends() {
        for (rest, said) in [
            ("1 202 Accepted\r\nContent-Length: 0\r\n\r\n", "202 Length(0) stays 1"),
            ("1 202 Accepted\r\ncontent-length:  12 \r\n\r\nok", "202 Length(12) stays 1"),
            ("1 200 OK\nContent-Length: 1\n\n1", "200 Length(1) stays 1"),
            ("1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", "200 Chunks stays 1"),
            ("1 200 OK\r\n\r\nwords", "200 Close stays 0"),
            ("1 204 X\r\nContent-Length: 7\r\n\r\n", "204 Length(0) stays 1"),
            ("1 100 Continue\r\n\r\nHTTP", "100 Length(0) stays 0"),
            ("0 200 OK\r\nContent-Length: 0\r\n\r\n", "200 Length(0) closes 1"),
            (
                "1 200 A\r\nContent-Length: 0\r\nConnection: x, Close\r\n\r\n",
                "200 Length(0) closes 2",
            ),
            ("1 202 Acc", "more"),
            ("", "more"),
        ] {
            assert_eq!(told(&format!("HTTP/1.{rest}")), said, "{rest:?}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let (twice, no_number) =
            ("its end is told in more than one way", "its length is no number");
        for (fields, said) in [
            ("Content-Length: 1\r\nContent-Length: 1\r\n", twice),
            ("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", twice),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", twice),
            ("Transfer-Encoding: gzip, chunked\r\n", twice),
            ("Content-Length: +1\r\n", no_number),
            ("Content-Length: 1, 1\r\n", no_number),
            ("Content-Length: 99999999999999999999999\r\n", no_number),
            ("Content-Length: \r\n", no_number),
            ("no field\r\n", "invalid header name"),
            ("A: b\r\n c: folded\r\n", "invalid header name"),
        ] {
            assert_eq!(told(&format!("HTTP/1.1 200 A\r\n{fields}\r\n")), said, "{fields}");
        }
        assert_eq!(told("SSH-2.0-x\r\n\r\n"), "invalid HTTP version");
    }

    #[test]
    fn a_head_has_a_limit() {
        let endless = format!("HTTP/1.1 202 A\r\nX: {}", "y".repeat(MAX_HEAD_BYTES));
        assert_eq!(told(&endless), "its head is more than 65536 bytes");
        assert_eq!(told(&format!("{endless}\r\n\r\n")), "its head is more than 65536 bytes");
        assert_eq!(
            told(&format!("HTTP/1.1 202 A\r\n{}\r\n", "a: b\r\n".repeat(200))),
            "too many headers"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_can_hurt(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(read_head(&bytes, |fields| fields.len()));
        }
    }
}
