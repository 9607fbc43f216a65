//! When a late line is printed: a handler that replies plainly asks the soak, so that the line is late for
//! certain.  Without that it could come just when the next request had been read, and nothing in the plain
//! protocol can tell it from that one's reply (the SPEC's first page says so).

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::support::PATIENCE;

/// The soak's end.
pub(crate) struct Gate(TcpListener);

impl Gate {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn address(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// Lets the handler print its line and waits for the bridge to kill it for that.
    pub(crate) fn open(&self) -> Result<(), &'static str> {
        let until = Instant::now() + PATIENCE;
        let mut handler = loop {
            match self.0.accept() {
                Ok((handler, _)) => break handler,
                Err(_) if Instant::now() > until => {
                    return Err("the handler never asked when to print its late line");
                }
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        handler.set_nonblocking(false).unwrap();
        handler.set_read_timeout(Some(PATIENCE)).unwrap();
        handler.write_all(b"!").map_err(|_| "the handler is gone before its late line")?;
        match handler.read(&mut [0]) {
            Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => {
                Err("a line that nobody asked for did not get its handler replaced")
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// The handler's end: returns when the line may be printed, with what must be held until the end.
pub(crate) fn wait(address: &str) -> std::io::Result<TcpStream> {
    let mut soak = TcpStream::connect(address)?;
    soak.read_exact(&mut [0])?;
    Ok(soak)
}
