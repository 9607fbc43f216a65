//! What the bench was asked to do.

use std::path::PathBuf;

use crate::contender::Contender;
use crate::event::Size;

/// What is measured, how long, and what becomes of it.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word on the command line")]
pub(crate) struct Arguments {
    /// The core that everything is pinned to; the last one if not said.
    pub(crate) core: Option<usize>,
    /// The rounds that count; one more comes before them.
    pub(crate) rounds: usize,
    /// A fraction of the invocations of a round, for a look or a smoke test.
    pub(crate) scale: f64,
    pub(crate) sizes: Vec<Size>,
    /// Only the contenders whose keys are given.
    pub(crate) only: Vec<String>,
    /// Instead of the bootstrap that is built as it is deployed.
    pub(crate) bootstrap: Option<PathBuf>,
    /// The folder in which awslambdaric was installed, if python3 does not know it.
    pub(crate) awslambdaric: Option<PathBuf>,
    /// Whether a contender that is not here is an error.
    pub(crate) all: bool,
    /// Whether a figure that is missed is an error.
    pub(crate) assert: bool,
    /// Whether only the latencies are measured.
    pub(crate) quick: bool,
    pub(crate) json: bool,
    /// Whether the documents are written anew.
    pub(crate) write: bool,
    /// As they were given.
    words: Vec<String>,
}

pub(crate) const USAGE: &str = "\
cargo bench --bench bridge -- [OPTIONS]

  --core N          pin everything to this core (default: the last)
  --rounds N        rounds that count (default: 5; one more comes before them)
  --scale X         times the invocations of a round (default: 1)
  --size NAME       only this size, again for more: small, middle, file, large
  --only KEY        only this contender and the floor, again for more:
                    ours, plain, lambda_runtime, threads, awslambdaric, anew
  --quick           only latencies: no start, memory, system calls
  --bootstrap PATH  this program instead of the one that is built
  --awslambdaric FOLDER   where awslambdaric was installed, if python3 does not know it
  --all             a contender that is not here is an error
  --assert          a figure that is missed is an error
  --json            the figures as JSON, alone on standard output
  --write           write benches/bridge/RESULTS.md, results.svg and the README's part";

impl Arguments {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut arguments = Self {
            core: None,
            rounds: 5,
            scale: 1.0,
            sizes: Vec::new(),
            only: Vec::new(),
            bootstrap: None,
            awslambdaric: None,
            all: false,
            assert: false,
            quick: false,
            json: false,
            write: false,
            words: words.to_vec(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--core" => arguments.core = Some(value(word, words.next())?),
                "--rounds" => arguments.rounds = value::<usize>(word, words.next())?.max(1),
                "--scale" => arguments.scale = value(word, words.next())?,
                "--size" => {
                    let name: String = value(word, words.next())?;
                    arguments.sizes.push(size(&name)?);
                }
                "--only" => {
                    let key: String = value(word, words.next())?;
                    if !Contender::ALL.iter().any(|contender| contender.key() == key) {
                        return Err(format!("--only does not take {key}\n\n{USAGE}"));
                    }
                    arguments.only.push(key);
                }
                "--bootstrap" => arguments.bootstrap = Some(value(word, words.next())?),
                "--awslambdaric" => arguments.awslambdaric = Some(value(word, words.next())?),
                "--all" => arguments.all = true,
                "--assert" => arguments.assert = true,
                "--quick" => arguments.quick = true,
                "--json" => arguments.json = true,
                "--write" => arguments.write = true,
                // cargo tells every bench so.
                "--bench" => (),
                other => return Err(format!("unknown: {other}\n\n{USAGE}")),
            }
        }
        let partial = arguments.quick || !arguments.only.is_empty() || !arguments.sizes.is_empty();
        if arguments.write && partial {
            return Err("--write shows everything, so everything is to be measured".to_owned());
        }
        if arguments.sizes.is_empty() {
            arguments.sizes = Size::ALL.to_vec();
        }
        Ok(arguments)
    }

    /// The command that does the same again, without what is a path on this machine.
    pub(crate) fn command(&self) -> String {
        let mut words = vec!["cargo bench --bench bridge --"];
        let mut path = false;
        for word in self.words.iter().filter(|word| *word != "--bench") {
            words.push(if path { "PATH" } else { word });
            path = word == "--bootstrap" || word == "--python";
        }
        words.join(" ").trim_end_matches(" --").to_owned()
    }

    /// Whether a contender is to be measured; the floor always is, since the others are measured by it.
    pub(crate) fn asks_for(&self, contender: Contender) -> bool {
        let named = || self.only.iter().any(|key| key == contender.key());
        self.only.is_empty() || contender == Contender::Floor || named()
    }

    /// How often each contender is started to see how long that takes.
    pub(crate) fn starts(&self) -> usize {
        if self.scale < 1.0 { 2 } else { 15 }
    }
}

fn value<T: std::str::FromStr>(name: &str, word: Option<&String>) -> Result<T, String> {
    let word = word.ok_or_else(|| format!("{name} wants a value"))?;
    word.parse().map_err(|_| format!("{name} does not take {word}"))
}

fn size(name: &str) -> Result<Size, String> {
    match name {
        "small" => Ok(Size::Small),
        "middle" => Ok(Size::Middle),
        "file" => Ok(Size::File),
        "large" => Ok(Size::Large),
        other => Err(format!("--size does not take {other}: small, middle, file, large")),
    }
}
