//! One TCP connection: how it is read and written.  Who waits for it, and for how long, is the link's to say.

use std::io::{self, IoSlice, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::task::{Context, Poll, Waker};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// How long an answer is waited for outside the runtime, in milliseconds.  Longer than a tick of any kernel:
/// a timer that ends before the next tick has to be told to the processor.
const GLANCE: u8 = 10;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Only its input is watched: a socket takes output nearly always, and would wake us to say so.
    stream: AsyncFd<TcpStream>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = tokio::net::TcpStream::connect(address).await?.into_std()?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: watch(stream, Interest::READABLE)? })
    }

    /// Nothing may come while nothing was asked: whatever is readable is an end, or not for us.  The
    /// runtime knows without asking the kernel.
    pub(super) fn is_open(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        matches!(self.stream.poll_read_ready(&mut context), Poll::Pending)
    }

    /// Waits for input and reads it into the buffer's spare room; nothing is the end.  Cancel safe.
    pub(super) async fn read(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            let mut ready = self.stream.readable().await?;
            let room = buffer.capacity() - buffer.len();
            match self.read_now(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Ok(length) if length > 0 && length < room => {
                    // All there was: what comes later is told anew.
                    ready.clear_ready();
                    return Ok(length);
                }
                read => return read,
            }
        }
    }

    /// Reads what comes within a moment, outside the runtime, whose own way costs more system calls and
    /// more than twice the time; none if nothing comes.
    pub(super) fn read_soon(&self, buffer: &mut Vec<u8>) -> Option<io::Result<usize>> {
        let mut asked = [PollFd::new(self.stream.get_ref().as_fd(), PollFlags::POLLIN)];
        if !matches!(poll(&mut asked, PollTimeout::from(GLANCE)), Ok(1)) {
            return None;
        }
        match self.read_now(buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            read => Some(read),
        }
    }

    fn read_now(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        loop {
            let room = rustix::buffer::spare_capacity(buffer);
            match rustix::io::read(self.stream.get_ref(), room) {
                Err(rustix::io::Errno::INTR) => (),
                read => return Ok(read?),
            }
        }
    }

    /// Writes what the socket takes now of both parts, without what was written of them before.
    pub(super) fn try_write(&self, parts: [&[u8]; 2], written: usize) -> io::Result<usize> {
        let mut slices = parts.map(IoSlice::new);
        let mut rest = slices.as_mut_slice();
        IoSlice::advance_slices(&mut rest, written);
        loop {
            match self.stream.get_ref().write_vectored(rest) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                wrote => return wrote,
            }
        }
    }

    /// Waits until the socket takes more.  Only large posts come here: it is watched as long as that takes.
    pub(super) async fn writable(&self) -> io::Result<()> {
        let stream = self.stream.get_ref().try_clone()?;
        drop(watch(stream, Interest::WRITABLE)?.writable().await?);
        Ok(())
    }
}

#[expect(
    deprecated,
    reason = "it trusts a type to keep its descriptor, which a stream of std's does"
)]
fn watch(stream: TcpStream, interest: Interest) -> io::Result<AsyncFd<TcpStream>> {
    AsyncFd::with_interest(stream, interest)
}
