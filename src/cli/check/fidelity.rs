//! Whether a value came back as it was sent: where it stands in the reply, and what became of it there.
//! Bytes only: parsers with floats and depths of their own would not see what is asked about.

use serde_json::value::RawValue;

use crate::json;

/// How deep the value is looked for.
const DEEPEST: usize = 16;

/// One step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// A member of an object.
    Member(String),
    /// An element of an array.
    Element(usize),
}

/// Where in a document a string stands that was sent as a value; none if it is not there on its own.
#[must_use]
pub fn place(document: &[u8], marker: &str) -> Option<Vec<Turn>> {
    place_within(json::one_value(document).ok()?, marker, DEEPEST)
}

fn place_within(value: &RawValue, marker: &str, depth: usize) -> Option<Vec<Turn>> {
    if depth == 0 {
        return None;
    }
    if json::text(value).as_deref() == Some(marker) {
        return Some(Vec::new());
    }
    let (turn, mut rest) = parts(value)
        .into_iter()
        .find_map(|(turn, part)| place_within(part, marker, depth - 1).map(|rest| (turn, rest)))?;
    rest.insert(0, turn);
    Some(rest)
}

/// What stands at a place of a document.
#[must_use]
pub fn at<'a>(document: &'a [u8], place: &[Turn]) -> Option<&'a RawValue> {
    let mut value = json::one_value(document).ok()?;
    for turn in place {
        // Of a name that is there twice, the last counts.
        let (_, part) = parts(value).into_iter().rfind(|(at, _)| at == turn)?;
        value = part;
    }
    Some(value)
}

fn parts(value: &RawValue) -> Vec<(Turn, &RawValue)> {
    let mut parts = Vec::new();
    match value.get().as_bytes().first() {
        Some(b'{') => {
            let read = json::each_member(value.get().as_bytes(), |name, part| {
                parts.push((Turn::Member(name.to_owned()), part));
            });
            debug_assert!(read.is_ok(), "a raw value is one value");
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
            let elements = elements.into_iter().enumerate();
            parts.extend(elements.map(|(index, part)| (Turn::Element(index), part)));
        }
        Some(_) | None => (),
    }
    parts
}

/// Whether two values are the same to every reader: strings by their characters, numbers by their digits
/// and by whether they are written as integers, all else by its bytes but for white space.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    match (one.as_bytes().first(), other.as_bytes().first()) {
        (Some(b'"'), Some(b'"')) => units(one) == units(other),
        (Some(b'-' | b'0'..=b'9'), Some(b'-' | b'0'..=b'9')) => digits(one) == digits(other),
        _ => without_space(one) == without_space(other),
    }
}

/// A string's UTF-16 units: a lone surrogate is one of them, and no character.
fn units(string: &str) -> Vec<u16> {
    let mut units = Vec::new();
    let mut characters = string.get(1..string.len() - 1).unwrap_or_default().chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            units.extend(character.encode_utf16(&mut [0; 2]).iter());
            continue;
        }
        match characters.next() {
            Some('u') => {
                let hex: String = characters.by_ref().take(4).collect();
                units.extend(u16::from_str_radix(&hex, 16).ok());
            }
            Some('n') => units.push(10),
            Some('r') => units.push(13),
            Some('t') => units.push(9),
            Some('b') => units.push(8),
            Some('f') => units.push(12),
            Some(other) => units.extend(other.encode_utf16(&mut [0; 2]).iter()),
            None => (),
        }
    }
    units
}

/// A number as its sign, its digits without zeros at their ends, the power of ten, and whether it was
/// written as an integer: 1e400 is 1.0E+400, and 1.0 is not 1.
fn digits(number: &str) -> (bool, String, i64, bool) {
    let is_negative = number.starts_with('-');
    let number = number.trim_start_matches('-');
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_integer = number.bytes().all(|byte| byte.is_ascii_digit());
    let all = format!("{whole}{fraction}");
    let kept = all.trim_end_matches('0');
    let dropped = all.len() - kept.len();
    let power = exponent.trim_start_matches('+').parse::<i64>().unwrap_or(i64::MAX);
    let power = power.saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX));
    let power = power.saturating_add(i64::try_from(dropped).unwrap_or(i64::MAX));
    let kept = kept.trim_start_matches('0').to_owned();
    let power = if kept.is_empty() { 0 } else { power };
    (is_negative, kept, power, is_integer)
}

fn without_space(value: &str) -> String {
    let mut kept = String::with_capacity(value.len());
    let (mut is_inside, mut is_escaped) = (false, false);
    for character in value.chars() {
        if is_inside || !character.is_ascii_whitespace() {
            kept.push(character);
        }
        let is_quote = character == '"' && !is_escaped;
        is_escaped = is_inside && character == '\\' && !is_escaped;
        is_inside ^= is_quote;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_where_its_marker_stood() {
        let reply = br#"{"a":[1,{"b":"x"}],"c":"mark er"}"#;
        let way = place(reply, "mark er").expect("it is there");
        assert_eq!(way, [Turn::Member("c".to_owned())]);
        let way = place(br#"[0,{"a":"m"}]"#, "m").expect("it is there");
        assert_eq!(at(br#"[0,{"a":1e400}]"#, &way).map(RawValue::get), Some("1e400"));
        assert_eq!(at(br#"[0,{"b":1}]"#, &way).map(RawValue::get), None);
        assert_eq!(place(br#"{"a":"Hello, m!"}"#, "m"), None);
        assert_eq!(place(br#""m""#, "m"), Some(Vec::new()));
    }

    #[test]
    fn the_same_value_may_be_written_otherwise() {
        for (one, other, same) in [
            ("9007199254740993", "9007199254740993", true),
            ("9007199254740993", "9007199254740992", false),
            ("9007199254740993", "9.007199254740993e15", false),
            ("1e400", "1.0E+400", true),
            ("1e400", "1.7976931348623157e308", false),
            ("1.0", "1", false),
            ("1.0", "1.00", true),
            ("-0", "0", false),
            ("-0", "-0", true),
            ("-0", "-0.0", false),
            (r#""\u2028""#, "\"\u{2028}\"", true),
            (r#""\ud83e\udd80""#, "\"\u{1f980}\"", true),
            (r#""\ud800""#, "\"\u{fffd}\"", false),
            (r#""\u0000""#, r#""""#, false),
            (r#""\u000a""#, r#""\n""#, true),
            (r#"{"a":1,"a":2}"#, r#"{ "a": 1, "a": 2 }"#, true),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, false),
            (r#"["a \" b"]"#, r#"["a \"b"]"#, false),
            ("1", "\"1\"", false),
        ] {
            assert_eq!(is_same(one, other), same, "{one} and {other}");
        }
    }
}
