//! The handler's standard input: what was offered, what was written, and what still lies unread.

use std::io;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use tokio::io::Interest;
use tokio::net::unix::pipe;

use crate::protocol::RequestLine;

/// Our end of the pipe into the handler.
#[derive(Debug)]
pub(super) struct Input {
    /// None once we closed it: the handler reads its end.
    pipe: Option<pipe::Sender>,
    offer: Option<Offer>,
    /// Bytes that lay unread before the offer: the readiness space of a handler that never read it.
    left_before: usize,
}

/// A request on its way.
#[derive(Debug)]
struct Offer {
    line: RequestLine,
    written: usize,
}

impl Input {
    pub(super) fn new(pipe: pipe::Sender) -> Self {
        Self { pipe: Some(pipe), offer: None, left_before: 0 }
    }

    /// Writes the space that tells when the handler has come to read; whether it lies in the pipe now.
    pub(super) fn write_space(&mut self) -> bool {
        // Written past the runtime, which does not know yet that the pipe is writable.  A fresh one takes
        // a byte; if it does not, its reader is gone already, which is seen elsewhere.
        self.pipe.as_ref().is_some_and(|pipe| nix::unistd::write(pipe, b" ") == Ok(1))
    }

    /// How many bytes wait for the handler to read them.
    pub(super) fn unread(&self) -> usize {
        let Some(pipe) = &self.pipe else { return 0 };
        let waiting = rustix::io::ioctl_fionread(pipe.as_fd()).unwrap_or(0);
        usize::try_from(waiting).unwrap_or(usize::MAX)
    }

    /// Takes a request to write; writing happens in [`Input::write_some`].
    pub(super) fn offer(&mut self, line: RequestLine, never_read: bool) {
        self.left_before = if never_read { self.unread() } else { 0 };
        self.offer = Some(Offer { line, written: 0 });
    }

    /// Gives the request back, to be let go or offered to another handler.
    pub(super) fn withdraw(&mut self) -> Option<RequestLine> {
        self.offer.take().map(|offer| offer.line)
    }

    /// Whether some of the request is still to be written.
    pub(super) fn is_pending(&self) -> bool {
        self.pipe.is_some()
            && self.offer.as_ref().is_some_and(|offer| offer.written < offer.line.bytes().len())
    }

    /// Writes what the pipe takes now.
    pub(super) fn write_some(&mut self) {
        let (Some(pipe), Some(offer)) = (&self.pipe, &mut self.offer) else { return };
        while let Some(rest) =
            offer.line.bytes().get(offer.written..).filter(|rest| !rest.is_empty())
        {
            match pipe.try_write(rest) {
                Ok(written) => offer.written += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                // Full, or without a reader: the first is waited for, the second is seen as an event.
                Err(_) => return,
            }
        }
    }

    /// Waits until the pipe takes more.  Cancel safe.
    pub(super) async fn writable(&self) {
        if let Some(pipe) = &self.pipe {
            if pipe.writable().await.is_ok() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Waits until nobody can read the pipe any more.  Cancel safe.
    pub(super) async fn closed(&self) {
        if let Some(pipe) = &self.pipe {
            if pipe.ready(Interest::ERROR).await.is_ok() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Whether the handler has read the whole request, but for a final line end.
    pub(super) fn was_read(&self) -> bool {
        self.offer.as_ref().is_none_or(|offer| {
            !self.is_pending() && self.unread() <= offer.line.slack() + self.left_before
        })
    }

    /// Whether not one byte of the request was read.
    pub(super) fn is_untouched(&self) -> bool {
        self.offer.as_ref().is_none_or(|offer| self.unread() == offer.written + self.left_before)
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
