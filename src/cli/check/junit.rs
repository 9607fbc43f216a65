//! The rows as a `JUnit` file, which CI systems show: a must that fails is a failure, all else is told.

use std::fmt::Write as _;

use super::finding::Finding;
use super::report::{Report, Row, Verdict};

/// The file's text.
#[must_use]
pub fn text(report: &Report) -> String {
    let failures = report.checks.iter().filter(|row| row.verdict == Verdict::Failed).count();
    let skipped = report.checks.iter().filter(|row| row.verdict == Verdict::NotPlayed).count();
    let name = escaped(&format!("lambda-stdio check {}", report.program.join(" ")));
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests = report.checks.len();
    put(
        &mut text,
        &format!(
            "<testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\">"
        ),
    );
    for row in &report.checks {
        case(&mut text, row, &report.findings);
    }
    put(&mut text, "</testsuite>");
    text
}

fn case(text: &mut String, row: &Row, findings: &[Finding]) {
    let (class, name) = (row.grade.word(), escaped(&row.title));
    put(text, &format!("  <testcase classname=\"{class}\" name=\"{name}\">"));
    let of_row = |finding: &&Finding| row.codes.contains(&finding.code.id());
    let told: Vec<String> = findings
        .iter()
        .filter(of_row)
        .map(|it| format!("{}: {}\n{}", it.code.id(), it.message, it.advice))
        .collect();
    let told = escaped(&told.join("\n"));
    match row.verdict {
        Verdict::Failed => {
            let codes = row.codes.join(", ");
            put(text, &format!("    <failure message=\"{codes}\">{told}</failure>"));
        }
        Verdict::NotPlayed => put(text, "    <skipped/>"),
        Verdict::Ok
        | Verdict::Told
        | Verdict::Warning
        | Verdict::Lossy
        | Verdict::Refused
        | Verdict::Fatal
        | Verdict::Unknown => {
            let seen = escaped(&row.seen);
            put(text, &format!("    <system-out>{seen}\n{told}</system-out>"));
        }
    }
    put(text, "  </testcase>");
}

fn put(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("a String takes every character");
}

/// A text as XML has it; what XML 1.0 cannot hold is shown as it would be in quotes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(character.escape_unicode()),
            _ if character.is_control() => escaped.extend(character.escape_default()),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_handler_prints_breaks_the_file() {
        assert_eq!(escaped("<a b=\"&\">\u{0}\r\n"), "&lt;a b=&quot;&amp;&quot;&gt;\\u{0}\\r\n");
        assert_eq!(escaped("\u{ffff}"), "\\u{ffff}");
    }
}
