//! The handler's standard input: what was offered, what was written, and what still lies unread.

use std::io;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd, BorrowedFd};
use tokio::io::Interest;
use tokio::net::unix::pipe;

use crate::protocol::RequestLine;

/// What a pipe holds, unless somebody made it larger, and then.
pub(super) const PIPE_BYTES: usize = 64 * 1024;
pub(super) const LARGEST_PIPE_BYTES: usize = 1024 * 1024;

/// Makes a pipe as large as it may be: what is large is passed on with fewer turns of its two ends.  Where
/// a user's pipes hold too much already, it stays as it is.
pub(super) fn enlarge(pipe: BorrowedFd<'_>) {
    let bytes = i32::try_from(LARGEST_PIPE_BYTES).unwrap_or(i32::MAX);
    super::best_effort(nix::fcntl::fcntl(pipe, nix::fcntl::FcntlArg::F_SETPIPE_SZ(bytes)));
}

/// Our end of the pipe into the handler.
#[derive(Debug)]
pub(super) struct Input {
    /// None once we closed it: the handler reads its end.
    pipe: Option<pipe::Sender>,
    offer: Option<Offer>,
    /// A request that was answered before it was wholly written: its rest goes before the next one.
    rest: Option<Offer>,
    /// Whether a write failed for good: nobody is left who could read.
    unreadable: bool,
    /// Whether the pipe was made as large as it may be, for a large request.
    enlarged: bool,
    /// The memory of a large request that was written.
    spent: Option<Vec<u8>>,
}

/// A request on its way.
#[derive(Debug)]
struct Offer {
    line: RequestLine,
    written: usize,
}

impl Offer {
    /// What is still to be written.
    fn rest(&self) -> &[u8] {
        self.line.bytes().get(self.written..).unwrap_or_default()
    }

    /// Whether it was written in part.
    fn is_begun(&self) -> bool {
        self.written > 0 && !self.rest().is_empty()
    }
}

impl Input {
    pub(super) fn new(pipe: pipe::Sender) -> Self {
        Self {
            pipe: Some(pipe),
            offer: None,
            rest: None,
            unreadable: false,
            enlarged: false,
            spent: None,
        }
    }

    /// How many bytes wait for the handler to read them.
    pub(super) fn unread(&self) -> usize {
        let Some(pipe) = &self.pipe else { return 0 };
        let waiting = rustix::io::ioctl_fionread(pipe.as_fd()).unwrap_or(0);
        usize::try_from(waiting).unwrap_or(usize::MAX)
    }

    /// Takes a request to write; writing happens in [`Input::write_some`].
    pub(super) fn offer(&mut self, line: RequestLine) {
        if !self.enlarged
            && line.bytes().len() > PIPE_BYTES
            && let Some(pipe) = &self.pipe
        {
            enlarge(pipe.as_fd());
            self.enlarged = true;
        }
        self.offer = Some(Offer { line, written: 0 });
    }

    /// Lets an answered request go.  What of it is not written yet still has to be, or the next request
    /// would begin in its middle.
    pub(super) fn finish(&mut self) {
        // Once one request is begun, nothing is left of the one before it.
        if let Some(begun) = self.offer.take().filter(Offer::is_begun) {
            self.rest = Some(begun);
        }
    }

    /// Gives the request back, to be offered to another handler; not once its memory was given away.
    pub(super) fn withdraw(&mut self) -> Option<RequestLine> {
        self.offer.take().map(|offer| offer.line).filter(|line| !line.bytes().is_empty())
    }

    /// Whether something is still to be written, and can be.
    pub(super) fn is_pending(&self) -> bool {
        self.pipe.is_some() && !self.unreadable && !self.is_written()
    }

    /// Whether nothing is still to be written.
    fn is_written(&self) -> bool {
        [&self.rest, &self.offer].into_iter().flatten().all(|offer| offer.rest().is_empty())
    }

