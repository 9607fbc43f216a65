//! A runtime's side of the Runtime API, by hand: raw sockets and header strings of the tests' own, so that
//! a slip in the strings that client and emulator share is seen.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use lambda_stdio::cli::emulator::desk::{Delivery, Desk};
use lambda_stdio::cli::emulator::server::RuntimeApi;
use lambda_stdio::cli::emulator::{Answer, ErrorReport};
use tokio::sync::oneshot;

/// No step of these stories takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(45);

/// An emulated Runtime API with nobody behind it but the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) desk: Arc<Desk>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let (stop, stopped) = oneshot::channel();
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            executor().block_on(async {
                let api = RuntimeApi::bind().await.expect("a port");
                sender.send((api.address(), Arc::clone(api.desk()))).expect("the test waits");
                drop(stopped.await);
            });
        });
        let (address, desk) = receiver.recv_timeout(PATIENCE).expect("the server starts");
        Self { address, desk, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn submit(&self, request_id: &str, event: &'static str) {
        self.desk.submit(Delivery {
            request_id: request_id.to_owned(),
            deadline_ms: 1_795_230_245_678,
            function_arn: "arn:aws:lambda:us-east-1:012345678912:function:f".to_owned(),
            event: event.into(),
            ..Delivery::default()
        });
    }

    /// The answer that the front door sees.
    pub(crate) fn answer(&self) -> Answer {
        executor().block_on(async {
            tokio::time::timeout(PATIENCE, self.desk.answered()).await.expect("an answer")
        })
    }

    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        Client { stream, held: Vec::new() }
    }

    /// A client whose event, under this id, waits to be answered; with it the delivery's own id.
    pub(crate) fn running(&self, request_id: &str) -> (Client, String) {
        self.submit(request_id, "{}");
        let mut client = self.connect();
        let reply = client.next();
        assert_eq!(reply.status, 200);
        let invocation_id = reply.header("lambda-runtime-invocation-id").expect("sent").to_owned();
        (client, invocation_id)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ended well");
        }
    }
}

fn executor() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event queue")
}

/// One connection of a runtime.
pub(crate) struct Client {
    stream: TcpStream,
    held: Vec<u8>,
}

impl Client {
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Sends what the server may refuse before it has read all of it.
    pub(crate) fn send_what_is_taken(&mut self, bytes: &[u8]) {
        drop(self.stream.write_all(bytes));
    }

    pub(crate) fn next(&mut self) -> Reply {
        self.get("/2018-06-01/runtime/invocation/next")
    }

    pub(crate) fn get(&mut self, path: &str) -> Reply {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
        self.reply()
    }

    pub(crate) fn post(&mut self, path: &str, headers: &str, body: &str) -> Reply {
        let length = body.len();
        self.send(
            format!(
                "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        );
        self.reply()
    }

    pub(crate) fn respond(&mut self, request_id: &str, headers: &str, body: &str) -> Reply {
        let path = format!("/2018-06-01/runtime/invocation/{request_id}/response");
        self.post(&path, headers, body)
    }

    pub(crate) fn fail(&mut self, request_id: &str, headers: &str, body: &str) -> Reply {
        let path = format!("/2018-06-01/runtime/invocation/{request_id}/error");
        self.post(&path, headers, body)
    }

    pub(crate) fn hang_up(self) {
        drop(self);
    }

    /// The next reply on this connection.
    pub(crate) fn reply(&mut self) -> Reply {
        let end = loop {
            match self.held.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end,
                None => {
                    assert!(self.read_more() > 0, "the server hung up in a head: {:?}", self.held);
                }
            }
        };
        let mut rest = self.held.split_off(end);
        let head = String::from_utf8(std::mem::take(&mut self.held)).expect("a head in ASCII");
        self.held = rest.split_off(4);
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut reply = Reply { status: status.expect("a status"), headers, body: String::new() };
        let length =
            reply.header("content-length").map_or(0, |text| text.parse().expect("a number"));
        while self.held.len() < length {
            assert!(self.read_more() > 0, "the server hung up in a body");
        }
        let rest = self.held.split_off(length);
        reply.body = String::from_utf8(std::mem::replace(&mut self.held, rest)).expect("UTF-8");
        reply
    }

    /// Whether the server has closed the connection; waits until it says either.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.read_more() == 0
    }

    fn read_more(&mut self) -> usize {
        let mut chunk = vec![0; 64 * 1024];
        // A reset is a close that overtook our own bytes.
        let read = self.stream.read(&mut chunk).unwrap_or(0);
        chunk.truncate(read);
        self.held.append(&mut chunk);
        read
    }
}

/// What the server said.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Status, error type and message in one line.
    pub(crate) fn refusal(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).expect("JSON");
        let text =
            |name: &str| body.get(name).and_then(|text| text.as_str()).unwrap_or("?").to_owned();
        format!("{} {}: {}", self.status, text("errorType"), text("errorMessage"))
    }
}

/// How the refusal of a wrong state begins.
pub(crate) const WRONG_STATE: &str = "403 InvalidStateTransition: State transition from";

pub(crate) fn error_of(answer: &Answer) -> &ErrorReport {
    match answer {
        Answer::Error(report) => report,
        Answer::Response(response) => panic!("a response: {response:?}"),
    }
}

pub(crate) fn text_of(answer: &Answer) -> String {
    match answer {
        Answer::Response(response) => String::from_utf8_lossy(&response.body).into_owned(),
        Answer::Error(report) => panic!("an error: {report:?}"),
    }
}

pub(crate) fn check_accepted(reply: &Reply) {
    assert_eq!((reply.status, reply.body.as_str()), (202, "{\"status\":\"OK\"}\n"));
}
