//! A connection that is patient between requests, and impatient for its first and inside a request's head.
//!
//! Hyper's own head timeout runs from the end of the last answer, so it would cut off a runtime that
//! works on an event for longer; this one runs from the head's first byte.  A connection that never asked for
//! anything is no runtime at rest, and there is room for so many only.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Shared by a connection and its service: until when the head at hand must be whole.
#[derive(Debug)]
pub struct HeadClock {
    allowed: Duration,
    head: Mutex<Head>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// Nothing of the next head is here: it may take hours.
    Awaited,
    /// Some of it is here.
    Due(Instant),
    /// It is whole: bodies and answers have clocks of their own.
    Whole,
}

impl HeadClock {
    /// A clock that allows a head so much time; the first one's runs from now.
    #[must_use]
    pub fn new(allowed: Duration) -> Self {
        Self { allowed, head: Mutex::new(Head::Due(Instant::now() + allowed)) }
    }

    /// The service was called.
    pub fn head_is_whole(&self) {
        self.set(Head::Whole);
    }

    /// The service is done: what arrives now is another head.
    pub fn answered(&self) {
        self.set(Head::Awaited);
    }

    fn bytes_arrived(&self) {
        if self.get() == Head::Awaited {
            self.set(Head::Due(Instant::now() + self.allowed));
        }
    }

    fn due(&self) -> Option<Instant> {
        match self.get() {
            Head::Due(instant) => Some(instant),
            Head::Awaited | Head::Whole => None,
        }
    }

    fn set(&self, head: Head) {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = head;
    }

    fn get(&self) -> Head {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream whose reads fail once a head is overdue.
#[derive(Debug)]
pub struct Patient<'a, S> {
    stream: S,
    clock: &'a HeadClock,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl<'a, S> Patient<'a, S> {
    /// Watches the heads that arrive on a stream.
    pub fn new(stream: S, clock: &'a HeadClock) -> Self {
        Self { stream, clock, alarm: None }
    }

    fn poll_overdue(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(due) = self.clock.due() else {
            self.alarm = None;
            return Poll::Pending;
        };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if alarm.deadline() != due {
            alarm.as_mut().reset(due);
        }
        alarm.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<'_, S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.clock.bytes_arrived();
        }
        if polled.is_ready() {
            return polled;
        }
        self.poll_overdue(context)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<'_, S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    fn run(story: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(story);
    }

    #[test]
    fn a_head_that_stops_half_way_ends_the_connection() {
        run(async {
            let (mut client, server) = tokio::io::duplex(64);
            let clock = HeadClock::new(SHORT);
            let mut server = Patient::new(server, &clock);
            client.write_all(b"GET /pi").await.expect("written");
            assert_eq!(server.read(&mut [0; 64]).await.expect("the first bytes"), 7);
            let error = server.read(&mut [0; 64]).await.expect_err("overdue");
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn a_connection_that_never_says_anything_ends() {
        run(async {
            let (_client, server) = tokio::io::duplex(64);
            let clock = HeadClock::new(SHORT);
            let error = Patient::new(server, &clock).read(&mut [0; 64]).await.expect_err("overdue");
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn a_connection_at_rest_and_a_body_are_not_hurried() {
        run(async {
            let (mut client, server) = tokio::io::duplex(64);
            let clock = HeadClock::new(SHORT);
            let mut server = Patient::new(server, &clock);
            let far_longer = SHORT * 5;
            let mut buffer = [0; 64];
            clock.answered();
            assert!(tokio::time::timeout(far_longer, server.read(&mut buffer)).await.is_err());
            client.write_all(b"head").await.expect("written");
            assert_eq!(server.read(&mut buffer).await.expect("the head"), 4);
            clock.head_is_whole();
            assert!(tokio::time::timeout(far_longer, server.read(&mut buffer)).await.is_err());
            clock.answered();
            assert!(tokio::time::timeout(far_longer, server.read(&mut buffer)).await.is_err());
        });
    }
}
