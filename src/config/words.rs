//! A line to words as a POSIX shell splits it: quotes and backslashes, and nothing else of a shell.

/// A quote or backslash that is never closed.
#[derive(Debug, PartialEq, Eq)]
pub struct Unclosed;

/// Splits a line into words.
///
/// # Errors
/// When a quote is never closed, or the line ends in a backslash.
pub fn split(line: &str) -> Result<Vec<String>, Unclosed> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        match character {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => single_quoted(&mut rest, word.get_or_insert_default())?,
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(rest.next().ok_or(Unclosed)?),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}

fn single_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Unclosed> {
    loop {
        match rest.next().ok_or(Unclosed)? {
            '\'' => return Ok(()),
            other => word.push(other),
        }
    }
}

fn double_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Unclosed> {
    loop {
        match rest.next().ok_or(Unclosed)? {
            '"' => return Ok(()),
            // Between double quotes a backslash is itself, but before what it can protect there.
            '\\' => match rest.next().ok_or(Unclosed)? {
                protected @ ('"' | '\\' | '$' | '`') => word.push(protected),
                other => word.extend(['\\', other]),
            },
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        for (line, words) in [
            ("", &[][..]),
            ("  a  b\tc\n", &["a", "b", "c"]),
            ("'a b' \"c d\" e\\ f", &["a b", "c d", "e f"]),
            ("-c '.event | {id: .id}'", &["-c", ".event | {id: .id}"]),
            ("a''b \"\" ''", &["ab", "", ""]),
            (r#""\"\\\$\n" '\'"#, &["\"\\$\\n", "\\"]),
            ("$HOME #x *", &["$HOME", "#x", "*"]),
        ] {
            assert_eq!(split(line).expect("words"), words, "{line}");
        }
    }

    #[test]
    fn what_is_never_closed_is_an_error() {
        for line in ["'a", "\"a", "a\\", "\"a\\"] {
            assert_eq!(split(line), Err(Unclosed), "{line}");
        }
    }
}
