//! Lambda's side, scripted: an HTTP server of its own with header strings of its own, so that a slip in
//! the shared constants is caught.  It records everything it is asked, with the time.

mod server;

use std::collections::VecDeque;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::{Answer, Delivery, PATIENCE};

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
    /// Whole answers, for posts to come.
    post_answers: VecDeque<Delivery>,
    /// After how many bytes of its body the connection of a post to come is closed.
    cuts: VecDeque<usize>,
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
                std::thread::spawn(move || server::serve(stream.unwrap(), &shared));
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

    /// A post to come is answered with these bytes, as an event in raw bytes would be.
    pub(crate) fn answer_a_post_with(&self, answer: Delivery) {
        self.shared.0.lock().unwrap().post_answers.push_back(answer);
    }

    /// A post to come is taken, and its connection closed without an answer.
    pub(crate) fn cut_after_a_post(&self) {
        self.refuse_a_post_with(CUT);
    }

    /// A post to come is read up to this byte of its body, and its connection then closed.
    pub(crate) fn cut_inside_a_post(&self, bytes: usize) {
        self.shared.0.lock().unwrap().cuts.push_back(bytes);
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
