//! The handler that misbehaves, always as its event says and never by chance.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, raise};

use crate::fault::{Fault, Replies};
use crate::gate;

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_hours(1);

pub(crate) struct Handler {
    replies: Replies,
    one_shot: bool,
    gate: String,
    input: BufReader<File>,
    output: File,
    /// The id of the delivery before.
    last_id: Vec<u8>,
}

/// A request, as far as it matters here.
struct Request<'a> {
    id: &'a [u8],
    event: &'a [u8],
    does: Option<Fault>,
    next: Option<Fault>,
    late: Duration,
}

/// How the process ends.
struct End(u8);

impl Handler {
    /// Takes standard input and output over, so that closing them closes the pipes.
    pub(crate) fn new(replies: Replies, one_shot: bool, gate: String) -> Self {
        let own = |fd: std::io::Result<_>| File::from(fd.expect("a descriptor is free"));
        let input = own(std::io::stdin().as_fd().try_clone_to_owned());
        let output = own(std::io::stdout().as_fd().try_clone_to_owned());
        let nothing = File::open("/dev/null").expect("it is always there");
        nix::unistd::dup2_stdout(nothing).expect("standard output can be replaced");
        let input = BufReader::with_capacity(1 << 16, input);
        Self { replies, one_shot, gate, input, output, last_id: b"0000000000000000".to_vec() }
    }

    pub(crate) fn serve(mut self) -> ExitCode {
        let mut line = Vec::new();
        loop {
            line.clear();
            match self.input.read_until(b'\n', &mut line) {
                Ok(length) if length > 0 => (),
                Ok(_) | Err(_) => return ExitCode::SUCCESS,
            }
            // A request that nobody could read is the bridge's fault, and ends in an unexpected error.
            let Some(request) = Request::parse(&line) else { return ExitCode::from(9) };
            if let Err(End(status)) = self.answer(&request).and_then(|()| self.go_on(&request)) {
                return ExitCode::from(status);
            }
        }
    }

    fn answer(&mut self, request: &Request<'_>) -> Result<(), End> {
        let reply = self.reply(request.id, request.event);
        match request.does {
            // What is done before reading was done, if anybody could.
            None | Some(Fault::DieBeforeReading | Fault::EarlyReply) => self.print(&reply)?,
            Some(Fault::DieAfterReading) => return Err(End(3)),
            Some(Fault::DieInReply) => {
                self.print(&reply[..reply.len() / 2])?;
                return Err(End(0));
            }
            Some(Fault::ExitAfterReply) => {
                self.print(&reply)?;
                return Err(End(0));
            }
            Some(Fault::SegvAfterReply) => {
                self.print(&reply)?;
                // Thousands of core dumps help nobody.
                nix::sys::prctl::set_dumpable(false).expect("always allowed");
                die(Signal::SIGSEGV);
            }
            Some(Fault::KillAfterReply) => {
                self.print(&reply)?;
                die(Signal::SIGKILL);
            }
            Some(Fault::Hang) => std::thread::sleep(FOR_EVER),
            Some(Fault::Stop) => die(Signal::SIGSTOP),
            Some(Fault::CloseOutput) => {
                self.output = File::open("/dev/null").expect("it is always there");
                std::thread::sleep(FOR_EVER);
            }
            Some(Fault::SecondLine) => {
                let second = self.reply(request.id, br#"{"nonce":"second"}"#);
                self.print(&[reply, second].concat())?;
            }
            Some(Fault::LateLine) => self.be_late(request, &reply)?,
            Some(Fault::StaleLine) => {
                let stale = tagged(&self.last_id, br#"{"nonce":"stale"}"#);
                self.print(&stale)?;
                self.print(&reply)?;
            }
        }
        self.last_id = request.id.to_vec();
        Ok(())
    }

    /// What the next request is to find, if that begins before it is read.
    fn go_on(&mut self, request: &Request<'_>) -> Result<(), End> {
        match request.next {
            Some(Fault::DieBeforeReading) => {
                self.wait_for_input();
                Err(End(0))
            }
            Some(_) => {
                self.wait_for_input();
                let early = match self.replies {
                    Replies::Plain => b"{\"nonce\":\"early\"}\n".to_vec(),
                    Replies::Tagged => tagged(&self.last_id, br#"{"nonce":"early"}"#),
                };
                self.print(&early)?;
                if self.replies == Replies::Plain {
                    // Whoever reads at once cannot be told from whoever had read.
                    std::thread::sleep(FOR_EVER);
                }
                Ok(())
            }
            None if self.one_shot => Err(End(0)),
            None => Ok(()),
        }
    }

    fn be_late(&mut self, request: &Request<'_>, reply: &[u8]) -> Result<(), End> {
        self.print(reply)?;
        let late = self.reply(request.id, br#"{"nonce":"late"}"#);
        match self.replies {
            Replies::Plain => {
                let held = gate::wait(&self.gate).map_err(|_| End(8))?;
                self.print(&late)?;
                std::thread::sleep(FOR_EVER);
                drop(held);
            }
            Replies::Tagged => {
                std::thread::sleep(request.late);
                self.print(&late)?;
            }
        }
        Ok(())
    }

    fn reply(&self, id: &[u8], result: &[u8]) -> Vec<u8> {
        match self.replies {
            Replies::Plain => [result, b"\n"].concat(),
            Replies::Tagged => tagged(id, result),
        }
    }

    fn print(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.output.write_all(bytes).map_err(|_| End(7))
    }

    /// Waits until there is something to read, or never will be.
    fn wait_for_input(&self) {
        let mut descriptors = [PollFd::new(self.input.get_ref().as_fd(), PollFlags::POLLIN)];
        while poll(&mut descriptors, PollTimeout::NONE).is_err() {}
    }
}

fn tagged(id: &[u8], result: &[u8]) -> Vec<u8> {
    [br#"{"id":""#, id, br#"","result":"#, result, b"}\n"].concat()
}

/// Ends by a signal.  The first SIGSEGV goes to Rust's own watch for overflowing stacks.
fn die(signal: Signal) -> ! {
    loop {
        raise(signal).expect("a process may signal itself");
    }
}

impl<'a> Request<'a> {
    /// Everything is where this soak's events and protocol 1 have it, so nothing need be parsed.
    fn parse(line: &'a [u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let id = line.strip_prefix(br#"{"id":""#)?.get(..16)?;
        let rest = line.get(23..)?.strip_prefix(br#"","event":"#)?;
        let length = memchr::memmem::find(rest, br#""},"context":{"#)? + 2;
        let event = rest.get(..length)?;
        let late = std::str::from_utf8(word(event, br#""late_us":""#)?).ok()?.parse().ok()?;
        Some(Self {
            id,
            event,
            does: Fault::parse(word(event, br#""does":""#)?),
            next: Fault::parse(word(event, br#""next":""#)?),
            late: Duration::from_micros(late),
        })
    }
}

/// The text behind a name.
fn word<'a>(event: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = event.get(memchr::memmem::find(event, name)? + name.len()..)?;
    rest.get(..memchr::memchr(b'"', rest)?)
}
