//! What is played: the scenarios of `protocol/scenarios`, read, and the events that they send.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

/// How grave it is when a scenario goes wrong.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Deserialize,
    serde::Serialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// Callers would get wrong answers, or none.
    Must,
    /// It works, until something unusual comes.
    Should,
    /// It is told.
    Note,
}

impl Grade {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Note => "note",
        }
    }
}

/// One scenario, as `protocol/README.md` describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The name of its file.
    #[serde(skip)]
    pub name: &'static str,
    /// What a good handler does in it.
    pub title: String,
    /// How grave it is when it does not.
    pub grade: Grade,
    /// The clauses of `protocol/SPEC.md` that say so.
    pub clauses: Vec<String>,
    /// Whether a handler that has ended, or was ended, is started again for what follows.
    #[serde(default)]
    pub goes_on: bool,
    /// Variables of the handler's, beside those it always has.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Whether it is played to see what becomes of values.
    #[must_use]
    pub fn is_about_values(&self) -> bool {
        let has_value =
            |step: &Step| matches!(step, Step::Request(request) if request.value.is_some());
        !self.is_about_bad_lines() && self.steps.iter().any(has_value)
    }

    /// Whether its logs are read late.
    #[must_use]
    pub fn is_about_logs(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::Request(request) if request.logs_after_ms.is_some()))
    }

    /// Whether it has lines that are no requests.
    #[must_use]
    pub fn is_about_bad_lines(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::BadLine(_)))
    }
}

/// One step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// A request is sent and its reply waited for.
    Request(Request),
    /// A line is sent that is no request.
    BadLine(BadLine),
    /// Nothing is sent, and nothing should come.
    Quiet(Quiet),
    /// The handler's input is closed.
    EndInput(Nothing),
    /// It is sent SIGTERM.
    Terminate(Nothing),
    /// Its output is closed, and a request sent.
    CloseOutput(Nothing),
    /// It is stopped, as Lambda freezes it, and goes on after a while.
    Stop(Quiet),
}

/// What is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// The event as JSON in a text; none stands for the given one.
    pub event: Option<String>,
    /// A value, as JSON in a text, that takes the given event's place for one.
    pub value: Option<String>,
    /// The given event is made so long, or the event's `$text`.
    pub bytes: Option<usize>,
    /// Standard error is read only after so long, or after the reply.
    pub logs_after_ms: Option<u64>,
    /// When it has to be answered; none is when Lambda would say.
    pub deadline: Option<When>,
    /// How often at most; none is once.
    pub times: Option<u32>,
    /// Whether that is stopped after a while.
    pub within_ms: Option<u64>,
}

/// A line that is no request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BadLine {
    /// The line; none is a request that breaks off in its event.
    pub text: Option<String>,
    /// How long is waited, at least, for what comes of it.
    pub ms: u64,
}

/// A deadline that is not as usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// An hour ago.
    Past,
    /// In a year.
    Far,
    /// There is none.
    Absent,
}

/// A pause.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// How long.
    pub ms: u64,
}

/// A step without members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// All of them, in the order in which they are played.
const FILES: [(&str, &str); 14] = [
    ("one-by-one", include_str!("../../../protocol/scenarios/one-by-one.json")),
    ("nothing-unasked", include_str!("../../../protocol/scenarios/nothing-unasked.json")),
    ("end-of-input", include_str!("../../../protocol/scenarios/end-of-input.json")),
    ("largest-event", include_str!("../../../protocol/scenarios/largest-event.json")),
    ("errors", include_str!("../../../protocol/scenarios/errors.json")),
    ("bad-line", include_str!("../../../protocol/scenarios/bad-line.json")),
    ("deadlines", include_str!("../../../protocol/scenarios/deadlines.json")),
    ("logs", include_str!("../../../protocol/scenarios/logs.json")),
    ("terminated", include_str!("../../../protocol/scenarios/terminated.json")),
    ("output-closed", include_str!("../../../protocol/scenarios/output-closed.json")),
    ("stopped", include_str!("../../../protocol/scenarios/stopped.json")),
    ("values", include_str!("../../../protocol/scenarios/values.json")),
    ("locale", include_str!("../../../protocol/scenarios/locale.json")),
    ("key-order", include_str!("../../../protocol/scenarios/key-order.json")),
];

/// Their names.
#[must_use]
pub fn names() -> [&'static str; FILES.len()] {
    FILES.map(|(name, _)| name)
}

/// The scenarios.
///
/// # Errors
/// When one of the files is no scenario, which a test rules out.
pub fn all() -> anyhow::Result<Vec<Scenario>> {
    let read = |(name, text): (&'static str, &str)| {
        let scenario: Scenario = serde_json::from_str(text)
            .with_context(|| format!("protocol/scenarios/{name}.json is no scenario"))?;
        Ok(Scenario { name, ..scenario })
    };
    FILES.into_iter().map(read).collect()
}

