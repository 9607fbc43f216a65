//! The function's variables from `--env`, `--env-file` and the developer's own environment.  The file's
//! format is pure: text in, variables out.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cli::emulator::variables::{self, Variables};
use crate::cli::surroundings;

/// Lambda allows 4 KB in all; a file with comments may be longer, but not without end.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// All of a function's own variables, the later ones overriding: what passes unasked, the project's, the
/// files', the flags'.
///
/// # Errors
/// For a file that cannot be read or understood, and for a variable that is the emulator's own.
pub fn collect<F: AsRef<Path>>(
    project: &[(String, String)],
    files: &[F],
    flags: &[String],
) -> anyhow::Result<Variables> {
    let mut all: Variables =
        surroundings::variables().filter(|(name, _)| variables::is_passed(name)).collect();
    for (name, value) in project {
        add(&mut all, name, value.into())?;
    }
    for file in files {
        let path = file.as_ref();
        let text = read(path).with_context(|| format!("could not read {}", path.display()))?;
        let pairs = parse(&text).map_err(anyhow::Error::msg);
        let pairs = pairs.with_context(|| format!("{} is no file of variables", path.display()))?;
        for (name, value) in pairs {
            add(&mut all, &name, value.into())?;
        }
    }
    for flag in flags {
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name, OsString::from(value)),
            // As with containers: the name alone hands over one's own value.
            None => match surroundings::variable(flag) {
                Some(value) => (flag.as_str(), value),
                None => {
                    bail!("--env {flag}: no such variable is set here; give it as {flag}=VALUE")
                }
            },
        };
        add(&mut all, name, value)?;
    }
    Ok(all)
}

fn add(all: &mut Variables, name: &str, value: OsString) -> anyhow::Result<()> {
    if variables::is_own(name) {
        bail!("{name} is set by lambda-stdio itself; leave it out");
    }
    if !is_name(name) {
        bail!("{name:?} is no name of a variable: letters, digits and _, not a digit first");
    }
    if value.as_encoded_bytes().contains(&0) {
        bail!("the value of {name} holds a NUL, which no environment can carry");
    }
    all.push((name.into(), value));
    Ok(())
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        bail!("it has more than {MAX_FILE_BYTES} bytes");
    }
    Ok(text)
}

/// A JSON object, or lines of NAME=VALUE with comments and quotes.
fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('{') {
        return parse_object(text);
    }
    let mut pairs = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let pair = parse_line(line).map_err(|what| format!("line {}: {what}", index + 1))?;
        pairs.push(pair);
    }
    Ok(pairs)
}

fn parse_object(text: &str) -> Result<Vec<(String, String)>, String> {
    let object: serde_json::Map<String, Value> =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    let pairs = object.into_iter().map(|(name, value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Number(number) => Ok((name, number.to_string())),
        Value::Bool(truth) => Ok((name, truth.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(format!("the value of {name} must be a string, a number, true or false"))
        }
    });
    pairs.collect()
}

fn parse_line(line: &str) -> Result<(String, String), String> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("there is no = in it")?;
    let value = value.trim_start();
    let value = match value.chars().next() {
        Some('\'') => until_quote(value, '\'')?,
        Some('"') => until_quote(value, '"')?,
        _ => value.split(" #").next().unwrap_or_default().trim_end().to_owned(),
    };
    Ok((name.trim().to_owned(), value))
}

/// The text between quotes; in double quotes a backslash takes the next character as it is, or as \n, \r, \t.
fn until_quote(text: &str, quote: char) -> Result<String, String> {
    let mut value = String::new();
    let mut characters = text.strip_prefix(quote).unwrap_or(text).chars();
    while let Some(character) = characters.next() {
        if character == quote {
            let rest = characters.as_str().trim_start();
            let is_end = rest.is_empty() || rest.starts_with('#');
            return is_end.then_some(value).ok_or(format!("{rest:?} follows the closing quote"));
        }
        if character == '\\' && quote == '"' {
            value.push(match characters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => break,
            });
        } else {
            value.push(character);
        }
    }
    Err("the quote is not closed; values of several lines are written \"…\\n…\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = match parse(text) {
            Ok(pairs) => {
                let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
                pairs.collect::<Vec<_>>().join("|")
            }
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn lines_are_names_and_values() {
        check(
            "A=1\n\n# comment\n B = two words \nexport C=\nD=a=b\r\n",
            "A=1|B=two words|C=|D=a=b",
        );
        check("A=x # comment\nB=x#y", "A=x|B=x#y");
        check(r#"A='a "b" \n # c'"#, r#"A=a "b" \n # c"#);
        check(r#"A="a \"b\"\n\\ # c" # comment"#, "A=a \"b\"\n\\ # c");
        check("\u{feff}A=1", "A=1");
    }

    #[test]
    fn an_object_is_as_good() {
        check(r#" {"A":"x","B":1.5,"C":true}"#, "A=x|B=1.5|C=true");
        check(r#"{"A":[1]}"#, "error: the value of A must be a string, a number, true or false");
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        check("A=1\nB", "error: line 2: there is no = in it");
        check(
            "A='x",
            "error: line 1: the quote is not closed; values of several lines are written \"…\\n…\"",
        );
        check("A='x' y", "error: line 1: \"y\" follows the closing quote");
    }

    #[test]
    fn the_emulators_own_variables_cannot_be_overridden() {
        let flags = |flag: &str| {
            let error = collect::<&str>(&[], &[], &[flag.to_owned()]).expect_err("refused");
            error.to_string()
        };
        assert!(flags("AWS_LAMBDA_RUNTIME_API=x").contains("leave it out"));
        assert!(flags("1A=x").contains("no name of a variable"));
        assert!(flags("LAMBDA_STDIO_NO_SUCH_VARIABLE").contains("no such variable is set here"));
    }
}
