//! ureq's link to Lambda: one connection that waits on the worker's runtime.
//!
//! This is the one door between ureq, which blocks, and tokio, which waits: while ureq waits for an
//! event or for the answer to a post, the worker's tasks go on.  Output is held back until ureq asks for
//! input, so that a small request is one write.

use std::convert::Infallible;
use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Authority;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::{Error, Timeout};

use crate::interrupt::Interrupt;

/// How long an answer may take once its first byte came.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How long a signal leaves to what is being said to Lambda: after an invocation's 200 ms, and before the
/// handler's own end.
const SIGNAL_GRACE: Duration = Duration::from_millis(220);
/// How many addresses of a name are tried: as many as ureq's list holds.
const ADDRESSES: usize = 16;
/// Output is written once so much is held.
const HELD_BYTES: usize = 64 * 1024;

/// What goes on while Lambda is waited for.
pub trait Attend: Debug + Send {
    /// Never ends by itself; whenever it is dropped, it can be taken up again.
    fn attend(&mut self) -> Pin<Box<dyn Future<Output = Infallible> + Send + '_>>;
}

/// Nothing to attend to.
#[derive(Debug)]
pub struct Nothing;

impl Attend for Nothing {
    fn attend(&mut self) -> Pin<Box<dyn Future<Output = Infallible> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

/// What every connection of one worker shares.
#[derive(Debug)]
pub struct Link {
    runtime: Arc<Runtime>,
    /// Only ever locked by the worker's own thread: ureq asks for a type that could be shared.
    attended: Arc<Mutex<dyn Attend>>,
    interrupt: Interrupt,
    /// Whether a wait for input may be cut short: only while nothing of the next event has come.
    interruptible: AtomicBool,
}

impl Link {
    /// A link that waits on a runtime, attends to something meanwhile, and can be interrupted.
    #[must_use]
    pub fn new(
        runtime: Arc<Runtime>,
        attended: Arc<Mutex<dyn Attend>>,
        interrupt: Interrupt,
    ) -> Arc<Self> {
        Arc::new(Self { runtime, attended, interrupt, interruptible: AtomicBool::new(false) })
    }

    /// What may cut a wait short.
    #[must_use]
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Allows the next wait for input to be cut short, until input comes.
    pub(super) fn set_interruptible(&self, interruptible: bool) {
        self.interruptible.store(interruptible, Ordering::Relaxed);
    }

    /// Waits, unless interrupted.
    pub(super) fn pause(&self, wait: Duration) {
        self.attending(async {
            tokio::select! {
                _ = self.interrupt.wait() => (),
                () = tokio::time::sleep(wait) => (),
            }
        });
    }

    /// Ends when what is waited for has to be given up: at once while nothing of an event has come, and
    /// for a signal a moment later in any case.
    async fn cut_short(&self) {
        if self.interruptible.load(Ordering::Relaxed) {
            self.interrupt.wait().await;
        } else {
            let signalled = self.interrupt.signalled().await;
            tokio::time::sleep_until(signalled + SIGNAL_GRACE).await;
        }
    }

    /// Waits for an operation, and attends to what goes on beside it.
    fn attending<T>(&self, operation: impl Future<Output = T>) -> T {
        let mut attended = self.attended.lock().unwrap_or_else(PoisonError::into_inner);
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                done = operation => done,
                never = attended.attend() => match never {},
            }
        })
    }

    /// Runs an operation on the socket, within ureq's time for it.
    fn within<T>(
        &self,
        timeout: NextTimeout,
        operation: impl Future<Output = io::Result<T>>,
    ) -> Result<T, Error> {
        self.attending(async {
            let limit = timeout.not_zero().map(|limit| *limit);
            tokio::select! {
                biased;
                result = operation => result.map_err(Error::Io),
                () = self.cut_short() => Err(Error::Io(io::Error::other("the runtime is ending"))),
                () = tokio::time::sleep(limit.unwrap_or_default()), if limit.is_some() => {
                    Err(Error::Timeout(timeout.reason))
                }
            }
        })
    }
}

/// Finds the addresses of the Runtime API: an address as it is, a name by asking at once.
///
/// ureq's own resolver starts a thread for each call that has a time limit.
#[derive(Debug)]
pub(super) struct DirectResolver;

impl Resolver for DirectResolver {
    fn resolve(&self, uri: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let authority = uri.authority().map(Authority::as_str).ok_or(Error::HostNotFound)?;
        let mut addresses = self.empty();
        for address in authority.to_socket_addrs()?.take(ADDRESSES) {
            addresses.push(address);
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// Makes the connections of one worker.
#[derive(Debug)]
pub(super) struct LinkConnector(pub(super) Arc<Link>);

impl Connector for LinkConnector {
    type Out = LinkTransport;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<()>,
    ) -> Result<Option<LinkTransport>, Error> {
        let mut last = Error::ConnectionFailed;
        for address in &details.addrs {
            match self.0.within(details.timeout, connect(*address)) {
                Ok(stream) => {
                    let config = details.config;
                    return Ok(Some(LinkTransport {
                        link: self.0.clone(),
                        stream,
                        buffers: LazyBuffers::new(
                            config.input_buffer_size(),
                            config.output_buffer_size(),
                        ),
                        held: Vec::new(),
                        started: None,
                    }));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads what has come; an interruption must not cost the connection, on which an event may be.
async fn read(stream: &mut TcpStream, input: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(input).await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            read => return read,
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct LinkTransport {
    link: Arc<Link>,
    stream: TcpStream,
    buffers: LazyBuffers,
    /// Output not yet written.
    held: Vec<u8>,
    /// When the first byte of the present answer came: from then on it may not take for ever.
    started: Option<Instant>,
}

impl LinkTransport {
    fn write_held(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        if !self.held.is_empty() {
            self.link.within(timeout, self.stream.write_all(&self.held))?;
            self.held.clear();
            self.started = None;
        }
        Ok(())
    }
}

impl Transport for LinkTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.held.len() + amount >= HELD_BYTES {
            self.write_held(timeout)?;
            let output = self.buffers.output().get(..amount).unwrap_or_default();
            return self.link.within(timeout, self.stream.write_all(output));
        }
        self.held.extend_from_slice(self.buffers.output().get(..amount).unwrap_or_default());
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.write_held(timeout)?;
        let timeout = self.started.map_or(timeout, |started| timeout_of(timeout, started));
        let input = self.buffers.input_append_buf();
        let length = self.link.within(timeout, read(&mut self.stream, input))?;
        self.started.get_or_insert_with(Instant::now);
        self.link.set_interruptible(false);
        self.buffers.input_appended(length);
        Ok(length > 0)
    }

    /// Nothing may come while nothing was asked: whatever is readable is an end, or not for us.  The
    /// runtime knows without asking the kernel.
    fn is_open(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        matches!(self.stream.poll_read_ready(&mut context), Poll::Pending)
    }
}

/// ureq's own limit, or what is left for an answer that has begun, if ureq has none.
fn timeout_of(timeout: NextTimeout, started: Instant) -> NextTimeout {
    if timeout.not_zero().is_some() {
        return timeout;
    }
    let left = ANSWER_TIME.saturating_sub(started.elapsed());
    NextTimeout { after: left.into(), reason: Timeout::RecvResponse, ..timeout }
}

/// Whether a failure is a time that ran out.
pub(super) fn is_timeout(error: &Error) -> bool {
    matches!(error, Error::Timeout(Timeout::Global | Timeout::RecvBody | Timeout::PerCall))
}