/// The event that is sent where a scenario has none of its own.
#[derive(Debug)]
pub struct Given(String);

/// Where values are put that are looked for in the replies.
const PLACE: &str = "\"$value\"";
/// Where a scenario's own event has a long text.
const TEXT: &str = "$text";
/// The given event where nobody gave one.
const USUAL: &str = r#"{"name":"Ada","echo":"lambda-stdio"}"#;

impl Given {
    /// An event of the user's, or the usual one.
    ///
    /// # Errors
    /// When it is not one JSON value.
    pub fn new(text: Option<&str>) -> anyhow::Result<Self> {
        let text = text.unwrap_or(USUAL);
        let value = crate::json::one_value(text.as_bytes())
            .with_context(|| format!("the event {text:?} is no event"))?;
        Ok(Self(value.get().to_owned()))
    }

    /// The event of a request.
    #[must_use]
    pub fn event(&self, request: &Request) -> String {
        match (&request.event, &request.value, request.bytes) {
            (Some(event), _, Some(bytes)) => with_text(event, bytes),
            (Some(event), _, None) => event.clone(),
            (None, Some(value), _) => self.with(value),
            (None, None, Some(bytes)) => self.of_bytes(bytes),
            (None, None, None) => self.0.clone(),
        }
    }

    /// The event with a value: where it has "$value", else as its member `echo`, else in its place.
    fn with(&self, value: &str) -> String {
        let mut place = self.0.find(PLACE).map(|at| at..at + PLACE.len());
        let object = self.0.as_bytes();
        let read = crate::json::each_member(object, |name, raw| {
            if name == "echo" && place.is_none() {
                place = Some(crate::json::range_in(object, raw.get()));
            }
        });
        if let Some(place) = place {
            let mut event = self.0.clone();
            event.replace_range(place, value);
            return event;
        }
        match self.0.strip_prefix('{').map(str::trim_start).filter(|_| read.is_ok()) {
            Some("}") => format!("{{\"echo\":{value}}}"),
            Some(members) => format!("{{\"echo\":{value},{members}"),
            None => value.to_owned(),
        }
    }

    /// The event with a long text where values have their place: a handler that echoes it is to send it back.
    fn of_bytes(&self, bytes: usize) -> String {
        let text = bytes.saturating_sub(self.with("\"\"").len());
        self.with(&format!("\"{}\"", "x".repeat(text)))
    }
}

/// An event whose `$text` is as long as makes the event so long.
fn with_text(event: &str, bytes: usize) -> String {
    let length = bytes.saturating_sub(event.len() - TEXT.len());
    event.replacen(TEXT, &"x".repeat(length), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_scenario_and_every_scenario_a_file() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/protocol/scenarios");
        let names = std::fs::read_dir(folder)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
        let mut names: Vec<String> = names.collect();
        let scenarios = all().expect("scenarios");
        let mut played: Vec<String> =
            scenarios.iter().map(|scenario| format!("{}.json", scenario.name)).collect();
        names.sort();
        played.sort();
        assert_eq!(names, played);
        let spec = include_str!("../../../protocol/SPEC.md");
        for scenario in &scenarios {
            assert!(!scenario.clauses.is_empty(), "{}", scenario.name);
            for clause in &scenario.clauses {
                assert!(spec.contains(&format!("\n**{clause}** ")), "{clause}");
            }
        }
    }

    #[test]
    fn a_value_has_its_place_in_the_event() {
        for (given, event) in [
            (None, r#"{"name":"Ada","echo":1e400}"#),
            (Some("{}"), r#"{"echo":1e400}"#),
            (Some(r#"{ "a":1 }"#), r#"{"echo":1e400,"a":1 }"#),
            (Some(r#"{"a":["$value"],"echo":2}"#), r#"{"a":[1e400],"echo":2}"#),
            (Some("7"), "1e400"),
        ] {
            assert_eq!(Given::new(given).expect("an event").with("1e400"), event);
        }
    }

    #[test]
    fn an_event_is_made_exactly_so_long_and_stays_one_value() {
        for given in [None, Some("{}"), Some(" { \"a\" : 1 } "), Some("[1]"), Some("7")] {
            let given = Given::new(given).expect("an event");
            let request = Request { bytes: Some(6_291_556), ..Request::default() };
            let event = given.event(&request);
            assert_eq!(event.len(), 6_291_556);
            assert!(crate::json::one_value(event.as_bytes()).is_ok());
        }
        assert!(Given::new(Some("{} {}")).is_err());
        let event = Some(r#"{"fail":"$text"}"#.to_owned());
        let request = Request { event, bytes: Some(20), ..Request::default() };
        let given = Given::new(None).expect("an event");
        assert_eq!(given.event(&request), r#"{"fail":"xxxxxxxxx"}"#);
    }
}
