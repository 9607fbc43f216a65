//! The documents that show the figures: the page of results, its picture, and the README's part.

use std::fs;

use lambda_stdio::clock::Utc;

use crate::contender::Contender;
use crate::event::Size;
use crate::figures::{self, Figure};
use crate::measure::Seen;
use crate::plot::{self, time};
use crate::programs::{root, run};
use crate::table::{self, markdown, number};

const BEGIN: &str = "<!-- bench -->\n";
const END: &str = "<!-- /bench -->";

pub(crate) fn write(
    seen: &Seen,
    sizes: &[Size],
    figures: &[Figure],
    command: &str,
) -> Result<(), String> {
    let date = today();
    let machine = crate::kernel::machine();
    let below = format!("{date} · {machine} · an echo in C behind the floor and lambda-stdio");
    save("benches/bridge/results.svg", &plot::svg(seen, sizes, &below))?;

    let page = format!(
        "# The bridge beside its floor and its peers\n\n\
         Written by `{command}` on {date}, commit {}; {machine}.\n\n\
         Everybody is on one core, Lambda's side too, and has its turn in each of several rounds; the latency is from \
         the event's first byte to the response's last.\n\
         \"To the floor\" is the median of the rounds' own ratios, and beside it the least and the most of them.\n\n\
         * The **hand-written floor** is `benches/floor/floor.c`: one connection, one read and one write a hop, no checks.\n\
         * **lambda-stdio** is the `bootstrap` as it is deployed; behind it and behind the floor is the same echo, \
         `benches/floor/echo.c`.\n\
         * AWS's own runtimes, **lambda_runtime** (Rust) and **awslambdaric** (Python), answer in a function of theirs, without a process behind them: `tests/peers`.\n\
         The first is there twice: on one thread and with the event unparsed, as lean as it can be, and with tokio's \
         threads, as its documentation starts it.\n\
         * **A C program for each event** is the floor starting the echo anew each time; most languages start slower.\n\n\
         ![Latency, p50 to p99](results.svg)\n\n{}{}\n{}",
        commit(),
        table::latencies(seen, sizes),
        table::resources(seen),
        figures::table(figures),
    );
    save("benches/bridge/RESULTS.md", &page)?;

    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).map_err(|error| format!("README.md: {error}"))?;
    let part = format!(
        "![Latency of an invocation, p50 to p99](benches/bridge/results.svg)\n\n{}\n\
         Measured on {date} ({machine}) by `{command}`; all of it is in \
         [`benches/bridge/RESULTS.md`](benches/bridge/RESULTS.md).\n",
        summary(seen, sizes)
    );
    save("README.md", &between(&readme, &part)?)
}

/// What somebody who chooses wants to know.
fn summary(seen: &Seen, sizes: &[Size]) -> String {
    let mut head = vec!["at p50".to_owned()];
    head.extend(sizes.iter().map(|size| size.name().to_owned()));
    let resources = !seen.resources.is_empty();
    if resources {
        head.push("to first `next`".to_owned());
        head.push("memory".to_owned());
    }
    let mut rows = vec![head];
    for contender in &seen.contenders {
        let mut row = vec![contender.name().to_owned()];
        for size in sizes {
            let series = seen.series(*contender, *size);
            row.push(series.map_or("–".to_owned(), |series| time(series.percentile(50.0))));
        }
        if let Some(resources) = seen.resources(*contender) {
            row.push(time(resources.start_ms(50.0) * 1e3));
            let mb = |kib: u64| format!("{} MB", number(kib as f64 * 1_024.0 / 1e6));
            row.push(resources.resident_kib.map_or("–".to_owned(), mb));
        }
        if *contender == Contender::Ours {
            row = row.iter().map(|cell| format!("**{cell}**")).collect();
        }
        rows.push(row);
    }
    markdown(&rows)
}

/// The text with what stands between the two marks replaced.
fn between(text: &str, part: &str) -> Result<String, String> {
    let missing = || format!("README.md has no {} … {END}", BEGIN.trim());
    let (before, rest) = text.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}{part}{END}{after}"))
}

fn save(name: &str, text: &str) -> Result<(), String> {
    fs::write(root().join(name), text).map_err(|error| format!("{name}: {error}"))
}

fn today() -> String {
    let now = Utc::of(std::time::SystemTime::now()).iso();
    now.split('T').next().unwrap_or_default().to_owned()
}

fn commit() -> String {
    let git = |words: &[&str]| {
        run(std::process::Command::new("git").current_dir(root()).args(words)).unwrap_or_default()
    };
    let commit = git(&["rev-parse", "--short=10", "HEAD"]);
    // The documents themselves are written here, and change nothing that was measured.
    let changed = git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "src",
        "benches/floor",
        "Cargo.lock",
    ]);
    let with = if changed.trim().is_empty() { "" } else { " with changes" };
    match commit.trim() {
        "" => "unknown".to_owned(),
        commit => format!("{commit}{with}"),
    }
}

/// A bench has no tests that are run beside it, so this is looked at before it starts.
pub(crate) fn check() {
    let text = format!("a\n{BEGIN}old\n{END}\nb");
    assert_eq!(between(&text, "new\n"), Ok(format!("a\n{BEGIN}new\n{END}\nb")));
    assert!(between("nothing", "new").is_err());
}
