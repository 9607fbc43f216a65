//! What a handler printed in place of a reply: kept a little, so that a failed invocation's error can say
//! what was almost its answer.

use crate::json;

/// How much of one line an error quotes.
const QUOTED_BYTES: usize = 200;
/// How much of all lines is kept to see whether they are one JSON value together.
const JOINED_BYTES: usize = 64 * 1024;

/// The stray lines of the invocation at hand.
#[derive(Debug, Default)]
pub struct Strays {
    lines: usize,
    first: Vec<u8>,
    first_reason: String,
    joined: Vec<u8>,
    overflow: bool,
}

impl Strays {
    /// Notes one line that did not count, and why.
    pub fn note(&mut self, line: &[u8], reason: &str) {
        self.lines += 1;
        if self.lines == 1 {
            self.first = line.get(..QUOTED_BYTES).unwrap_or(line).to_vec();
            reason.clone_into(&mut self.first_reason);
        }
        if self.joined.len() + line.len() < JOINED_BYTES {
            self.joined.extend_from_slice(line);
            self.joined.push(b'\n');
        } else {
            self.overflow = true;
        }
    }

    /// A sentence for the error of an invocation that got no reply; none if nothing was printed.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        if self.lines == 0 {
            return None;
        }
        if self.lines > 1 && !self.overflow && json::one_value(&self.joined).is_ok() {
            return Some(format!("your JSON spans {} lines: print it on one", self.lines));
        }
        let quoted = String::from_utf8_lossy(&self.first);
        let more = match self.lines {
            1 => String::new(),
            2 => "; 1 more line followed".to_owned(),
            lines => format!("; {} more lines followed", lines - 1),
        };
        Some(format!(
            "it printed {quoted:?}, which did not count as a reply: {}{more}. A reply is one JSON value on \
             one line; for a program that prints plain words set LAMBDA_STDIO_REPLIES=text",
            self.first_reason
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(lines: &[&str]) -> Option<String> {
        let mut strays = Strays::default();
        for line in lines {
            strays.note(line.as_bytes(), "it is not JSON");
        }
        strays.hint()
    }

    #[test]
    fn a_pretty_printed_reply_is_named_as_such() {
        assert_eq!(
            hint(&["{", "  \"a\": 1", "}"]).as_deref(),
            Some("your JSON spans 3 lines: print it on one")
        );
    }

    #[test]
    fn an_almost_reply_is_quoted_with_its_cure() {
        let said = hint(&["{'a': 1}"]).expect("a hint");
        assert!(
            said.starts_with(
                "it printed \"{'a': 1}\", which did not count as a reply: it is not JSON. "
            ),
            "{said}"
        );
        assert!(said.ends_with("LAMBDA_STDIO_REPLIES=text"), "{said}");
        assert!(hint(&["a", "b", "c"]).expect("a hint").contains("; 2 more lines followed"));
    }

    #[test]
    fn a_long_line_is_quoted_in_part_and_nothing_is_said_of_nothing() {
        let said = hint(&["x".repeat(100_000).as_str(), "y"]).expect("a hint");
        assert!(said.contains(&format!("{:?}", "x".repeat(200))) && said.len() < 600, "{said}");
        assert_eq!(hint(&[]), None);
    }
}
