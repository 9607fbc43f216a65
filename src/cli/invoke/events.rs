//! Where events come from: a flag, a file, standard input, or lines of either, one event a line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper::body::Bytes;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::cli::ui::Ui;
use crate::runtime_api::wire::MAX_PAYLOAD_BYTES;

/// The event where none is given.
const EMPTY: &[u8] = b"{}";
/// What standard input is called.
const STDIN: &str = "standard input";
/// How much of an event that is none is quoted.
const QUOTED_CHARS: usize = 60;
/// How long piped input may stay silent before we say what we wait for, and before we stop waiting.
const SILENCE_TOLD: Duration = Duration::from_secs(2);
const SILENCE_ENDED: Duration = Duration::from_mins(1);
/// So many lines are read ahead.
const READ_AHEAD: usize = 2;

/// The events of one call.
#[derive(Debug)]
pub enum Events {
    /// One, or none once it is taken.
    One(Option<Bytes>),
    /// The lines of a file or of standard input, as they come.
    Lines(mpsc::Receiver<anyhow::Result<Bytes>>),
}

impl Events {
    /// The event of `-d`, of standard input if something is piped, the default that is given, or `{}`.
    ///
    /// # Errors
    /// For what cannot be read, is too long or is not JSON.
    pub fn one(data: Option<&str>, default: Option<&str>, ui: Ui) -> anyhow::Result<Self> {
        let piped = match data {
            Some("@-") => Some(read_limited(io::stdin().lock(), STDIN)?),
            None if !io::stdin().is_terminal() => {
                await_input(ui)?;
                Some(read_limited(io::stdin().lock(), STDIN)?)
            }
            Some(_) | None => None,
        };
        let piped = piped.filter(|event| !event.trim_ascii().is_empty());
        let given = data.filter(|data| *data != "@-");
        let (event, source) = match (piped, given, default) {
            (Some(event), _, _) => (event, STDIN),
            (None, Some(given), _) => from_text(given, "-d")?,
            (None, None, Some(default)) => from_text(default, "the project")?,
            (None, None, None) => (EMPTY.to_vec(), STDIN),
        };
        let event = if event.trim_ascii().is_empty() { EMPTY.to_vec() } else { event };
        if let Err(error) = check(&event) {
            // The commonest slip: a file's name where @ was meant.
            if let Some(path) = data.filter(|data| Path::new(data).is_file()) {
                bail!("the event of -d is not JSON but the name of a file; -d @{path} reads it");
            }
            return Err(error.context(format!("the event of {source} is not JSON")));
        }
        Ok(Self::One(Some(Bytes::from(event))))
    }

    /// The lines of a file, or of standard input for `-`.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub fn lines(path: &Path) -> anyhow::Result<Self> {
        let is_stdin = path == Path::new("-");
        let name = if is_stdin { STDIN.to_owned() } else { path.display().to_string() };
        let source: Box<dyn BufRead + Send> = if is_stdin {
            Box::new(BufReader::new(io::stdin()))
        } else {
            if path.is_dir() {
                bail!("{name} is a directory; --events takes a file of JSON lines");
            }
            let file = File::open(path).with_context(|| format!("could not open {name}"))?;
            Box::new(BufReader::new(file))
        };
        let (lines, receiver) = mpsc::channel(READ_AHEAD);
        // A thread, since files and pipes are read the same way only when reading may block.  It ends with
        // its source, or with the process.
        std::thread::spawn(move || send_lines(source, &name, &lines));
        Ok(Self::Lines(receiver))
    }

    /// The next event; none at the end.
    ///
    /// # Errors
    /// For a line that cannot be read, is too long or is not JSON.
    pub async fn next(&mut self) -> anyhow::Result<Option<Bytes>> {
        match self {
            Self::One(event) => Ok(event.take()),
            Self::Lines(lines) => lines.recv().await.transpose(),
        }
    }
}

/// An event as text, or of the file that the text names, and what to call it.
fn from_text<'a>(text: &'a str, name: &'a str) -> anyhow::Result<(Vec<u8>, &'a str)> {
    Ok(match text.strip_prefix('@') {
        Some(path) => (read_file(Path::new(path))?, path),
        None => (text.as_bytes().to_owned(), name),
    })
}

/// One event that stands on a command line: JSON, or `@FILE`.
///
/// # Errors
/// For what cannot be read, is too long or is not JSON.
pub fn read(data: &str) -> anyhow::Result<Vec<u8>> {
    let (event, _) = from_text(data, "")?;
    check(&event).context("the event is not JSON")?;
    Ok(event)
}

