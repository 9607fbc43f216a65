//! What is seen of a scene, as named texts in which nothing is left that differs from run to run.

use std::collections::BTreeMap;
use std::path::Path;

/// Aspects by their names.
pub(super) type Observed = BTreeMap<String, String>;

/// A text of a run as it would read in any other: without ids, times, ports and folders.
pub(super) fn normal(text: &str, folder: &Path) -> String {
    let text = text.replace(folder.to_str().unwrap(), "$D");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let begins_word = !out.ends_with(|last: char| last.is_ascii_alphanumeric());
        let replaced = if begins_word { varying(rest, &out) } else { None };
        if let Some((length, stand_in)) = replaced {
            out.push_str(stand_in);
            rest = &rest[length..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\0', "\\0")
}

/// The length of a word that differs from run to run, and what stands for it.
fn varying(rest: &str, before: &str) -> Option<(usize, &'static str)> {
    let shape: String = rest.chars().take(36).map(shape_of).collect();
    if rest.starts_with("Root=1-") {
        let length = rest.find(|end: char| !(end.is_ascii_alphanumeric() || "-=;".contains(end)));
        return Some((length.unwrap_or(rest.len()), "<trace>"));
    }
    if let Some(port) = rest.strip_prefix("127.0.0.1:") {
        return Some(("127.0.0.1:".len() + digits(port), "<address>"));
    }
    let hex = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
    let is_uuid = [8, 13, 18, 23].iter().all(|at| rest.as_bytes().get(*at) == Some(&b'-'))
        && rest.bytes().take(36).all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        && shape.len() == 36;
    if is_uuid {
        return Some((36, "<id>"));
    }
    if hex == 32 {
        return Some((32, "<hex>"));
    }
    if shape.starts_with("9999-99-99T99:99:99") {
        return Some((rest.find('Z').map_or(19, |end| end + 1), "<time>"));
    }
    if shape.starts_with("9999/99/99/") {
        return Some((10, "<date>"));
    }
    let whole = digits(rest);
    let length = match rest[whole..].strip_prefix('.') {
        Some(fraction) if digits(fraction) > 0 => whole + 1 + digits(fraction),
        _ => whole,
    };
    let behind = &rest[length..];
    let is_measure = behind.starts_with(" ms") || behind.starts_with(" MB");
    let is_measured = is_measure || before.ends_with("ms=") || whole >= 12;
    (whole > 0 && is_measured).then_some((length, "N"))
}

fn shape_of(character: char) -> char {
    if character.is_ascii_digit() { '9' } else { character }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// A body in few words if it is a long one.
pub(super) fn body(bytes: &[u8], folder: &Path) -> String {
    if bytes.len() > 4096 {
        let sum =
            bytes.iter().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        return format!("{} bytes of sum {sum:x}", bytes.len());
    }
    normal(&String::from_utf8_lossy(bytes), folder)
}

/// A member of a JSON object for each aspect.
pub(super) fn members(observed: &mut Observed, what: &str, json: &str, folder: &Path) {
    let object: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).expect("an object");
    for (name, value) in object {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        observed.insert(format!("{what} {name}"), normal(&text, folder));
    }
}

#[test]
fn what_differs_from_run_to_run_is_not_seen() {
    let folder = Path::new("/tmp/x");
    for (text, expected) in [
        ("id 8476a536-e9f4-11e8-9739-2dfe598c3fcd.", "id <id>."),
        ("at 2026-11-21T10:00:00.123Z now", "at <time> now"),
        ("Duration: 1.50 ms\tUsed: 7 MB", "Duration: N ms\\tUsed: N MB"),
        ("lived_ms=12 exit status 3", "lived_ms=N exit status 3"),
        ("127.0.0.1:4000/x", "<address>/x"),
        ("2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef", "<date>/[$LATEST]<hex>"),
        ("/tmp/x/a after 2.00 seconds", "$D/a after 2.00 seconds"),
        ("Root=1-5-6;Parent=7;Sampled=0 x", "<trace> x"),
        ("1795230245678 é 12", "N é 12"),
    ] {
        assert_eq!(normal(text, folder), expected);
    }
}
