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

/// One line for people who watch.
pub(crate) fn row(of: &Measured) -> String {
    format!(
        "{:12} start {:>8}  round trip {:>8}  6 MB {:>8}  memory {:>5}  zip {:>8}  {}",
        of.name,
        time(of.start),
        time(of.p50),
        time(of.largest),
        megabytes(of.memory),
        megabytes(of.zip),
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
            "| [{}]({}) | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            of.title,
            of.name,
            of.about,
            of.form,
            time(of.start),
            time(of.p50),
            time(of.largest),
            megabytes(of.memory),
            megabytes(of.zip),
            inexact(of)
        );
        text.push_str(&row);
    }
    text + "\n" + below + "; `cargo bench --bench languages`\n"
}

fn inexact(of: &Measured) -> String {
    let value = |(value, verdict): &(String, String)| {
        // The nested value is long, and known by its brackets.
        let value = if value.starts_with("[[") { "1,000 levels" } else { value };
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
