//! What a handler may do wrong, and what its caller is to get: a table, decided without doing anything.

/// How the handler replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replies {
    Tagged,
    Plain,
}

/// What a handler does wrong with one invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ends when the request has come, without having read a byte of it.
    DieBeforeReading,
    DieAfterReading,
    DieInReply,
    ExitAfterReply,
    SegvAfterReply,
    KillAfterReply,
    /// It does nothing until its deadline.
    Hang,
    /// It stops itself by a signal until its deadline.
    Stop,
    CloseOutput,
    /// It prints a second line right behind its reply.
    SecondLine,
    /// It prints another line some time after its reply.
    LateLine,
    /// Before its reply it prints a line with the id of an earlier delivery.
    StaleLine,
    /// It prints a reply when the request has come, without having read a byte of it.
    EarlyReply,
}

/// What the caller gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Its own event, byte for byte.
    OwnReply,
    /// An error of this type.
    Error(&'static str),
}

/// What a fault comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) caller: Expected,
    /// Whether a handler that has read this event lives on, so that it can be told what to do next.
    pub(crate) lives: bool,
}

/// The one table: what comes of each fault.
///
/// A handler learns what to do before it reads an event from the event before it.  Where that one's handler
/// is gone (`told` is false), a fresh one reads the event and serves it as any other.
pub(crate) fn outcome(replies: Replies, fault: Option<Fault>, told: bool) -> Outcome {
    let good = Outcome { caller: Expected::OwnReply, lives: true };
    let dies = Outcome { caller: Expected::OwnReply, lives: false };
    let fails = |error_type| Outcome { caller: Expected::Error(error_type), lives: false };
    let plain = replies == Replies::Plain;
    match fault {
        Some(Fault::DieAfterReading) => fails("Runtime.HandlerExited"),
        Some(Fault::DieInReply) => fails("Runtime.TruncatedReply"),
        Some(Fault::ExitAfterReply | Fault::SegvAfterReply | Fault::KillAfterReply) => dies,
        Some(Fault::Hang | Fault::Stop) => fails("Runtime.HandlerTimeout"),
        Some(Fault::CloseOutput) => fails("Runtime.HandlerClosedOutput"),
        Some(Fault::SecondLine) if plain => fails("Runtime.ProtocolError"),
        // The reply is taken, and the line comes while no reply is awaited: out of step.
        Some(Fault::LateLine) if plain => dies,
        Some(Fault::EarlyReply) if plain && told => fails("Runtime.ProtocolError"),
        // What nobody had read goes to a second handler; a line with the id of another delivery is dropped;
        // and where replies are tagged no other line can be taken for one.
        None
        | Some(
            Fault::DieBeforeReading
            | Fault::StaleLine
            | Fault::SecondLine
            | Fault::LateLine
            | Fault::EarlyReply,
        ) => good,
    }
}

impl Replies {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tagged => "tagged",
            Self::Plain => "plain",
        }
    }

    pub(crate) fn parse(word: &str) -> Result<Self, String> {
        [Self::Tagged, Self::Plain]
            .into_iter()
            .find(|replies| replies.name() == word)
            .ok_or_else(|| format!("replies are tagged or plain, not {word:?}"))
    }
}

impl Fault {
    pub(crate) const ALL: [Self; 13] = [
        Self::DieBeforeReading,
        Self::DieAfterReading,
        Self::DieInReply,
        Self::ExitAfterReply,
        Self::SegvAfterReply,
        Self::KillAfterReply,
        Self::Hang,
        Self::Stop,
        Self::CloseOutput,
        Self::SecondLine,
        Self::LateLine,
        Self::StaleLine,
        Self::EarlyReply,
    ];

    /// The word for it in an event and in the table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DieBeforeReading => "die-before-reading",
            Self::DieAfterReading => "die-after-reading",
            Self::DieInReply => "die-in-reply",
            Self::ExitAfterReply => "exit-after-reply",
            Self::SegvAfterReply => "segv-after-reply",
            Self::KillAfterReply => "kill-after-reply",
            Self::Hang => "hang",
            Self::Stop => "stop",
            Self::CloseOutput => "close-output",
            Self::SecondLine => "second-line",
            Self::LateLine => "late-line",
            Self::StaleLine => "stale-line",
            Self::EarlyReply => "early-reply",
        }
    }

    pub(crate) fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name().as_bytes() == word)
    }

    /// Whether it is done before the event is read, so that the event before it has to say so.
    pub(crate) fn is_before_reading(self) -> bool {
        matches!(self, Self::DieBeforeReading | Self::EarlyReply)
    }

    /// Whether its caller waits until the deadline, which therefore is a short one.
    pub(crate) fn lasts_to_the_deadline(self) -> bool {
        matches!(self, Self::Hang | Self::Stop)
    }

    /// How often it comes, in shares: those that only wait are less frequent, for the sake of time.
    pub(crate) fn shares(self) -> u64 {
        match (self.lasts_to_the_deadline(), self == Self::CloseOutput) {
            (true, _) => 1,
            (false, true) => 2,
            (false, false) => 4,
        }
    }
}

/// What must be true of the table.
pub(crate) fn check_table() {
    for fault in Fault::ALL {
        assert_eq!(Fault::parse(fault.name().as_bytes()), Some(fault));
        for replies in [Replies::Tagged, Replies::Plain] {
            for told in [false, true] {
                let Outcome { caller, lives } = outcome(replies, Some(fault), told);
                let error = matches!(caller, Expected::Error(_));
                assert!(!(error && lives), "{fault:?}: whoever fails its caller is replaced");
                assert!(
                    told || !fault.is_before_reading() || !error,
                    "{fault:?}: who was not told does nothing wrong"
                );
            }
        }
    }
    let error = |replies, fault, told| match outcome(replies, Some(fault), told).caller {
        Expected::OwnReply => "",
        Expected::Error(error_type) => error_type,
    };
    assert_eq!(error(Replies::Tagged, Fault::EarlyReply, true), "");
    assert_eq!(error(Replies::Plain, Fault::EarlyReply, true), "Runtime.ProtocolError");
    assert_eq!(error(Replies::Plain, Fault::EarlyReply, false), "");
    assert_eq!(error(Replies::Plain, Fault::DieInReply, true), "Runtime.TruncatedReply");
    assert_eq!(outcome(Replies::Plain, None, true).caller, Expected::OwnReply);
    assert!(!outcome(Replies::Plain, Some(Fault::LateLine), true).lives);
    assert!(outcome(Replies::Tagged, Some(Fault::LateLine), true).lives);
}
