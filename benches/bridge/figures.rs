//! The figures that the project must reach, each with its bar and its verdict.

use crate::contender::Contender;
use crate::event::Size;
use crate::measure::Seen;
use crate::table::{markdown, number};

/// A figure, and the most it may be.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) bar: f64,
    pub(crate) unit: &'static str,
}

impl Figure {
    pub(crate) fn is_reached(&self) -> bool {
        self.value <= self.bar
    }
}

/// All that can be judged by what was measured.
pub(crate) fn figures(seen: &Seen) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut add = |name: String, value: f64, bar: f64, unit| {
        figures.push(Figure { name, value, bar, unit });
    };
    let ratio = |size| {
        let floor = seen.series(Contender::Floor, size)?;
        Some(seen.series(Contender::Ours, size)?.ratio(floor).median)
    };
    for (size, bar) in [(Size::Small, 1.4), (Size::File, 1.5), (Size::Large, 1.5)] {
        if let Some(value) = ratio(size) {
            add(format!("{} at p50, times the floor", size.name()), value, bar, "");
        }
    }
    for peer in Contender::IN_PROCESS {
        let of = |contender| Some(seen.series(contender, Size::Small)?.percentile(50.0));
        if let (Some(ours), Some(theirs)) = (of(Contender::Ours), of(peer)) {
            let name = format!("200 B at p50, beside {}", peer.name());
            add(name, ours, theirs, "µs");
        }
    }
    let Some(resources) = seen.resources(Contender::Ours) else { return figures };
    add("start to first `next`".to_owned(), resources.start_ms(50.0), 3.0, "ms");
    let mb = |kib: u64| kib as f64 * 1_024.0 / 1e6;
    if let Some(resident) = resources.resident_kib {
        add("memory before the first event".to_owned(), mb(resident), 3.0, "MB");
        if let Some(peak) = resources.peak_kib {
            let event = Size::Large.bytes() as f64 / 1e6;
            let name = "memory over 6 MB events, times the event above that".to_owned();
            add(name, (mb(peak) - mb(resident)) / event, 2.2, "");
        }
    }
    if let Some(calls) = resources.calls {
        // To a tenth: a wait that is interrupted makes one more, once in the run.
        let calls = (calls * 10.0).round() / 10.0;
        add("system calls of an invocation of 200 B".to_owned(), calls, 10.0, "");
    }
    figures
}

pub(crate) fn table(figures: &[Figure]) -> String {
    let head = ["what our bootstrap must reach", "is", "at most", "verdict"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for figure in figures {
        let with_unit = |value| format!("{} {}", number(value), figure.unit).trim_end().to_owned();
        rows.push(vec![
            figure.name.clone(),
            with_unit(figure.value),
            with_unit(figure.bar),
            if figure.is_reached() { "reached" } else { "missed" }.to_owned(),
        ]);
    }
    markdown(&rows)
}

/// A bench has no tests that are run beside it, so this is looked at before it starts.
pub(crate) fn check() {
    let figure = |value| Figure { name: "time".to_owned(), value, bar: 1.4, unit: "" };
    for (value, reached) in [(1.39, true), (1.4, true), (1.41, false), (f64::NAN, false)] {
        assert_eq!(figure(value).is_reached(), reached, "{value}");
    }
}
