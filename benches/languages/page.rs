//! The table in examples/README.md, and its rows on the terminal.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use lambda_stdio::clock::Utc;

use crate::measure::Measured;
use crate::plot;

const PAGE: &str = "examples/README.md";
const PICTURE: &str = "examples/figures.svg";
const BEGIN: &str = "<!-- languages -->\n";
const END: &str = "<!-- /languages -->";

/// Start, round trip, 6 MB, memory and zip, as people read them.
fn figures(of: &Measured) -> [String; 5] {
    let [start, round_trip, largest] = [of.start, of.p50, of.largest].map(time);
    let [memory, zip] = [of.memory, of.zip].map(megabytes);
    [start, round_trip, largest, memory, zip]
}

/// One line for people who watch.
pub(crate) fn row(of: &Measured) -> String {
    let [start, round_trip, largest, memory, zip] = figures(of);
    format!(
        "{:12} start {start:>8}  round trip {round_trip:>8}  6 MB {largest:>8}  memory {memory:>5}  \
         zip {zip:>8}  {}",
        of.name,
        inexact(of)
    )
}

/// Puts the table and the picture where readers see them.
pub(crate) fn write(all: &[Measured]) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let date = Utc::of(SystemTime::now()).slashed().replace('/', "-");
    let below = format!("{date} · {} · everything on one core", machine());
    let save = |name: &str, text: &str| {
        fs::write(root.join(name), text).map_err(|error| format!("{name}: {error}"))
    };
    save(PICTURE, &plot::svg(all, &below))?;
    let page = fs::read_to_string(root.join(PAGE)).map_err(|error| format!("{PAGE}: {error}"))?;
    let parts =
        page.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (head, tail) = parts.ok_or_else(|| format!("{PAGE} has no place for the table"))?;
    save(PAGE, &format!("{head}{BEGIN}{}{END}{tail}", table(all, &below)))
}

fn table(all: &[Measured], below: &str) -> String {
    let mut text = "| language | what it shows | deployed | start | round trip | 6 MB | memory | zip | what does \
                    not come back as it was sent |\n|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for of in all {
        let row = format!(
            "| [{}]({}) | {} | {} | {} | {} |\n",
            of.title,
            of.name,
            of.about,
            of.form,
            figures(of).join(" | "),
            inexact(of)
        );
        text.push_str(&row);
    }
    text + "\n" + below + "; `cargo bench --bench languages`\n"
}

fn inexact(of: &Measured) -> String {
    let value = |(value, verdict): &(String, String)| {
        if verdict == "lossy" { format!("`{value}`") } else { format!("`{value}` ({verdict})") }
    };
    if of.inexact.is_empty() {
        return "–".to_owned();
    }
    of.inexact.iter().map(value).collect::<Vec<_>>().join(", ")
}

/// A time in microseconds, with two or three digits that count.
pub(crate) fn time(us: f64) -> String {
    match us {
        us if us < 1000.0 => format!("{us:.0} µs"),
        us if us < 10_000.0 => format!("{:.1} ms", us / 1000.0),
        us if us < 1_000_000.0 => format!("{:.0} ms", us / 1000.0),
        us => format!("{:.1} s", us / 1_000_000.0),
    }
}

fn megabytes(bytes: f64) -> String {
    let mb = bytes / 1_000_000.0;
    if mb < 10.0 { format!("{mb:.1} MB") } else { format!("{mb:.0} MB") }
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}
