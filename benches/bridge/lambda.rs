//! Lambda's side of the measurement: one connection (but for a contender that uses several), blocking, raw bytes, both answers made beforehand.
//! It is on the same core as what it measures, so it does the same little for everyone.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use memchr::memmem;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::event::{Delivery, REQUEST_ID};

/// Nothing that is measured takes as long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const ACCEPTED: &[u8] =
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";

/// What one invocation took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// From when its event begins to be written until its response is read whole.
    pub(crate) latency: Duration,
    /// From there until the next event is asked for as well.
    pub(crate) cycle: Duration,
}

/// Where what a contender says is read into; one for all of them, so that its pages are nobody's.
pub(crate) struct Inbox {
    post: Vec<u8>,
    next: Vec<u8>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        // Ones, not zeros: zeros would be pages that the first to be measured has to fetch.
        Self { post: vec![1; 8 * 1024 * 1024], next: vec![1; 16 * 1024] }
    }
}

/// The Runtime API of one contender.
pub(crate) struct Lambda {
    listener: TcpListener,
    /// The connection that is spoken on.
    stream: Option<TcpStream>,
    /// Whether there may be others beside it, and those.
    has_others: bool,
    others: Vec<TcpStream>,
    pub(crate) address: String,
}

impl Lambda {
    pub(crate) fn new(has_others: bool) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        Ok(Self { listener, stream: None, has_others, others: Vec::new(), address })
    }

    /// Waits until an event is asked for.
    pub(crate) fn wait_for_next(&mut self, inbox: &mut Inbox) -> io::Result<()> {
        let request = self.read(&mut inbox.next)?;
        expect(&inbox.next[..request.head], "GET ", "/invocation/next")
    }

    /// One invocation of a contender that has asked for its event.  Its answer is checked when the clock has
    /// been looked at for the last time.
    pub(crate) fn invoke(&mut self, delivery: &Delivery, inbox: &mut Inbox) -> io::Result<Times> {
        let began = Instant::now();
        self.write(&delivery.bytes)?;
        let post = self.read(&mut inbox.post)?;
        let latency = began.elapsed();
        self.write(ACCEPTED)?;
        let next = self.read(&mut inbox.next)?;
        let cycle = began.elapsed();

        expect(&inbox.next[..next.head], "GET ", "/invocation/next")?;
        expect(&inbox.post[..post.head], "POST ", &format!("/{REQUEST_ID}/response"))?;
        if &inbox.post[post.head..post.whole] != delivery.event() {
            let (got, due) = (post.whole - post.head, delivery.event().len());
            return Err(io::Error::other(format!(
                "answered {got} bytes that are not the event's {due}"
            )));
        }
        Ok(Times { latency, cycle })
    }

    /// Ends the connection, and with it every contender that has nothing else to wait for.
    pub(crate) fn hang_up(&mut self) {
        self.stream = None;
        self.others.clear();
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.as_mut().ok_or_else(|| io::Error::other("nobody is connected"))?;
        stream.write_all(bytes)
    }

    /// The next request, on a new connection where the old one was closed: not everybody keeps theirs.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Request> {
        loop {
            if self.has_others {
                self.turn_to_who_speaks()?;
            }
            if let Some(stream) = &mut self.stream
                && let Some(request) = Request::read(stream, buffer)?
            {
                return Ok(request);
            }
            self.stream = if self.has_others { None } else { Some(accept(&self.listener)?) };
        }
    }

    /// Makes the connection on which something comes the one that is spoken on, opening those that are new.
    fn turn_to_who_speaks(&mut self) -> io::Result<()> {
        self.others.extend(self.stream.take());
        loop {
            let mut asked = vec![PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)];
            let others =
                self.others.iter().map(|other| PollFd::new(other.as_fd(), PollFlags::POLLIN));
            asked.extend(others);
            let patience = PollTimeout::try_from(PATIENCE).map_err(io::Error::other)?;
            if poll(&mut asked, patience)? == 0 {
                return Err(in_words(io::ErrorKind::WouldBlock.into()));
            }
            let speaks: Vec<bool> = asked.iter().map(|one| one.any() == Some(true)).collect();
            if let Some(speaker) = speaks[1..].iter().position(|speaks| *speaks) {
                self.stream = Some(self.others.swap_remove(speaker));
                return Ok(());
            }
            self.others.push(accept(&self.listener)?);
        }
    }
}

/// Where a request lies in what was read.
struct Request {
    head: usize,
    whole: usize,
}

impl Request {
    /// None where the connection has ended instead.
    fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Option<Self>> {
        let mut filled = 0;
        let mut request: Option<Self> = None;
        loop {
            if filled == buffer.len() {
                return Err(io::Error::other("more was said than anybody has to say"));
            }
            match stream.read(&mut buffer[filled..]).map_err(in_words)? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(io::Error::other("it hung up in the middle of a request")),
                read => filled += read,
            }
            if request.is_none()
                && let Some(end) = memmem::find(&buffer[..filled], b"\r\n\r\n")
            {
                let head = end + 4;
                request = Some(Self { head, whole: head + body_length(&buffer[..head])? });
            }
            match request {
                Some(request) if filled == request.whole => return Ok(Some(request)),
                Some(Self { whole, .. }) if filled > whole => {
                    return Err(io::Error::other("more was said than was announced"));
                }
                _ => (),
            }
        }
    }
}

/// A read that has waited for as long as it may fails with words of the kernel's that help nobody.
fn in_words(error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::WouldBlock {
        return error;
    }
    let seconds = PATIENCE.as_secs();
    let words = format!("said nothing for {seconds} s on its connection");
    io::Error::new(io::ErrorKind::TimedOut, words)
}

fn body_length(head: &[u8]) -> io::Result<usize> {
    let mut length = 0;
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = str::from_utf8(&value[1..]).unwrap_or_default();
            length = digits.trim().parse().map_err(io::Error::other)?;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding")
            || name.eq_ignore_ascii_case(b"expect")
        {
            let line = String::from_utf8_lossy(line);
            return Err(io::Error::other(format!("not understood here: {}", line.trim())));
        }
    }
    Ok(length)
}

fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let patience = PollTimeout::try_from(PATIENCE).map_err(io::Error::other)?;
    if poll(&mut [PollFd::new(listener.as_fd(), PollFlags::POLLIN)], patience)? == 0 {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody connected"));
    }
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn expect(head: &[u8], method: &str, path: &str) -> io::Result<()> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    if line.starts_with(method) && line.contains(path) {
        return Ok(());
    }
    Err(io::Error::other(format!("asked {line} where {method}…{path} was due")))
}
