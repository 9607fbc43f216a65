//! The one door between what blocks and what waits: the worker's connection to Lambda.
//!
//! The client calls it and blocks; it waits on the worker's runtime, so that whatever is waited for, the
//! worker's handlers are attended to meanwhile.

use std::convert::Infallible;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::{self, Instant};

use super::connection::Connection;
use crate::interrupt::{Interrupt, Reason};

/// How long a signal leaves to what is being said to Lambda: after an invocation's 200 ms, and before the
/// handler's own end.
const SIGNAL_GRACE: Duration = Duration::from_millis(220);

/// How long an address may take to accept a connection: a fraction of what failures to reach Lambda are
/// borne, where the kernel would try for minutes.
const CONNECT_TIME: Duration = Duration::from_secs(2);

/// How long an event that is just being asked for is waited for after a signal.
const LINGER: Duration = Duration::from_millis(40);

/// What goes on while Lambda is waited for.
pub trait Attend: Debug {
    /// Never ends by itself; whenever it is dropped, it can be taken up again.
    fn attend(&mut self) -> Pin<Box<dyn Future<Output = Infallible> + '_>>;
}

/// Nothing to attend to.
#[derive(Debug)]
pub struct Nothing;

impl Attend for Nothing {
    fn attend(&mut self) -> Pin<Box<dyn Future<Output = Infallible> + '_>> {
        Box::pin(std::future::pending())
    }
}

/// How long a wait may take, and what may cut it short.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// For ever, unless the runtime is to end; asked then.
    Endless {
        /// When it was.
        asked: Instant,
    },
    /// Until then; a signal leaves it a moment more.
    Until(Instant),
}

/// A worker's one connection, and how it is waited for.
#[derive(Debug)]
pub struct Link {
    runtime: Rc<Runtime>,
    connection: Option<Connection>,
    interrupt: Interrupt,
}

impl Link {
    /// A link that waits on a runtime and can be interrupted.
    #[must_use]
    pub fn new(runtime: Rc<Runtime>, interrupt: Interrupt) -> Self {
        Self { runtime, connection: None, interrupt }
    }

    /// What may cut a wait short.
    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Waits, unless interrupted.
    pub(super) fn pause(&self, attended: &mut dyn Attend, wait: Duration) {
        self.attending(attended, async {
            tokio::select! {
                _ = self.interrupt.wait() => (),
                () = time::sleep(wait) => (),
            }
        });
    }

    /// Whether a connection is open, as far as is known without asking the kernel.
    pub(super) fn is_open(&self) -> bool {
        self.connection.as_ref().is_some_and(Connection::is_open)
    }

    /// Opens a connection to the first of the addresses that takes one.
    pub(super) fn open(
        &mut self,
        attended: &mut dyn Attend,
        addresses: Vec<SocketAddr>,
        patience: Patience,
    ) -> io::Result<()> {
        self.connection = None;
        let mut failure = io::Error::other("the name has no address");
        for address in addresses {
            let opened = async {
                let opened = time::timeout(CONNECT_TIME, Connection::open(address)).await;
                opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            };
            match self.within(attended, patience, opened) {
                Ok(opened) => {
                    self.connection = Some(opened);
                    return Ok(());
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Closes the connection.
    pub(super) fn close(&mut self) {
        self.connection = None;
    }

    /// Writes all of both parts: as one piece, where they are small.
    pub(super) fn write(
        &self,
        attended: &mut dyn Attend,
        parts: [&[u8]; 2],
        patience: Patience,
    ) -> io::Result<()> {
        let connection = self.connection()?;
        let whole: usize = parts.iter().map(|part| part.len()).sum();
        let mut written = 0;
        while written < whole {
            match connection.try_write(parts, written) {
                Ok(length) => written += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.within(attended, patience, connection.writable())?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what comes next into the buffer's spare room; the end is an error.
    pub(super) fn read(
        &self,
        attended: &mut dyn Attend,
        buffer: &mut Vec<u8>,
        patience: Patience,
    ) -> io::Result<()> {
        let connection = self.connection()?;
        let length = self.within(attended, patience, connection.read(buffer))?;
        not_the_end(length)
    }

    /// Reads an answer that will come at once, or else as [`Link::read`] does.
    pub(super) fn read_soon(
        &self,
        attended: &mut dyn Attend,
        buffer: &mut Vec<u8>,
        patience: Patience,
    ) -> io::Result<()> {
        match self.connection()?.read_soon(buffer) {
            Some(read) => not_the_end(read?),
            None => self.read(attended, buffer, patience),
        }
    }

    /// Waits for an operation on the socket, within a time, unless the runtime has to end.
    fn within<T>(
        &self,
        attended: &mut dyn Attend,
        patience: Patience,
        operation: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        self.attending(attended, async {
            tokio::select! {
                biased;
                result = operation => result,
                () = self.cut_short(patience) => Err(io::Error::other("the runtime is ending")),
                () = patience.ends() => Err(io::ErrorKind::TimedOut.into()),
            }
        })
    }

    /// Ends when what is waited for has to be given up: at once while nothing of an event has come, and
    /// for a signal a moment later in any case.
    async fn cut_short(&self, patience: Patience) {
        match patience {
            Patience::Endless { asked } => {
                if let Reason::Signal(_) = self.interrupt.wait().await {
                    // An event that Lambda had for us when it was asked is on its way, and is still served.
                    time::sleep_until(asked + LINGER).await;
                }
            }
            Patience::Until(_) => {
                let signalled = self.interrupt.signalled().await;
                time::sleep_until(signalled + SIGNAL_GRACE).await;
            }
        }
    }

    /// Waits for an operation, and attends to what goes on beside it.
    fn attending<T>(&self, attended: &mut dyn Attend, operation: impl Future<Output = T>) -> T {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                done = operation => done,
                never = attended.attend() => match never {},
            }
        })
    }

    fn connection(&self) -> io::Result<&Connection> {
        self.connection.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Patience {
    /// Whether it has ended already.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Until(until) if until <= Instant::now())
    }

    async fn ends(self) {
        match self {
            Self::Endless { .. } => std::future::pending().await,
            Self::Until(until) => time::sleep_until(until).await,
        }
    }
}

fn not_the_end(length: usize) -> io::Result<()> {
    if length == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"));
    }
    Ok(())
}
