//! Lambda's side, scripted: an HTTP server of its own with header strings of its own, so that a slip in
//! the shared constants is caught.  It records everything it is asked, with the time.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::PATIENCE;

/// What `next` is answered with.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) event: Vec<u8>,
    pub(crate) request_id: String,
    /// The time until the deadline; none leaves the header out.
    pub(crate) timeout: Option<Duration>,
    /// Further headers, as `Name: value`.
    pub(crate) headers: Vec<String>,
    /// Instead of all that: these very bytes, after which the connection is closed.
    pub(crate) raw: Option<Vec<u8>>,
}

impl Delivery {
    /// An event with three seconds until its deadline.
    pub(crate) fn new(event: impl Into<Vec<u8>>) -> Self {
        Self {
            event: event.into(),
            request_id: String::new(),
            timeout: Some(Duration::from_secs(3)),
            headers: Vec::new(),
            raw: None,
        }
    }

    pub(crate) fn timeout_ms(mut self, ms: u64) -> Self {
        self.timeout = Some(Duration::from_millis(ms));
        self
    }

    pub(crate) fn header(mut self, line: &str) -> Self {
        self.headers.push(line.to_owned());
        self
    }

    pub(crate) fn without_deadline(mut self) -> Self {
        self.timeout = None;
        self
    }

    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { raw: Some(bytes.into()), ..Self::new("") }
    }

    fn response(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Lambda-Runtime-Aws-Request-Id: {}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-west-1:123456789012:function:f\r\n",
            self.event.len(),
            self.request_id
        );
        if let Some(timeout) = self.timeout {
            let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + timeout;
            write!(head, "Lambda-Runtime-Deadline-Ms: {}\r\n", deadline.as_millis()).unwrap();
        }
        for header in &self.headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.event);
        bytes
    }
}

/// What the bridge posted.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// `response`, `error` or `init error`.
    pub(crate) kind: &'static str,
    /// The request id in the path, as it stood there; empty for an init error.
    pub(crate) request_id: String,
    pub(crate) body: Vec<u8>,
    /// Header names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) at: Instant,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let wanted = name.to_ascii_lowercase();
        self.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str())
    }

    /// Asserts that this is a response of exactly these bytes.
    #[track_caller]
    pub(crate) fn is_response(&self, bytes: &str) {
        assert_eq!((self.kind, self.text().as_str()), ("response", bytes));
    }

    /// Asserts that this is an error of this type, in body and header; its message.
    #[track_caller]
    pub(crate) fn is_error(&self, error_type: &str) -> String {
        assert_ne!(self.kind, "response", "{}", self.text());
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body["errorType"], error_type, "{body}");
        assert_eq!(self.header("Lambda-Runtime-Function-Error-Type"), Some(error_type));
        body["errorMessage"].as_str().unwrap().to_owned()
    }
}

/// Instead of a status: the connection is closed, or stays silent.
const CUT: u16 = 0;
const SWALLOWED: u16 = 1;

/// How many `next`s are remembered before they are all forgotten: the soak asks a million times.
const REMEMBERED: usize = 10_000;

#[derive(Default)]
struct State {
    deliveries: VecDeque<Delivery>,
    answers: VecDeque<Answer>,
    /// When each `next` came.
    nexts: Vec<Instant>,
    /// The request heads of all `next`s, as they came.
    next_heads: Vec<String>,
    /// Whether a `next` waits for an event.
    waiting: bool,
    /// Statuses for the posts to come; 202 where there is none.
    statuses: VecDeque<u16>,
    deliveries_made: u32,
    ended: bool,
}

