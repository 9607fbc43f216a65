//! The figures as Markdown, which a terminal shows as well as a page does.

use crate::contender::Contender;
use crate::event::Size;
use crate::measure::Seen;

/// One table for each size that was measured.
pub(crate) fn latencies(seen: &Seen, sizes: &[Size]) -> String {
    let mut text = String::new();
    for size in sizes {
        let head = ["", "p50, µs", "p90, µs", "p99, µs", "a second", "to the floor", "least–most"]
            .map(str::to_owned);
        let mut rows = vec![vec![format!("**{}**", size.name())]];
        rows[0].extend(head.into_iter().skip(1));
        let Some(floor) = seen.series(Contender::Floor, *size) else { continue };
        for contender in &seen.contenders {
            let Some(series) = seen.series(*contender, *size) else { continue };
            let ratio = series.ratio(floor);
            rows.push(vec![
                contender.name().to_owned(),
                number(series.percentile(50.0)),
                number(series.percentile(90.0)),
                number(series.percentile(99.0)),
                number(series.throughput()),
                format!("{:.2}", ratio.median),
                format!("{:.2}–{:.2}", ratio.least, ratio.most),
            ]);
        }
        text.push_str(&markdown(&rows));
        text.push('\n');
    }
    text
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
