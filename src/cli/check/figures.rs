//! What a handler costs: figures from the tapes, which are told and judge nothing.

use std::time::Duration;

use serde::Serialize;

use super::report::{Row, Verdict, span};
use super::scenario::Grade;
use super::tape::{Answer, Moment, Tape};

/// The largest event is told of from here on.
const LARGEST_BYTES: usize = 6_000_000;

/// The figures; none of what was not seen.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// From the first start to readiness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_us: Option<u64>,
    /// The middle round trip of a small event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_p50_us: Option<u64>,
    /// The round trip that one in a hundred exceeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round_trip_p99_us: Option<u64>,
    /// The round trip of an event of 6 MB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest_us: Option<u64>,
    /// What it held after its small events, its children included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// What its program is and needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linkage: Option<String>,
}

impl Figures {
    /// The figures on these tapes.
    #[must_use]
    pub fn of(tapes: &[Option<Tape>], linkage: Option<String>) -> Self {
        let mut figures = Self { linkage, ..Self::default() };
        let mut took = Vec::new();
        for moment in tapes.iter().flatten().flat_map(|tape| &tape.moments) {
            match moment {
                Moment::Started(started) if figures.start_us.is_none() => {
                    figures.start_us = started.ready_after.map(micros);
                }
                Moment::Exchange(exchange) if matches!(exchange.answer, Answer::Reply(_)) => {
                    if exchange.event_bytes > LARGEST_BYTES {
                        figures.largest_us = Some(micros(exchange.took));
                    } else if figures.memory_bytes.is_none() {
                        took.push(micros(exchange.took));
                    }
                }
                Moment::Memory { after, .. } => {
                    figures.memory_bytes = figures.memory_bytes.or(Some(*after));
                }
                Moment::Started(_)
                | Moment::Exchange(_)
                | Moment::BadLine(_)
                | Moment::Idle(_)
                | Moment::Ending(_) => {}
            }
        }
        took.sort_unstable();
        figures.round_trip_p50_us = took.get(took.len() / 2).copied();
        figures.round_trip_p99_us =
            took.get((took.len() * 99).div_ceil(100).saturating_sub(1)).copied();
        figures
    }

    /// A row for each.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let time = |us: u64| span(Duration::from_micros(us));
        let round_trip = self.round_trip_p50_us.zip(self.round_trip_p99_us);
        let figures = [
            ("from its start until it is ready", self.start_us.map(time)),
            (
                "round trip of a small event",
                round_trip.map(|(p50, p99)| format!("p50 {}, p99 {}", time(p50), time(p99))),
            ),
            ("round trip of 6 MB", self.largest_us.map(time)),
            ("memory", self.memory_bytes.map(|bytes| format!("{} KB", bytes / 1024))),
            ("linkage", self.linkage.clone()),
        ];
        let rows = figures.into_iter().filter_map(|(title, seen)| {
            Some(Row {
                scenario: "figures",
                grade: Grade::Note,
                title: title.to_owned(),
                verdict: Verdict::Told,
                seen: seen?,
                codes: Vec::new(),
            })
        });
        rows.collect()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
