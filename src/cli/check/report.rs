//! What was found, for people and as one object for programs.

use std::time::Duration;

use serde::Serialize;

use super::figures::Figures;
use super::finding::{Code, Finding};
use super::judge::values::{self, Fidelity};
use super::scenario::{Grade, Scenario};
use super::tape::{Answer, Moment, Tape};
use crate::cli::ui::{self, Style, Ui};

/// The object.  Its shape is part of the command's interface.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The program and its arguments.
    pub program: Vec<String>,
    /// Its language, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// One row for each scenario.
    pub checks: Vec<Row>,
    /// What it costs.
    pub figures: Figures,
    /// What is wrong, the gravest first.
    pub findings: Vec<Finding>,
    /// The exit code of the call.
    pub exit_code: u8,
}

/// What became of one scenario.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its name.
    pub scenario: &'static str,
    /// How grave it is.
    pub grade: Grade,
    /// What a good handler does in it.
    pub title: String,
    /// What became of it.
    pub verdict: Verdict,
    /// What was seen, in values.
    pub seen: String,
    /// What was found in it.
    pub codes: Vec<&'static str>,
}

/// What became of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// It is told, and nothing more.
    Told,
    /// Something could be better.
    Warning,
    /// It went wrong.
    Failed,
    /// A value came back changed.
    Lossy,
    /// A value was answered with an error.
    Refused,
    /// A value ended the handler, or left it silent.
    Fatal,
    /// The handler's replies do not have what it was sent.
    Unknown,
    /// It was not played, since the handler answers nothing.
    NotPlayed,
}

impl Verdict {
    /// After the gravest finding.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        match findings.iter().map(|finding| finding.grade).min() {
            Some(Grade::Must) => Self::Failed,
            Some(Grade::Should) => Self::Warning,
            Some(Grade::Note) | None => Self::Ok,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Told => "",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Lossy => "lossy",
            Self::Refused => "refused",
            Self::Fatal => "fatal",
            Self::Unknown => "unknown",
            Self::NotPlayed => "not played",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Ok => Style::Out,
            Self::Warning | Self::Lossy | Self::Refused | Self::Fatal => Style::Warning,
            Self::Failed => Style::Error,
            Self::Told | Self::Unknown | Self::NotPlayed => Style::Dim,
        }
    }
}

impl Row {
    /// The row of a scenario that was played.
    #[must_use]
    pub fn played(scenario: &Scenario, tape: &Tape, findings: &[Finding]) -> Self {
        Self {
            scenario: scenario.name,
            grade: scenario.grade,
            title: scenario.title.clone(),
            verdict: Verdict::of(findings),
            seen: seen(tape),
            codes: findings.iter().map(|finding| finding.code.id()).collect(),
        }
    }

    /// The rows of a scenario that sends values: one for each, or one for all where nothing can be told.
    #[must_use]
    pub fn values(scenario: &Scenario, tape: &Tape) -> Vec<Self> {
        let fidelities = values::fidelities(tape);
        if fidelities.iter().all(|(_, fidelity)| *fidelity == Fidelity::Unknown) {
            let seen = "cannot be told: no reply has what was sent as echo (see --event)";
            let verdict = Verdict::Unknown;
            return vec![Self { verdict, seen: seen.to_owned(), ..Self::not_played(scenario) }];
        }
        let rows = fidelities.into_iter().map(|(value, fidelity)| {
            let code = values::code(scenario, &fidelity);
            let (verdict, seen) = match fidelity {
                Fidelity::Exact => (Verdict::Ok, "exact".to_owned()),
                Fidelity::Lossy(back) => (Verdict::Lossy, back),
                Fidelity::Refused(why) => (Verdict::Refused, why),
                Fidelity::Fatal(how) => (Verdict::Fatal, how),
                Fidelity::Unknown => (Verdict::Unknown, String::new()),
            };
            let title = format!("{}: {}", scenario.title, values::in_short(&value));
            let codes = code.map(Code::id).into_iter().collect();
            Self { scenario: scenario.name, grade: scenario.grade, title, verdict, seen, codes }
        });
        rows.collect()
    }

