//! The names in a zip: which ones tools do not agree on, and which ones are too much alike.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

/// The longest that the format has room for.
const MAX_NAME_BYTES: usize = 65_535;

/// What is odd about a name, if anything is: tools would unpack it elsewhere, or not at all.
#[must_use]
pub fn oddity(name: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(name) else { return Some("is not UTF-8") };
    let mut parts = text.split('/');
    if text.len() > MAX_NAME_BYTES {
        Some("has more than 65535 bytes")
    } else if text.chars().any(char::is_control) {
        Some("holds control characters")
    } else if text.contains('\\') {
        Some("holds a backslash, which some tools take for a slash")
    } else if text.starts_with('/') {
        Some("begins with a slash")
    } else if parts.any(|part| matches!(part, "" | "." | "..")) {
        Some("has a part that is empty, . or ..")
    } else if matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        Some("begins like a drive")
    } else {
        None
    }
}

/// Two names that are alike.
#[derive(Debug, PartialEq, Eq)]
pub struct Alike {
    /// One of them.
    pub one: String,
    /// The other.
    pub other: String,
    /// Whether they are the very same, or one is a folder of the other's name.
    pub is_same: bool,
}

/// All pairs of names that cannot be told apart by some: each name is told with one other.
#[must_use]
pub fn alike(names: &[String]) -> Vec<Alike> {
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    let mut found = Vec::new();
    let same = |one: &String, other: &String| Alike {
        one: one.clone(),
        other: other.clone(),
        is_same: true,
    };
    for pair in sorted.windows(2) {
        if let [one, other] = pair
            && one == other
        {
            found.push(same(one, other));
        }
    }
    // Every folder on a name's way, and both spellings of it, once.
    let files: std::collections::BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut spellings: BTreeMap<String, &str> = BTreeMap::new();
    for name in &sorted {
        let ends = name.match_indices('/').map(|(at, _)| at).chain([name.len()]);
        for end in ends {
            let Some(part) = name.get(..end) else { continue };
            if end < name.len() && files.contains(part) {
                found.push(same(&part.to_owned(), name));
            }
            let spelling: String = part.nfc().flat_map(char::to_lowercase).nfc().collect();
            let first = *spellings.entry(spelling).or_insert(part);
            if first != part {
                let (one, other) = (first.to_owned(), part.to_owned());
                found.push(Alike { one, other, is_same: false });
            }
        }
    }
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_told_and_plain_ones_are_not() {
        for (name, odd) in [
            (&b"bin/handler"[..], None),
            ("größe/日本".as_bytes(), None),
            (b"a b.txt", None),
            (b"...", None),
            (b"a/../b", Some("empty, . or ..")),
            (b"a//b", Some("empty, . or ..")),
            (b"/etc/passwd", Some("begins with a slash")),
            (b"a\\b", Some("backslash")),
            (b"C:x", Some("drive")),
            (b"a\nb", Some("control")),
            (b"\xff", Some("UTF-8")),
        ] {
            let said = oddity(name);
            assert_eq!(said.is_some(), odd.is_some(), "{name:?}: {said:?}");
            assert!(said.unwrap_or_default().contains(odd.unwrap_or_default()));
        }
        assert!(oddity(&vec![b'x'; 65_535]).is_none() && oddity(&vec![b'x'; 65_536]).is_some());
    }

    #[test]
    fn names_that_are_alike_are_told() {
        let pairs = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let pairs = alike(&names).into_iter();
            pairs.map(|pair| (pair.one, pair.other, pair.is_same)).collect::<Vec<_>>()
        };
        let pair = |one: &str, other: &str, same| vec![(one.to_owned(), other.to_owned(), same)];
        assert_eq!(pairs(&["a", "b", "a/b2", "ab"]), pair("a", "a/b2", true));
        assert_eq!(pairs(&["x", "x"]), pair("x", "x", true));
        assert_eq!(pairs(&["README", "readme"]), pair("README", "readme", false));
        assert_eq!(pairs(&["caf\u{e9}", "cafe\u{301}"]), pair("cafe\u{301}", "caf\u{e9}", false));
        assert_eq!(pairs(&["A/x", "a/y"]), pair("A", "a", false));
        assert_eq!(pairs(&["a/x", "a/y", "b/x"]), []);
    }
}
