//! Bytes to messages: lines, or lengths with their bytes.  Both bounded, and honest about a stream that
//! ends inside a message, which tokio-util's own codecs are not: `LinesCodec` takes half a line for one.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;

use super::MAX_LINE_BYTES;

/// How messages are told apart, both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Each message is ended by LF.
    #[default]
    Lines,
    /// Each message is preceded by its length, 4 bytes, big-endian: Erlang's `{packet, 4}`.
    Length,
}

/// Why no further message can be read from a stream.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The message is longer than any result may be.
    #[error("more than {limit} bytes without the end of the reply")]
    TooLong {
        /// The longest message that is read.
        limit: usize,
    },
    /// The stream ended inside a message.
    #[error("the output ended inside a reply, after {held} bytes of it")]
    Truncated {
        /// The bytes of the message that came.
        held: usize,
    },
    /// Text came where a length was due.
    #[error(
        "text came where a length was due: it begins with {text:?}. With LAMBDA_STDIO_FRAMING=length \
         each reply is preceded by its length as 4 bytes, big-endian"
    )]
    TextForLength {
        /// The four characters.
        text: String,
    },
    /// The pipe could not be read.
    #[error("the output could not be read: {0}")]
    Io(#[from] io::Error),
}

/// The decoder of one generation's replies, in either framing.
#[derive(Debug)]
pub enum MessageDecoder {
    /// See [`LineDecoder`].
    Lines(LineDecoder),
    /// See [`LengthDecoder`].
    Length(LengthDecoder),
}

impl MessageDecoder {
    /// A decoder for a stream's start.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Lines => Self::Lines(LineDecoder::new(MAX_LINE_BYTES)),
            Framing::Length => Self::Length(LengthDecoder::new(MAX_LINE_BYTES)),
        }
    }
}

impl Decoder for MessageDecoder {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        match self {
            Self::Lines(decoder) => decoder.decode(buffer),
            Self::Length(decoder) => decoder.decode(buffer),
        }
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        match self {
            Self::Lines(decoder) => decoder.decode_eof(buffer),
            Self::Length(decoder) => decoder.decode_eof(buffer),
        }
    }
}

/// Lines ended by LF, without it.
#[derive(Debug)]
pub struct LineDecoder {
    limit: usize,
    /// The bytes at the buffer's start that hold no LF: a long line is searched once, however it comes.
    searched: usize,
}

impl LineDecoder {
    /// A decoder of lines of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, searched: 0 }
    }
}

impl Decoder for LineDecoder {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let fresh = buffer.get(self.searched..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', fresh).map(|found| self.searched + found) else {
            self.searched = buffer.len();
            return if buffer.len() > self.limit {
                Err(FrameError::TooLong { limit: self.limit })
            } else {
                Ok(None)
            };
        };
        if end > self.limit {
            return Err(FrameError::TooLong { limit: self.limit });
        }
        self.searched = 0;
        let line = buffer.split_to(end).freeze();
        buffer.advance(1);
        Ok(Some(line))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        match self.decode(buffer)? {
            None if !buffer.is_empty() => Err(FrameError::Truncated { held: buffer.len() }),
            line => Ok(line),
        }
    }
}

/// The bytes a length takes.
const LENGTH_BYTES: usize = 4;

/// Messages preceded by their length, 4 bytes, big-endian.
#[derive(Debug)]
pub struct LengthDecoder {
    limit: usize,
}

impl LengthDecoder {
    /// A decoder of messages of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit }
    }
}

