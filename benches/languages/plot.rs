//! The figures as a picture: a panel each for start, round trip and 6 MB, a bar for each language, on a scale of
//! factors, since the fastest and the slowest are a thousand times apart.

use std::fmt::Write as _;

use crate::measure::Measured;
use crate::page::time;

// In the picture's own units, of which a page shows about one a pixel.
const WIDTH: f64 = 880.0;
const LEFT: f64 = 110.0;
const PANEL: f64 = 250.0;
const BAR: f64 = 150.0;
const HEAD: f64 = 70.0;
const ROW: f64 = 22.0;

/// Its colours stand on white and on black alike; words follow what the reader prefers.
const STYLE: &str = "\
text{font:13px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#24292f}\
.title{font-size:17px;font-weight:600}.panel{font-weight:600}.small{font-size:12px;fill:#57606a}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9aa4af}}";

type Figure = fn(&Measured) -> f64;

const PANELS: [(&str, &str, Figure); 3] = [
    ("start", "#2f81f7", |of| of.start),
    ("round trip", "#2da44e", |of| of.p50),
    ("6 MB and back", "#bf8700", |of| of.largest),
];

pub(crate) fn svg(all: &[Measured], below: &str) -> String {
    let mut rows: Vec<&Measured> = all.iter().collect();
    rows.sort_by(|one, other| one.start.total_cmp(&other.start));
    let height = HEAD + ROW * rows.len() as f64 + 34.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"Start, round trip and 6 MB of each language's example\">\n\
         <style>{STYLE}</style>\n"
    );
    text(&mut svg, 16.0, 28.0, "title", "What each language's handler takes, without Lambda");
    for (index, of) in rows.iter().enumerate() {
        text(&mut svg, 16.0, HEAD + ROW * (index as f64 + 0.7), "row", &of.title);
    }
    for (index, (name, colour, figure)) in PANELS.into_iter().enumerate() {
        panel(&mut svg, LEFT + PANEL * index as f64, name, colour, &rows, figure);
    }
    text(
        &mut svg,
        16.0,
        height - 12.0,
        "small",
        &format!("shorter is better, on scales of factors; {below}"),
    );
    svg + "</svg>\n"
}

fn panel(
    svg: &mut String,
    left: f64,
    name: &str,
    colour: &str,
    rows: &[&Measured],
    figure: Figure,
) {
    text(svg, left, HEAD - 12.0, "panel", name);
    let values = || rows.iter().map(|of| figure(of));
    let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(1.0, f64::max));
    // The fastest has a bar, too.
    let low = low / 2.0;
    for (index, value) in values().enumerate() {
        let top = HEAD + ROW * index as f64;
        let width = BAR * (value / low).ln() / (high / low).ln();
        // A text cannot be refused by a string.
        writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{:.0}\" width=\"{width:.1}\" height=\"14\" rx=\"2\" fill=\"{colour}\"/>",
            top + 3.0
        )
        .ok();
        text(svg, left + width + 6.0, top + ROW * 0.7, "small", &time(value));
    }
}

fn text(svg: &mut String, x: f64, y: f64, class: &str, words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{words}</text>").ok();
}
