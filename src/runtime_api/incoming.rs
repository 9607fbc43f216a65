//! What comes on the connection: a response's head, then its body, however they are cut.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::chunks::Chunks;
use super::http::{self, BodyEnd, Fields, ResponseHead};
use super::link::{Attend, Link, Patience};

/// How many interim responses may come before the one that counts.
const MAX_INTERIM: u32 = 100;
/// How long a response may take once its first byte came.
const RESPONSE_TIME: Duration = Duration::from_secs(30);
/// How much is read at once until it is known where the body goes: a head, and an event of 64 KB.
const HELD_BYTES: usize = 72 * 1024;

/// Bytes that came and are not used yet.
#[derive(Debug)]
pub(super) struct Incoming(Vec<u8>);

/// How more is read.
pub(super) struct Reading<'a> {
    pub(super) link: &'a Link,
    pub(super) attended: &'a mut dyn Attend,
    pub(super) patience: Patience,
    /// Whether it is expected at once: its beginning, that is.  What is cut is waited for with all else.
    pub(super) soon: bool,
}

impl Reading<'_> {
    fn more(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        // Who never stops sending is never waited for: the clock is asked as well.
        if self.patience.is_over() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if std::mem::take(&mut self.soon) {
            self.link.read_soon(self.attended, buffer, self.patience)?;
        } else {
            self.link.read(self.attended, buffer, self.patience)?;
        }
        if let Patience::Endless { .. } = self.patience {
            self.patience = Patience::Until(Instant::now() + RESPONSE_TIME);
        }
        Ok(())
    }
}

impl Incoming {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(HELD_BYTES))
    }

    /// Whether all that came was used.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets what came, which belonged to a connection that is no more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The head of the next response, and what is read of its fields.
    pub(super) fn head<T>(
        &mut self,
        reading: &mut Reading<'_>,
        read: impl Fn(Fields<'_, '_>) -> T,
    ) -> io::Result<(ResponseHead, T)> {
        let mut interim = 0;
        loop {
            match http::read_head(&self.0, &read).map_err(io::Error::other)? {
                Some(_) if interim > MAX_INTERIM => {
                    return Err(io::Error::other("interim answers came without end"));
                }
                Some((head, _)) if head.is_interim() => {
                    interim += 1;
                    self.used(head.bytes);
                }
                Some((head, fields)) => {
                    self.used(head.bytes);
                    return Ok((head, fields));
                }
                None => self.more(reading)?,
            }
        }
    }

    /// The body behind a head, added to a buffer, whose own bytes count for nothing: all of it, or the
    /// failure after which the connection cannot be used any more.
    pub(super) fn body(
        &mut self,
        reading: &mut Reading<'_>,
        end: BodyEnd,
        limit: usize,
        body: &mut Vec<u8>,
    ) -> io::Result<()> {
        let before = body.len();
        let too_long = || io::Error::other(format!("it is more than {limit} bytes"));
        match end {
            BodyEnd::Length(length) if length > limit => return Err(too_long()),
            BodyEnd::Length(length) => self.sized(reading, length, body)?,
            BodyEnd::Chunks => {
                let mut chunks = Chunks::Size;
                loop {
                    let taken = chunks.take(&self.0, body).map_err(io::Error::other)?;
                    self.used(taken);
                    if body.len() - before > limit {
                        return Err(too_long());
                    }
                    if chunks == Chunks::Done {
                        break;
                    }
                    self.more(reading)?;
                }
            }
            BodyEnd::Close => loop {
                body.append(&mut self.0);
                if body.len() - before > limit {
                    return Err(too_long());
                }
                match self.more(reading) {
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                    more => more?,
                }
            },
        }
        Ok(())
    }

    /// A body of a length: what is not here yet is read to where it stays.
    fn sized(
        &mut self,
        reading: &mut Reading<'_>,
        length: usize,
        body: &mut Vec<u8>,
    ) -> io::Result<()> {
        let end = body.len() + length;
        let here = length.min(self.0.len());
        body.extend_from_slice(self.0.get(..here).unwrap_or_default());
        self.used(here);
        while body.len() < end {
            body.reserve(end - body.len());
            reading.more(body)?;
        }
        if body.len() > end {
            // More than there should be: whoever looks for what is left over finds it.
            self.0.extend(body.drain(end..));
        }
        Ok(())
    }

    fn more(&mut self, reading: &mut Reading<'_>) -> io::Result<()> {
        if self.0.len() == self.0.capacity() {
            self.0.reserve(HELD_BYTES);
        }
        reading.more(&mut self.0)
    }

    fn used(&mut self, bytes: usize) {
        self.0.drain(..bytes);
    }
}