/// The Runtime API.
pub(crate) struct Lambda {
    pub(crate) address: String,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Lambda {
    pub(crate) fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    /// At an address of its own, where nobody listens yet.
    pub(crate) fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let shared: Arc<(Mutex<State>, Condvar)> = Arc::default();
        let theirs = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if theirs.0.lock().unwrap().ended {
                    return;
                }
                let shared = theirs.clone();
                std::thread::spawn(move || serve(stream.unwrap(), &shared));
            }
        });
        Self { address, shared }
    }

    /// Queues an event; its request id is `r-1`, `r-2` and so on, unless it has one.
    pub(crate) fn deliver(&self, mut delivery: Delivery) {
        let mut state = self.shared.0.lock().unwrap();
        state.deliveries_made += 1;
        if delivery.request_id.is_empty() {
            delivery.request_id = format!("r-{}", state.deliveries_made);
        }
        state.deliveries.push_back(delivery);
        self.shared.1.notify_all();
    }

    /// The next thing the bridge posts.
    #[track_caller]
    pub(crate) fn answer(&self) -> Answer {
        self.answer_within(PATIENCE).expect("the bridge posts something")
    }

    /// The next thing the bridge posts, if it does in this time.
    pub(crate) fn answer_within(&self, patience: Duration) -> Option<Answer> {
        self.within(patience, |state| state.answers.pop_front())
    }

    /// What the bridge posted already.
    pub(crate) fn answers_now(&self) -> Vec<Answer> {
        self.shared.0.lock().unwrap().answers.drain(..).collect()
    }

    /// Delivers an event and waits for its answer.
    #[track_caller]
    pub(crate) fn invoke(&self, delivery: Delivery) -> Answer {
        self.deliver(delivery);
        self.answer()
    }

    /// Delivers an event of this JSON and waits for its answer.
    #[track_caller]
    pub(crate) fn event(&self, json: &str) -> Answer {
        self.invoke(Delivery::new(json))
    }

    /// Waits until the bridge asks for an event and there is none: it is idle.
    #[track_caller]
    pub(crate) fn idle(&self) {
        self.until("the bridge waits for an event", |state| state.waiting.then_some(()));
    }

    /// When each `next` came.
    pub(crate) fn nexts(&self) -> Vec<Instant> {
        self.shared.0.lock().unwrap().nexts.clone()
    }

    /// The request heads of all `next`s.
    pub(crate) fn next_heads(&self) -> Vec<String> {
        self.shared.0.lock().unwrap().next_heads.clone()
    }

    /// The status of a post to come; those after it get 202 again.
    pub(crate) fn refuse_a_post_with(&self, status: u16) {
        self.shared.0.lock().unwrap().statuses.push_back(status);
    }

    /// A post to come is taken, and its connection closed without an answer.
    pub(crate) fn cut_after_a_post(&self) {
        self.refuse_a_post_with(CUT);
    }

    /// A post to come is taken and never answered.
    pub(crate) fn swallow_a_post(&self) {
        self.refuse_a_post_with(SWALLOWED);
    }

    #[track_caller]
    fn until<T>(&self, what: &str, look: impl FnMut(&mut State) -> Option<T>) -> T {
        self.within(PATIENCE, look).unwrap_or_else(|| panic!("never happened: {what}"))
    }

    fn within<T>(
        &self,
        patience: Duration,
        mut look: impl FnMut(&mut State) -> Option<T>,
    ) -> Option<T> {
        let until = Instant::now() + patience;
        let mut state = self.shared.0.lock().unwrap();
        loop {
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            state = self.shared.1.wait_timeout(state, left).unwrap().0;
        }
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        if let Ok(mut state) = self.shared.0.lock() {
            state.ended = true;
        }
        self.shared.1.notify_all();
        drop(TcpStream::connect(&self.address));
    }
}

/// One connection: requests one after another, until it ends.
fn serve(stream: TcpStream, shared: &(Mutex<State>, Condvar)) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some((head, body)) = read_request(&mut reader) {
        let at = Instant::now();
        let first = head.lines().next().unwrap_or_default().to_owned();
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        if first.starts_with("GET ") && path.ends_with("/2018-06-01/runtime/invocation/next") {
            let Some(delivery) = wait_for_delivery(shared, head, at) else { return };
            if writer.write_all(&delivery.response()).is_err() {
                return;
            }
            if delivery.raw.is_some() {
                drop(writer.shutdown(Shutdown::Both));
                return;
            }
        } else {
            let status = record_answer(shared, &path, &head, body, at);
            if status == CUT {
                drop(writer.shutdown(Shutdown::Both));
                return;
            }
            if status == SWALLOWED {
                continue;
            }
            let text =
                if status == 202 { "{\"status\":\"OK\"}\n" } else { "{\"errorType\":\"X\"}" };
            let response =
                format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{text}", text.len());
            if writer.write_all(response.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn wait_for_delivery(
    shared: &(Mutex<State>, Condvar),
    head: String,
    at: Instant,
) -> Option<Delivery> {
    let mut state = shared.0.lock().unwrap();
    if state.nexts.len() == REMEMBERED {
        state.nexts.clear();
        state.next_heads.clear();
    }
    state.nexts.push(at);
    state.next_heads.push(head);
    state.waiting = state.deliveries.is_empty();
    shared.1.notify_all();
    loop {
        if state.ended {
            return None;
        }
        if let Some(delivery) = state.deliveries.pop_front() {
            state.waiting = false;
            return Some(delivery);
        }
        state = shared.1.wait(state).unwrap();
    }
}

fn record_answer(
    shared: &(Mutex<State>, Condvar),
    path: &str,
    head: &str,
    body: Vec<u8>,
    at: Instant,
) -> u16 {
    let mut parts = path.rsplit('/');
    let (last, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (kind, request_id) = match (last, path.ends_with("/2018-06-01/runtime/init/error")) {
        (_, true) => ("init error", ""),
        ("response", false) => ("response", id),
        ("error", false) => ("error", id),
        _ => panic!("unknown path {path}"),
    };
    let headers = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut state = shared.0.lock().unwrap();
    state.answers.push_back(Answer { kind, request_id: request_id.to_owned(), body, headers, at });
    shared.1.notify_all();
    state.statuses.pop_front().unwrap_or(202)
}

/// The head of a request, without its last empty line, and its body.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}
