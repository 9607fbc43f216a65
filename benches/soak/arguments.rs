//! What this program was asked to be: the soak, or the handler of one.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::fault::Replies;

/// Which of the two this process is.
pub(crate) enum Part {
    Soak(Arguments),
    Handler {
        replies: Replies,
        one_shot: bool,
        /// Where it asks when to print a late line.
        gate: String,
    },
}

/// What the soak is to do.
pub(crate) struct Arguments {
    /// The invocations in all.
    pub(crate) count: u64,
    pub(crate) seed: u64,
    /// Whether the handler ends after each reply.
    pub(crate) one_shot: bool,
    /// How the handler replies; if not said, half of the invocations each.
    pub(crate) replies: Option<Replies>,
    /// The bootstrap, if it is not the one that cargo built beside this.
    pub(crate) bootstrap: Option<String>,
}

impl Part {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        match words {
            [first, replies, one_shot, gate] if first == "--handler" => Ok(Self::Handler {
                replies: Replies::parse(replies)?,
                one_shot: one_shot == "one-shot",
                gate: gate.clone(),
            }),
            words => Arguments::parse(words).map(Self::Soak),
        }
    }
}

impl Arguments {
    fn parse(words: &[String]) -> Result<Self, String> {
        let mut arguments = Self {
            count: 2_000,
            seed: any_seed(),
            one_shot: false,
            replies: None,
            bootstrap: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--count" => arguments.count = number(word, words.next())?,
                "--seed" => arguments.seed = number(word, words.next())?,
                "--one-shot" => arguments.one_shot = true,
                "--replies" => {
                    let replies = words.next().map(String::as_str).unwrap_or_default();
                    arguments.replies = Some(Replies::parse(replies)?);
                }
                "--bootstrap" => {
                    let path = words.next().ok_or_else(|| format!("{word} wants a path"))?;
                    arguments.bootstrap = Some(path.clone());
                }
                // cargo tells every bench so.
                "--bench" => (),
                other => eprintln!("ignored: {other}"),
            }
        }
        Ok(arguments)
    }

    /// How the invocations are shared out.
    pub(crate) fn shares(&self) -> Vec<(Replies, u64)> {
        match self.replies {
            Some(replies) => vec![(replies, self.count)],
            None => vec![
                (Replies::Tagged, self.count - self.count / 2),
                (Replies::Plain, self.count / 2),
            ],
        }
    }

    /// The command that does the same again.
    pub(crate) fn command(&self) -> String {
        let one_shot = if self.one_shot { " --one-shot" } else { "" };
        let replies = self
            .replies
            .map(|replies| format!(" --replies {}", replies.name()))
            .unwrap_or_default();
        let bootstrap = self.bootstrap.iter().map(|path| format!(" --bootstrap {path}"));
        let bootstrap: String = bootstrap.collect();
        let (count, seed) = (self.count, self.seed);
        format!(
            "cargo bench --bench soak -- --count {count} --seed {seed}{one_shot}{replies}{bootstrap}"
        )
    }
}

fn number(name: &str, word: Option<&String>) -> Result<u64, String> {
    let word = word.ok_or_else(|| format!("{name} wants a number"))?;
    word.replace(['_', ','], "").parse().map_err(|_| format!("{name} wants a number, not {word}"))
}

/// Each run without a seed tries another one.
fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::from(now.subsec_nanos()) ^ (now.as_secs() & 0xffff)
}
