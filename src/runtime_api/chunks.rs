//! A chunked body to its bytes.  Pure.

use httparse::{InvalidChunkSize, Status};

use super::http::Malformed;

/// A line of a size with its extensions, or all trailers together, may not be longer.
const MAX_LINE_BYTES: usize = 8 * 1024;
const LINE_END: &[u8] = b"\r\n";

/// What comes next of a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    /// The size of a chunk.
    Size,
    /// So many bytes of a chunk.
    Data(usize),
    /// The line end behind a chunk.
    End,
    /// Trailers, of which so many bytes came, up to a line of nothing.
    Trailers(usize),
    /// Nothing: the body is complete.
    Done,
}

impl Chunks {
    /// Takes what it can from the bytes, and puts the body's own into `body`; how many were taken.
    ///
    /// # Errors
    /// When it is no chunked body, however it goes on.
    pub(super) fn take(&mut self, bytes: &[u8], body: &mut Vec<u8>) -> Result<usize, Malformed> {
        let mut taken = 0;
        loop {
            let rest = bytes.get(taken..).unwrap_or_default();
            let used = match *self {
                Self::Size => match httparse::parse_chunk_size(rest) {
                    // Also where it is whole at once: what is refused does not hang on how it comes.
                    Ok(Status::Complete((line, size))) if line <= MAX_LINE_BYTES => {
                        let size = usize::try_from(size).map_err(|_| invalid())?;
                        *self = if size == 0 { Self::Trailers(0) } else { Self::Data(size) };
                        line
                    }
                    Ok(Status::Partial) if rest.len() < MAX_LINE_BYTES => return Ok(taken),
                    Ok(_) | Err(InvalidChunkSize) => return Err(invalid()),
                },
                Self::Data(left) => {
                    let data = rest.get(..left).unwrap_or(rest);
                    if data.is_empty() {
                        return Ok(taken);
                    }
                    body.extend_from_slice(data);
                    *self =
                        if data.len() == left { Self::End } else { Self::Data(left - data.len()) };
                    data.len()
                }
                Self::End if rest.len() < LINE_END.len() => return Ok(taken),
                Self::End if rest.starts_with(LINE_END) => {
                    *self = Self::Size;
                    LINE_END.len()
                }
                Self::End => return Err(Malformed("a chunk is longer than its size".to_owned())),
                Self::Trailers(before) => match memchr::memchr(b'\n', rest) {
                    Some(end) if before + end < MAX_LINE_BYTES => {
                        let line = rest.get(..end).unwrap_or_default();
                        let is_last = line.trim_ascii().is_empty();
                        *self = if is_last { Self::Done } else { Self::Trailers(before + end + 1) };
                        end + 1
                    }
                    None if before + rest.len() < MAX_LINE_BYTES => return Ok(taken),
                    Some(_) | None => {
                        return Err(Malformed("its trailers are too long".to_owned()));
                    }
                },
                Self::Done => return Ok(taken),
            };
            taken += used;
        }
    }
}

fn invalid() -> Malformed {
    Malformed("the size of a chunk is no number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes of a body that comes in pieces, in words; the end is where it was found.
    fn told(bytes: &[u8], mut cuts: Vec<usize>) -> String {
        let (mut chunks, mut body, mut held) = (Chunks::Size, Vec::new(), Vec::new());
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts {
            held.extend_from_slice(&bytes[from..cut]);
            from = cut;
            match chunks.take(&held, &mut body) {
                Ok(taken) => drop(held.drain(..taken)),
                Err(Malformed(reason)) => return reason,
            }
        }
        let state =
            if chunks == Chunks::Done { format!("then {}", held.len()) } else { "more".to_owned() };
        format!("{} {state}", body.escape_ascii())
    }

    #[test]
    fn chunks_are_put_together() {
        for (bytes, said) in [
            ("2\r\n[1\r\n3\r\n,22\r\n1\r\n]\r\n0\r\n\r\n", "[1,22] then 0"),
            ("3;x=y\r\n[3]\r\n0\r\n\r\nHTTP", "[3] then 4"),
            ("A\r\n0123456789\r\n0\r\nX: y\r\nZ: 1\r\n\r\n", "0123456789 then 0"),
            ("0\r\n\r\n", " then 0"),
            ("2\r\n[1\r\n3\r\n,2", "[1,2 more"),
            ("2\r\n[1", "[1 more"),
            ("", " more"),
            ("zz\r\n[1]\r\n", "the size of a chunk is no number"),
            ("10000000000000000\r\n", "the size of a chunk is no number"),
            ("-1\r\n", "the size of a chunk is no number"),
            ("1\r\nab\r\n", "a chunk is longer than its size"),
        ] {
            assert_eq!(told(bytes.as_bytes(), vec![]), said, "{bytes:?}");
        }
    }

    #[test]
    fn lines_have_a_limit() {
        let long = "x".repeat(MAX_LINE_BYTES);
        assert_eq!(
            told(format!("1;{long}").as_bytes(), vec![]),
            "the size of a chunk is no number"
        );
        for (line_bytes, said) in
            [(MAX_LINE_BYTES, "a then 0"), (MAX_LINE_BYTES + 1, "the size of a chunk is no number")]
        {
            let body = format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(line_bytes - 4));
            for cuts in [vec![], (0..body.len()).collect()] {
                assert_eq!(told(body.as_bytes(), cuts), said, "{line_bytes}");
            }
        }
        let many = "a: b\r\n".repeat(MAX_LINE_BYTES / 6 + 1);
        for trailers in [long, many.clone(), format!("{many}\r\n")] {
            let body = format!("0\r\n{trailers}");
            for cuts in [vec![], (0..body.len()).step_by(100).collect()] {
                assert_eq!(told(body.as_bytes(), cuts), "its trailers are too long");
            }
        }
    }

    proptest! {
        #[test]
        fn however_a_body_is_cut_it_is_the_same(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..5),
            cuts in proptest::collection::vec(0usize..250, 0..9),
        ) {
            let mut bytes = Vec::new();
            for piece in &pieces {
                bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                bytes.extend_from_slice(piece);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
            let cuts = cuts.into_iter().filter(|cut| *cut <= bytes.len()).collect();
            prop_assert_eq!(told(&bytes, cuts), format!("{} then 0", pieces.concat().escape_ascii()));
        }

        #[test]
        fn no_bytes_can_hurt(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(told(&bytes, vec![]));
        }
    }
}
