//! The latencies as a picture: a panel for each size, a row for each contender, on a scale of factors.

use std::fmt::Write as _;

use crate::contender::Contender;
use crate::event::Size;
use crate::histogram::Scale;
use crate::measure::Seen;
use crate::table::number;

// In the picture's own units, of which a page shows about one a pixel.
const WIDTH: f64 = 880.0;
const LEFT: f64 = 258.0;
const RIGHT: f64 = 168.0;
const HEAD: f64 = 84.0;
const ROW: f64 = 24.0;
const PANEL_HEAD: f64 = 34.0;
const PANEL_FOOT: f64 = 44.0;

/// Its colours stand on white and on black alike; words and lines follow what the reader prefers.
const STYLE: &str = "\
text{font:13px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#24292f}\
.title{font-size:17px;font-weight:600}.size{font-weight:600}.small{font-size:12px;fill:#57606a}\
.ours{font-weight:600}.grid{stroke:#d0d7de}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9aa4af}.grid{stroke:#3d444d}}";

/// One contender in a panel.
struct Row {
    contender: Contender,
    p50: f64,
    p90: f64,
    p99: f64,
    ratio: f64,
}

pub(crate) fn svg(seen: &Seen, sizes: &[Size], below: &str) -> String {
    let panels: Vec<(Size, Vec<Row>)> = sizes
        .iter()
        .map(|size| (*size, rows(seen, *size)))
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let height: f64 = panels.iter().map(|(_, rows)| panel_height(rows)).sum::<f64>() + HEAD + 30.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"Latency of an invocation, p50 to p99, for each runtime and \
         size of event\">\n<style>{STYLE}</style>\n"
    );
    text(&mut svg, 16.0, 28.0, "title", "Latency of an invocation, everybody on one core");
    legend(&mut svg);
    let mut top = HEAD;
    for (size, rows) in &panels {
        panel(&mut svg, *size, rows, top);
        top += panel_height(rows);
    }
    text(&mut svg, 16.0, height - 14.0, "small", below);
    svg + "</svg>\n"
}

fn rows(seen: &Seen, size: Size) -> Vec<Row> {
    let row = |contender: &Contender| {
        let series = seen.series(*contender, size)?;
        Some(Row {
            contender: *contender,
            p50: series.percentile(50.0),
            p90: series.percentile(90.0),
            p99: series.percentile(99.0),
            ratio: series.ratio(seen.series(Contender::Floor, size)?).median,
        })
    };
    seen.contenders.iter().filter_map(row).collect()
}

fn panel_height(rows: &[Row]) -> f64 {
    PANEL_HEAD + ROW * rows.len() as f64 + PANEL_FOOT
}

fn legend(svg: &mut String) {
    let y = 54.0;
    let colour = Contender::Ours.colour();
    range(svg, colour, y - 4.0, [20.0, 80.0, 150.0]);
    let words = "p50, the thick line to p90, the thin one to p99; from the event's first byte to its response's last";
    text(svg, 164.0, y, "small", words);
}

fn panel(svg: &mut String, size: Size, rows: &[Row], top: f64) {
    let least = rows.iter().map(|row| row.p50).fold(f64::INFINITY, f64::min);
    let most = rows.iter().map(|row| row.p99).fold(least, f64::max);
    let scale = Scale::around(least / 1.1, most);
    let x = |value| LEFT + scale.place(value) * (WIDTH - LEFT - RIGHT);
    let bottom = top + PANEL_HEAD + ROW * rows.len() as f64;

    text(svg, 16.0, top + 20.0, "size", &format!("events of {}", size.name()));
    for mark in scale.marks() {
        let (x, from) = (x(mark), top + PANEL_HEAD - 6.0);
        writeln!(svg, "<path class=\"grid\" d=\"M{x:.1} {from:.1}V{bottom:.1}\"/>")
            .expect("a string takes it");
        anchored(svg, x, bottom + 16.0, "small", "middle", &time(mark));
    }
    let (values, ratios) = (WIDTH - RIGHT + 84.0, WIDTH - 16.0);
    anchored(svg, values, top + 20.0, "small", "end", "p50");
    anchored(svg, ratios, top + 20.0, "small", "end", "× floor");
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    anchored(svg, middle, bottom + 32.0, "small", "middle", "logarithmic scale");
    for (index, row) in rows.iter().enumerate() {
        let y = top + PANEL_HEAD + ROW * (index as f64 + 0.5);
        let class = if row.contender == Contender::Ours { "ours" } else { "name" };
        anchored(svg, LEFT - 14.0, y + 4.5, class, "end", row.contender.name());
        range(svg, row.contender.colour(), y, [x(row.p50), x(row.p90), x(row.p99)]);
        anchored(svg, values, y + 4.5, class, "end", &time(row.p50));
        anchored(svg, ratios, y + 4.5, class, "end", &number(row.ratio));
    }
}

fn range(svg: &mut String, colour: &str, y: f64, [p50, p90, p99]: [f64; 3]) {
    writeln!(
        svg,
        "<g stroke=\"{colour}\" fill=\"{colour}\"><path stroke-width=\"2\" d=\"M{p50:.1} {y:.1}H{p99:.1}m0 -4v8\"/>\
         <path stroke-width=\"7\" d=\"M{p50:.1} {y:.1}H{p90:.1}\"/>\
         <circle stroke=\"none\" cx=\"{p50:.1}\" cy=\"{y:.1}\" r=\"5\"/></g>"
    )
    .expect("a string takes it");
}

fn text(svg: &mut String, x: f64, y: f64, class: &str, words: &str) {
    anchored(svg, x, y, class, "start", words);
}

fn anchored(svg: &mut String, x: f64, y: f64, class: &str, anchor: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(
        svg,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
    )
    .expect("a string takes it");
}

/// Microseconds in the unit that a person would say.
pub(crate) fn time(us: f64) -> String {
    let (value, unit) = match us {
        us if us < 1e3 => (us, "µs"),
        us if us < 1e6 => (us / 1e3, "ms"),
        us => (us / 1e6, "s"),
    };
    let mut digits = number(value);
    if digits.contains('.') {
        digits.truncate(digits.trim_end_matches('0').trim_end_matches('.').len());
    }
    format!("{digits} {unit}")
}

/// A bench has no tests that are run beside it, so this is looked at before it starts.
pub(crate) fn check() {
    for (us, words) in
        [(20.0, "20 µs"), (57.94, "57.9 µs"), (440.4, "440 µs"), (8_758.0, "8.76 ms"), (2e6, "2 s")]
    {
        assert_eq!(time(us), words);
    }
    let mut svg = String::new();
    text(&mut svg, 1.0, 2.0, "small", "a & b < c");
    assert!(svg.contains(">a &amp; b &lt; c<"), "{svg}");
}
