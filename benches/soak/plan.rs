//! What is to happen, one invocation after another, decided by a seed alone.

use std::fmt::Write as _;

use crate::fault::{Fault, Replies, outcome};

/// The size of an event's payload is 2 to the power of 1 at least, and of 20 at most, less one: 2 B to 1 MB.
const OCTAVES: u64 = 19;
/// What payloads are cut out of, anywhere.
const NOISE_BYTES: u64 = 2 << 20;
/// No quote and no backslash, so that any piece of it is a JSON string.
const NOISE: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123{}[]:,/ ";
/// A reply that must be printed with another line in one piece: a pipe takes 4,096 bytes so.
const SMALL_BYTES: u64 = 1_000;
/// Five failures in a row end the runtime, as they should; this many do not, nor are their pauses long.
const FAULTS_IN_A_ROW: u32 = 3;
/// These go well, so that it is known from the start how the handler replies.
const QUIET_AT_FIRST: u64 = 8;

/// Sebastiano Vigna's generator: small, and good enough to choose by.
#[derive(Clone)]
pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    pub(crate) fn any(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.any() % limit
    }

    /// Each order of magnitude as likely as any other; below two to the power of `octaves + 1`.
    fn spread(&mut self, octaves: u64) -> u64 {
        let least = 2 << self.below(octaves);
        least + self.below(least)
    }
}

/// One invocation that is to come.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    nonce: u64,
    pub(crate) fault: Option<Fault>,
    payload_bytes: u64,
    payload_at: u64,
    /// How long a late line waits.
    late_us: u64,
    /// Whether the handler that was given the event before still lives.
    pub(crate) told: bool,
}

/// All the invocations to come, without end.
pub(crate) struct Plan {
    random: SplitMix64,
    noise: Vec<u8>,
    replies: Replies,
    /// The step to be made next: its event is told of in the one before it.
    ahead: Step,
    made: u64,
    in_a_row: u32,
}

impl Plan {
    pub(crate) fn new(seed: u64, replies: Replies) -> Self {
        let mut random = SplitMix64(seed);
        let noise = (0..NOISE_BYTES / 8)
            .flat_map(|_| random.any().to_le_bytes())
            .map(|byte| NOISE[usize::from(byte % 64)])
            .collect();
        let ahead = Step {
            nonce: random.any(),
            fault: None,
            payload_bytes: 2,
            payload_at: 0,
            late_us: 0,
            told: false,
        };
        Self { random, noise, replies, ahead, made: 0, in_a_row: 0 }
    }

    /// The next invocation and its event.
    pub(crate) fn next(&mut self) -> (Step, Vec<u8>) {
        let fault = self.next_fault();
        self.make(fault)
    }

    /// An invocation after which nothing more goes wrong, and its event.
    pub(crate) fn next_quiet(&mut self) -> (Step, Vec<u8>) {
        let (step, event) = self.make(None);
        self.ahead.payload_bytes = self.ahead.payload_bytes.min(SMALL_BYTES);
        (step, event)
    }

    fn make(&mut self, next_fault: Option<Fault>) -> (Step, Vec<u8>) {
        let step = self.ahead;
        let told = outcome(self.replies, step.fault, step.told).lives;
        let mut payload_bytes = self.random.spread(OCTAVES);
        if next_fault == Some(Fault::SecondLine) {
            payload_bytes = payload_bytes.min(SMALL_BYTES);
        }
        self.ahead = Step {
            nonce: self.random.any(),
            fault: next_fault,
            payload_bytes,
            payload_at: self.random.below(NOISE_BYTES - payload_bytes),
            late_us: self.random.spread(11),
            told,
        };
        self.made += 1;
        (step, self.event(&step))
    }

    fn event(&self, step: &Step) -> Vec<u8> {
        let name = |fault: Option<Fault>| fault.map_or("", Fault::name);
        let mut head = step.nonce_member();
        write!(
            head,
            r#","does":"{}","next":"{}","late_us":"{}","payload":""#,
            name(step.fault),
            name(self.ahead.fault.filter(|fault| fault.is_before_reading())),
            step.late_us
        )
        .unwrap();
        let (at, bytes) = (as_index(step.payload_at), as_index(step.payload_bytes));
        let mut event = head.into_bytes();
        event.extend_from_slice(&self.noise[at..at + bytes]);
        event.extend_from_slice(b"\"}");
        event
    }

    /// One in twenty, and what must wait for its deadline only behind an invocation that went well: nothing
    /// of its short time is then spent on starting a handler.
    fn next_fault(&mut self) -> Option<Fault> {
        let wanted = self.random.below(20) == 0;
        let fault = self.any_fault();
        let possible = self.made >= QUIET_AT_FIRST
            && self.in_a_row < FAULTS_IN_A_ROW
            && (self.in_a_row == 0 || !fault.lasts_to_the_deadline());
        self.in_a_row = if wanted && possible { self.in_a_row + 1 } else { 0 };
        (wanted && possible).then_some(fault)
    }

    fn any_fault(&mut self) -> Fault {
        let all =
            || Fault::ALL.into_iter().flat_map(|fault| (0..fault.shares()).map(move |_| fault));
        let chosen = self.random.below(Fault::ALL.into_iter().map(Fault::shares).sum());
        all().nth(as_index(chosen)).expect("it is below the sum of all shares")
    }
}

impl Step {
    /// How every event begins, and no other one like it.
    pub(crate) fn nonce_member(&self) -> String {
        format!(r#"{{"nonce":"{:016x}""#, self.nonce)
    }
}

fn as_index(number: u64) -> usize {
    usize::try_from(number).expect("a few million at most")
}

/// What must be true of the generator.
pub(crate) fn check_generator() {
    // The first numbers of its author's own program.
    let mut random = SplitMix64(1_234_567);
    assert_eq!(random.any(), 6_457_827_717_110_365_317);
    assert_eq!(random.any(), 3_203_168_211_198_807_973);
    assert!((0..1_000).all(|_| (2..1 << 20).contains(&random.spread(OCTAVES))));
    let events = |seed| {
        let mut plan = Plan::new(seed, Replies::Plain);
        (0..200).map(|_| plan.next().1).collect::<Vec<_>>()
    };
    let first = events(1);
    assert_eq!(first, events(1), "a seed decides everything");
    assert_ne!(first, events(2));
}