fn send_lines(mut source: impl BufRead, name: &str, lines: &mpsc::Sender<anyhow::Result<Bytes>>) {
    for number in 1_u64.. {
        let event = match read_line(&mut source) {
            Ok(Some(line)) if line.trim_ascii().is_empty() => continue,
            Ok(Some(line)) => check(&line).map(|()| Bytes::from(line)),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let event = event.with_context(|| format!("line {number} of {name} is no event"));
        let is_last = event.is_err();
        // A closed channel: the session has ended.
        if lines.blocking_send(event).is_err() || is_last {
            return;
        }
    }
}

fn read_line(source: &mut impl BufRead) -> anyhow::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let limit = MAX_PAYLOAD_BYTES as u64 + 2;
    source.by_ref().take(limit).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    line.truncate(line.trim_ascii_end().len());
    within_limit(&line)?;
    Ok(Some(line))
}

/// Waits until standard input has something, or has ended; says so when it takes long.
fn await_input(ui: Ui) -> anyhow::Result<()> {
    if !is_silent(SILENCE_TOLD)? {
        return Ok(());
    }
    ui.hint("waiting for the event on standard input; give it with -d, or </dev/null for {}");
    if is_silent(SILENCE_ENDED)? {
        bail!(
            "nothing came on standard input for {} s; give the event with -d, or </dev/null for {{}}",
            (SILENCE_TOLD + SILENCE_ENDED).as_secs()
        );
    }
    Ok(())
}

fn is_silent(time: Duration) -> anyhow::Result<bool> {
    let stdin = io::stdin();
    let mut descriptors = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(time).context("a minute is a time that poll can wait")?;
    let ready = poll(&mut descriptors, timeout).context("could not wait for standard input")?;
    Ok(ready == 0)
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = path.display().to_string();
    let file =
        File::open(path).with_context(|| format!("could not open the event's file {name}"))?;
    read_limited(file, &name)
}

fn read_limited(source: impl Read, name: &str) -> anyhow::Result<Vec<u8>> {
    let mut event = Vec::new();
    let limit = MAX_PAYLOAD_BYTES as u64 + 1;
    source.take(limit).read_to_end(&mut event).with_context(|| format!("could not read {name}"))?;
    within_limit(&event)?;
    Ok(event)
}

fn within_limit(event: &[u8]) -> anyhow::Result<()> {
    if event.len() > MAX_PAYLOAD_BYTES {
        bail!("it has more than {MAX_PAYLOAD_BYTES} bytes, which Lambda does not take");
    }
    Ok(())
}

/// Lambda refuses what is not JSON before any function sees it.
fn check(event: &[u8]) -> anyhow::Result<()> {
    match serde_json::from_slice::<&RawValue>(event) {
        Ok(_) => Ok(()),
        Err(error) => bail!("{error}: {}", quoted(event)),
    }
}

fn quoted(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event.trim_ascii());
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &'static [u8]) -> Vec<String> {
        let (sender, mut receiver) = mpsc::channel(100);
        send_lines(text, "events.jsonl", &sender);
        let mut seen = Vec::new();
        while let Ok(line) = receiver.try_recv() {
            seen.push(match line {
                Ok(event) => String::from_utf8_lossy(&event).into_owned(),
                Err(error) => format!("{error:#}"),
            });
        }
        seen
    }

    #[test]
    fn each_line_is_an_event_and_empty_ones_are_none() {
        assert_eq!(lines(b"1\r\n\n  {\"a\": 2}\n\"last\""), ["1", "  {\"a\": 2}", "\"last\""]);
    }

    #[test]
    fn the_first_line_that_is_no_event_is_the_last() {
        let seen = lines(b"1\n2 3\n4\n");
        assert_eq!(seen.len(), 2, "{seen:?}");
        let error =
            "line 2 of events.jsonl is no event: trailing characters at line 1 column 3: 2 3";
        assert_eq!(seen[1], error);
    }

    #[test]
    fn the_limit_is_lambdas() {
        let event = |bytes: usize| io::Cursor::new(vec![b'1'; bytes]);
        assert!(read_limited(event(MAX_PAYLOAD_BYTES), "x").is_ok());
        let error = read_limited(event(MAX_PAYLOAD_BYTES + 1), "x").expect_err("too long");
        assert_eq!(error.to_string(), "it has more than 6291556 bytes, which Lambda does not take");
        assert!(read_line(&mut event(MAX_PAYLOAD_BYTES + 100)).is_err());
    }

    #[test]
    fn deep_and_strange_json_is_json() {
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        check(&deep).expect("depth is no fault");
        check(b"{\"a\":1,\"a\":1e999,\"b\":\"\\ud800\"}").expect("carried, not understood");
        check(b"\xff").expect_err("not UTF-8");
    }
}
