//! What holds of Lambda's answers, whatever comes in their place.

use super::chunks::Chunks;
use super::headers;
use super::http::{self, BodyEnd, Fields, MAX_HEAD_BYTES, Malformed, ResponseHead};

/// A head is the same however it comes, is as long as it says, and tells its body's end in one way.
pub(crate) fn head(bytes: &[u8], cuts: &[usize]) {
    let whole = read(bytes);
    for cut in cuts {
        let part = read(bytes.get(..*cut).unwrap_or_default());
        assert!(part == Ok(None) || part == whole, "cut at {cut}: {part:?}, whole: {whole:?}");
    }
    let Ok(Some((head, said))) = &whole else { return };
    assert!((1..=MAX_HEAD_BYTES).contains(&head.bytes) && head.bytes <= bytes.len());
    let alone = bytes.get(..head.bytes).unwrap_or_default();
    assert!(alone.ends_with(b"\n"));
    assert_eq!(read(alone), whole, "what is behind a head is not read");
    assert_eq!(read(alone.get(..head.bytes - 1).unwrap_or_default()), Ok(None), "it ends there");
    match head.body {
        BodyEnd::Length(0) if matches!(head.status, 100..200 | 204 | 304) => (),
        BodyEnd::Length(length) => {
            let [told] = said.lengths.as_slice() else { panic!("one length: {said:?}") };
            assert_eq!(told.trim_start_matches('0').parse().unwrap_or(0), length);
            assert!(told.bytes().all(|byte| byte.is_ascii_digit()) && said.codings.is_empty());
        }
        BodyEnd::Chunks => {
            assert!(said.lengths.is_empty() && said.codings == ["chunked"], "{said:?}");
        }
        BodyEnd::Close => assert!(said.lengths.is_empty() && said.codings.is_empty(), "{said:?}"),
    }
}

/// What the fields say.
#[derive(Debug, PartialEq)]
struct Said {
    lengths: Vec<String>,
    codings: Vec<String>,
    /// What is read of an invocation, as text.
    invocation: String,
}

fn read(bytes: &[u8]) -> Result<Option<(ResponseHead, Said)>, Malformed> {
    http::read_head(bytes, |fields| {
        let invocation = headers::read(fields);
        assert!(invocation.complaints.len() <= 2 * fields.len() + 1, "{:?}", invocation.complaints);
        Said {
            lengths: values(fields, "content-length"),
            codings: values(fields, "transfer-encoding"),
            invocation: format!("{invocation:?}"),
        }
    })
}

fn values(fields: Fields<'_, '_>, name: &str) -> Vec<String> {
    let of_name = fields.iter().filter(|field| field.name.to_lowercase() == name);
    of_name.map(|field| String::from_utf8_lossy(field.value).trim().to_lowercase()).collect()
}

/// A body is the same however it comes, and what was put into chunks comes out of them.
pub(crate) fn chunks(bytes: &[u8], ways: &[Vec<&[u8]>]) {
    let whole = decode(&[bytes]);
    assert!(whole.body.len() <= bytes.len());
    let ended = Ok((Chunks::Done, b"HTTP".to_vec()));
    let unchunked = Decoded { body: bytes.to_vec(), ended };
    for pieces in ways {
        assert_eq!(decode(pieces), whole, "in {} pieces", pieces.len());

        let mut chunked = Vec::new();
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            chunked.push(format!("{:x}\r\n", piece.len()).into_bytes());
            chunked.push(piece.to_vec());
            chunked.push(b"\r\n".to_vec());
        }
        chunked.push(b"0\r\n\r\nHTTP".to_vec());
        assert_eq!(decode(&chunked), unchunked);
        assert_eq!(decode(&[chunked.concat()]), unchunked);
    }
}

/// What came of a body: its bytes, and where it stands with what it has not used, or why it is none.
#[derive(Debug, PartialEq)]
struct Decoded {
    body: Vec<u8>,
    ended: Result<(Chunks, Vec<u8>), Malformed>,
}

fn decode(pieces: &[impl AsRef<[u8]>]) -> Decoded {
    let (mut chunks, mut body, mut held) = (Chunks::Size, Vec::new(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece.as_ref());
        match chunks.take(&held, &mut body) {
            Ok(taken) => drop(held.drain(..taken)),
            Err(malformed) => return Decoded { body, ended: Err(malformed) },
        }
    }
    Decoded { body, ended: Ok((chunks, held)) }
}