    /// The row of one that was not.
    #[must_use]
    pub fn not_played(scenario: &Scenario) -> Self {
        Self {
            scenario: scenario.name,
            grade: scenario.grade,
            title: scenario.title.clone(),
            verdict: Verdict::NotPlayed,
            seen: String::new(),
            codes: Vec::new(),
        }
    }
}

/// How many replies came and how long the middle and the longest of them took, or what was seen instead.
fn seen(tape: &Tape) -> String {
    let mut took = Vec::new();
    let mut largest = 0;
    let mut logged = None;
    let mut ends = Vec::new();
    for moment in &tape.moments {
        match moment {
            Moment::Exchange(exchange) if matches!(exchange.answer, Answer::Reply(_)) => {
                took.push(exchange.took);
                largest = largest.max(exchange.event_bytes);
                if exchange.logs_after.is_some() {
                    logged = logged.max(Some(exchange.logged));
                }
            }
            Moment::Ending(ending) => {
                ends.push(ending.how.as_deref().unwrap_or("it runs on"));
            }
            Moment::Exchange(_)
            | Moment::Started(_)
            | Moment::BadLine(_)
            | Moment::Idle(_)
            | Moment::Memory { .. } => {}
        }
    }
    took.sort_unstable();
    if !ends.is_empty() {
        return ends.join(", ");
    }
    let (Some(middle), Some(longest)) = (took.get(took.len() / 2), took.last()) else {
        return "no reply".to_owned();
    };
    if largest > 4096 {
        let of_logs = logged.map(|bytes| format!(", with {} KB of logs", bytes / 1024));
        let of_logs = of_logs.unwrap_or_default();
        return format!("up to {largest} bytes, in {}{of_logs}", span(*longest));
    }
    match took.len() {
        1 => format!("1 reply, in {}", span(*longest)),
        count => format!("{count} replies, p50 {}, at most {}", span(*middle), span(*longest)),
    }
}

/// A time in the unit that suits it.
#[must_use]
pub(super) fn span(duration: Duration) -> String {
    let us = duration.as_micros();
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..100_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{} ms", us / 1_000),
    }
}

impl Report {
    /// The table, on standard output, and the findings behind it, each with what to do.
    ///
    /// # Errors
    /// Where standard output takes nothing.
    pub fn show(&self, ui: Ui) -> anyhow::Result<()> {
        let width = self.checks.iter().map(|row| row.title.chars().count()).max().unwrap_or(0);
        let mut table = String::new();
        for row in &self.checks {
            let verdict = ui.paint(row.verdict.style(), &format!("{:<10}", row.verdict.word()));
            let grade = row.grade.word();
            let line = format!(
                "{grade:<6}  {:<width$}  {verdict}  {}",
                row.title,
                ui::printable(&row.seen)
            );
            table.push_str(line.trim_end());
            table.push('\n');
        }
        ui::print(table.as_bytes())?;
        for finding in &self.findings {
            let (style, word) = match finding.grade {
                Grade::Must => (Style::Error, "error"),
                Grade::Should => (Style::Warning, "warning"),
                Grade::Note => (Style::Dim, "note"),
            };
            let head = ui.paint(style, &format!("{word}[{}]:", finding.code.id()));
            let message = ui::printable(&finding.message);
            ui.line(format!("{head} {}: {message}", finding.scenario).as_bytes());
            ui.hint(&ui::printable(&finding.advice));
        }
        Ok(())
    }

    /// The object and a line end.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn print(&self) -> anyhow::Result<()> {
        let mut object = serde_json::to_vec(self)?;
        object.push(b'\n');
        ui::print(&object)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_suits_them() {
        for (us, shown) in [(0, "0 µs"), (999, "999 µs"), (1_250, "1.2 ms"), (350_000, "350 ms")]
        {
            assert_eq!(span(Duration::from_micros(us)), shown);
        }
    }
}