impl Decoder for LengthDecoder {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Some(prefix) = buffer.first_chunk::<LENGTH_BYTES>().copied() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
        if length > self.limit {
            // Four printable characters are far above the limit: it is a program that prints lines.
            return Err(if prefix.iter().all(|byte| matches!(byte, b' '..=b'~')) {
                FrameError::TextForLength {
                    text: prefix.iter().map(|&byte| char::from(byte)).collect(),
                }
            } else {
                FrameError::TooLong { limit: self.limit }
            });
        }
        if buffer.len() < LENGTH_BYTES + length {
            return Ok(None);
        }
        buffer.advance(LENGTH_BYTES);
        Ok(Some(buffer.split_to(length).freeze()))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        match self.decode(buffer)? {
            None if !buffer.is_empty() => Err(FrameError::Truncated { held: buffer.len() }),
            message => Ok(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a decoder makes of a stream that comes in the given pieces, in one line of words.
    fn told(decoder: &mut MessageDecoder, pieces: &[&[u8]]) -> String {
        let mut buffer = BytesMut::new();
        let mut seen = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            buffer.extend_from_slice(piece);
            loop {
                let last = index + 1 == pieces.len();
                match if last {
                    decoder.decode_eof(&mut buffer)
                } else {
                    decoder.decode(&mut buffer)
                } {
                    Ok(Some(message)) => seen.push(message.escape_ascii().to_string()),
                    Ok(None) => break,
                    Err(error) => {
                        seen.push(format!("error: {error}"));
                        return seen.join(" | ");
                    }
                }
            }
        }
        seen.join(" | ")
    }

    fn lines(limit: usize) -> MessageDecoder {
        MessageDecoder::Lines(LineDecoder::new(limit))
    }

    fn lengths(limit: usize) -> MessageDecoder {
        MessageDecoder::Length(LengthDecoder::new(limit))
    }

    #[test]
    fn lines_end_at_lf_and_nowhere_else() {
        assert_eq!(told(&mut lines(9), &[b"one\ntwo\r\n\n"]), "one | two\\r | ");
        assert_eq!(told(&mut lines(9), &[b""]), "");
    }

    #[test]
    fn half_a_line_is_an_error() {
        assert_eq!(
            told(&mut lines(9), &[b"one\ntw"]),
            "one | error: the output ended inside a reply, after 2 bytes of it"
        );
    }

    #[test]
    fn a_line_at_the_limit_is_a_line_and_one_byte_more_is_an_error() {
        assert_eq!(told(&mut lines(3), &[b"abc\n"]), "abc");
        let too_long = "error: more than 3 bytes without the end of the reply";
        assert_eq!(told(&mut lines(3), &[b"abcd\n"]), too_long);
        assert_eq!(told(&mut lines(3), &[b"abcd", b""]), too_long);
    }

    #[test]
    fn a_length_is_followed_by_its_bytes() {
        assert_eq!(told(&mut lengths(9), &[b"\0\0\0\x01a\0\0\0\0\0\0\0\x02b\n"]), "a |  | b\\n");
        assert_eq!(
            told(&mut lengths(9), &[b"\0\0\0\x05ab"]),
            "error: the output ended inside a reply, after 6 bytes of it"
        );
        assert_eq!(
            told(&mut lengths(9), &[b"\0\0\0\x0aab"]),
            "error: more than 9 bytes without the end of the reply"
        );
    }

    #[test]
    fn text_where_a_length_was_due_is_said_in_words() {
        let said = told(&mut lengths(9), &[b"{\"a\":1}\n"]);
        assert!(
            said.contains("text came where a length was due: it begins with \"{\\\"a\\\"\""),
            "{said}"
        );
        assert!(said.contains("4 bytes, big-endian"), "{said}");
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_split_the_messages_are_the_same(
            stream in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(0u8), Just(3u8), any::<u8>()], 0..200),
            mut cuts in proptest::collection::vec(0usize..200, 0..12),
            length in any::<bool>(),
        ) {
            let decoder = || if length { lengths(20) } else { lines(20) };
            cuts.retain(|cut| *cut <= stream.len());
            cuts.sort_unstable();
            let mut pieces: Vec<&[u8]> = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&stream[from..cut]);
                from = cut;
            }
            pieces.push(&stream[from..]);
            prop_assert_eq!(told(&mut decoder(), &pieces), told(&mut decoder(), &[&stream]));
        }
    }
}
