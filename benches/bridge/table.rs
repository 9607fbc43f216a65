//! The figures as Markdown, which a terminal shows as well as a page does.

use crate::contender::Contender;
use crate::event::Size;
use crate::measure::Seen;
use crate::statistics::median;

/// One table for each size that was measured.
pub(crate) fn latencies(seen: &Seen, sizes: &[Size]) -> String {
    let mut text = String::new();
    for size in sizes {
        let mut rows = vec![row(&[
            &format!("**{}**", size.name()),
            "p50, µs",
            "p90, µs",
            "p99, µs",
            "p50 to the floor",
            "least–most",
            "a second",
            "CPU, µs",
            "…with its program",
        ])];
        let Some(floor) = seen.series(Contender::Floor, *size) else { continue };
        for contender in &seen.contenders {
            let Some(series) = seen.series(*contender, *size) else { continue };
            let ratio = series.ratio(floor);
            rows.push(vec![
                contender.name().to_owned(),
                number(series.percentile(50.0)),
                number(series.percentile(90.0)),
                number(series.percentile(99.0)),
                number(ratio.median),
                format!("{}–{}", number(ratio.least), number(ratio.most)),
                number(series.throughput()),
                number(median(&series.own_cpu)),
                number(median(&series.tree_cpu)),
            ]);
        }
        text.push_str(&markdown(&rows));
        text.push('\n');
    }
    text
}

/// What each needs besides time.
pub(crate) fn resources(seen: &Seen) -> String {
    let mut rows = vec![row(&[
        "",
        "start to first `next`, ms",
        "p90, ms",
        "system calls of 200 B",
        "…with its program",
        "memory before any event, KB",
        "at most over 6 MB, KB",
    ])];
    let or_not = |value: Option<f64>| number(value.unwrap_or(f64::NAN));
    let kb = |kib: Option<u64>| or_not(kib.map(|kib| kib as f64 * 1.024));
    for contender in &seen.contenders {
        let Some(resources) = seen.resources(*contender) else { continue };
        rows.push(vec![
            contender.name().to_owned(),
            number(resources.start_ms(50.0)),
            number(resources.start_ms(90.0)),
            or_not(resources.calls),
            or_not(resources.calls_tree),
            kb(resources.resident_kib),
            kb(resources.peak_kib),
        ]);
    }
    if rows.len() == 1 { String::new() } else { markdown(&rows) }
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// Rows of cells, the first the head; all but the first column are figures and stand to the right.
pub(crate) fn markdown(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |cell: &dyn Fn(usize, usize) -> String| {
        let cells: Vec<String> =
            widths.iter().enumerate().map(|(column, width)| cell(column, *width)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        text.push_str(&line(&|column, width| {
            let cell = row.get(column).map(String::as_str).unwrap_or_default();
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        }));
        if index == 0 {
            text.push_str(&line(&|column, width| match column {
                0 => "-".repeat(width),
                _ => format!("{}:", "-".repeat(width - 1)),
            }));
        }
    }
    text
}

/// Three digits that mean something, and a comma at each thousand.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let digits = match value.abs() {
        less if less < 10.0 => 2,
        less if less < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// A bench has no tests that are run beside it, so this is looked at before it starts.
pub(crate) fn check() {
    for (value, text) in
        [(1.234, "1.23"), (20.83, "20.8"), (123.4, "123"), (12_345.6, "12,346"), (f64::NAN, "–")]
    {
        assert_eq!(number(value), text);
    }
    let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["wide".to_owned(), "1".to_owned()]];
    assert_eq!(markdown(&rows), "| a    |   b |\n| ---- | --: |\n| wide |   1 |\n");
}