    /// Writes what the pipe takes now.
    pub(super) fn write_some(&mut self) {
        let Some(pipe) = &self.pipe else { return };
        for offer in [&mut self.rest, &mut self.offer].into_iter().flatten() {
            while !offer.rest().is_empty() {
                match pipe.try_write(offer.rest()) {
                    Ok(written) => {
                        offer.written += written;
                        // Of what no pipe can hold, something was read: nobody else is ever given it.
                        if offer.rest().is_empty() && offer.written > LARGEST_PIPE_BYTES {
                            self.spent = Some(offer.line.take_bytes());
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                    // Such a pipe is always writable, to be told so: it is its end that is waited for.
                    Err(_) => {
                        self.unreadable = true;
                        return;
                    }
                }
            }
        }
        self.rest = None;
    }

    /// The memory of a large request that nobody needs any more.
    pub(super) fn take_spent(&mut self) -> Option<Vec<u8>> {
        self.spent.take()
    }

    /// Waits until the pipe takes more.  Cancel safe.
    pub(super) async fn writable(&self) {
        if let Some(pipe) = &self.pipe
            && pipe.writable().await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Waits until nobody can read the pipe any more.  Cancel safe.
    pub(super) async fn closed(&self) {
        if let Some(pipe) = &self.pipe
            && pipe.ready(Interest::ERROR).await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// Whether the handler has read the whole request, but for a final line end.
    pub(super) fn was_read(&self) -> bool {
        self.offer
            .as_ref()
            .is_none_or(|offer| self.is_written() && self.unread() <= offer.line.slack())
    }

    /// Whether not one byte of the request was read.  What lay before it is read first.
    pub(super) fn is_untouched(&self) -> bool {
        self.offer.as_ref().is_none_or(|offer| self.unread() >= offer.written)
    }

    /// Whether not one byte of the request was read, or ever will be: nobody can read it any more.
    pub(super) fn stays_untouched(&self) -> bool {
        self.is_untouched() && !self.has_reader()
    }

    fn has_reader(&self) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        let mut asked = [PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut asked, PollTimeout::ZERO) {
            Ok(_) => !asked
                .iter()
                .filter_map(PollFd::revents)
                .any(|events| events.contains(PollFlags::POLLERR)),
            Err(_) => true,
        }
    }

    /// Closes the pipe: the end of input means stop.
    pub(super) fn close(&mut self) {
        self.pipe = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invocation::{Context, Event, Function, RequestId};
    use crate::protocol::{DeliveryId, Framing, RequestEncoder};

    fn line(event_bytes: usize) -> RequestLine {
        let event = format!("\"{}\"", "x".repeat(event_bytes));
        RequestEncoder::new(Framing::Lines, &Function::default())
            .encode(
                DeliveryId::parse("q7w2m0x4k9c1z5t8").expect("an id"),
                &RequestId::new("r-1").expect("not empty"),
                None,
                &Context::default(),
                Event::from_bytes(event.as_bytes()),
            )
            .expect("one value")
    }

    #[test]
    fn a_request_whose_memory_was_given_away_is_not_given_back() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            for (event_bytes, is_kept) in [(1000, true), (2 * LARGEST_PIPE_BYTES, false)] {
                let (ours, theirs) = pipe::pipe().expect("a pipe");
                let theirs = theirs.into_blocking_fd().expect("a pipe");
                let reader = std::thread::spawn(move || {
                    io::copy(&mut std::fs::File::from(theirs), &mut io::sink())
                });
                let mut input = Input::new(ours);
                input.offer(line(event_bytes));
                while input.is_pending() {
                    input.writable().await;
                    input.write_some();
                }
                assert_eq!(input.take_spent().is_none(), is_kept);
                assert_eq!(input.withdraw().is_some(), is_kept);
                input.close();
                let read = reader.join().expect("no panic").expect("it can be read");
                assert!(read > event_bytes as u64);
            }
        });
    }
}
