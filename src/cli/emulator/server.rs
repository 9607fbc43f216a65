//! The Runtime API's sockets: one listener on loopback, every connection bounded in number, in head
//! size and in the time its head may take.  What requests mean is the API's.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time;

use super::api;
use super::desk::Desk;
use super::patience::{HeadClock, Patient};

/// More connections than this wait to be accepted: a runtime has one, a concurrent one some dozens.
const MAX_CONNECTIONS: usize = 256;
/// How long a request's head may take from its first byte.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Room for a request's head: X-Ray's cause may be 64 KiB, and runtimes send it up to a megabyte.
const MAX_HEAD_BYTES: usize = 1024 * 1024;
/// How long accepting pauses when the process is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A Runtime API on a port of its own.  The value is the running server: dropping it closes the port
/// and every connection.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    desk: Arc<Desk>,
    accepting: JoinHandle<()>,
}

impl RuntimeApi {
    /// Listens on 127.0.0.1, on a free port: nothing outside this machine can reach it.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&desk)));
        Ok(Self { address, desk, accepting })
    }

    /// Where it listens: the value of `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its requests meet the front door.
    #[must_use]
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        // The connections are tasks in a set that this task owns: they end with it.
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let visit = Visit::begin(&desk);
                connections.spawn(async move {
                    serve(stream, &visit.0).await;
                    drop(slot);
                });
            }
            // Out of descriptors, or a peer that was gone before it was accepted: the next may do better.
            Err(_) => time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, desk: &Arc<Desk>) {
    // A small answer must not wait for the peer's delayed acknowledgement; without it all still works.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let clock = HeadClock::new(HEAD_TIME);
    let service = service_fn(|request| {
        clock.head_is_whole();
        async {
            let reply = api::handle(desk, request).await;
            clock.answered();
            Ok::<_, std::convert::Infallible>(reply)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Not hyper's own: it also ends connections that rest between two requests, and a runtime rests as
        // long as its handler works.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(Patient::new(stream, &clock)), service);
    // A connection that ends in an error has told its runtime all it could; the front door sees the rest.
    drop(connection.await);
}

/// A connection while it is open, counted at the desk however it ends.
struct Visit(Arc<Desk>);

impl Visit {
    fn begin(desk: &Arc<Desk>) -> Self {
        desk.connections(1);
        Self(Arc::clone(desk))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.connections(-1);
    }
}
