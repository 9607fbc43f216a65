//! The members of an object and the text of a string, read raw: a lone surrogate or a vast number in a
//! member nobody asked for is no error.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Shows each member of an object, in one pass over its bytes; a name that is no text is passed over.
///
/// # Errors
/// When the bytes are not exactly one object.
pub fn each_member<'a>(
    object: &'a [u8],
    see: impl FnMut(&str, &'a RawValue),
) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(object);
    EachMember(see).deserialize(&mut json)?;
    json.end()
}

struct EachMember<F>(F);

impl<'de, F: FnMut(&str, &'de RawValue)> DeserializeSeed<'de> for EachMember<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&str, &'de RawValue)> Visitor<'de> for EachMember<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<&RawValue>()? {
            let value = map.next_value::<&RawValue>()?;
            if let Some(name) = text(name) {
                (self.0)(&name, value);
            }
        }
        Ok(())
    }
}

/// The text of a JSON string; none where it is no string.  A lone surrogate, which no text can hold,
/// becomes U+FFFD.
#[must_use]
pub fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let inner = value.get().strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(inner.into());
    }
    serde_json::from_str::<String>(value.get())
        .or_else(|_| serde_json::from_str::<AnyText>(value.get()).map(|text| text.0))
        .ok()
        .map(Cow::Owned)
}

/// A JSON string as `serde_json` gives it in bytes: UTF-8, but for lone surrogates.
struct AnyText(String);

impl<'de> Deserialize<'de> for AnyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyTextVisitor;
        impl Visitor<'_> for AnyTextVisitor {
            type Value = AnyText;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<AnyText, E> {
                Ok(AnyText(without_surrogates(bytes)))
            }
        }
        deserializer.deserialize_bytes(AnyTextVisitor)
    }
}

/// Text in which each encoded surrogate, three bytes from ED A0 80 on, is one U+FFFD.
fn without_surrogates(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        // Each of the three bytes is a chunk of its own; the first of them stands for all.
        if chunk.invalid().first() == Some(&0xed) {
            text.push('\u{fffd}');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(object: &str) -> Result<Vec<(String, String)>, serde_json::Error> {
        let mut members = Vec::new();
        each_member(object.as_bytes(), |name, value| {
            members.push((name.to_owned(), value.get().to_owned()));
        })?;
        Ok(members)
    }

    #[test]
    fn members_are_shown_raw_and_in_order() {
        let seen = members(r#" {"\u0069d": 1e400, "a":"\ud800","a":[ ]} "#).expect("an object");
        let expected = [("id", "1e400"), ("a", r#""\ud800""#), ("a", "[ ]")];
        assert!(seen.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected));
    }

    #[test]
    fn what_is_not_one_object_is_an_error() {
        for object in ["1", "[]", "{} {}", "{a:1}", "{\"a\":}", "{", ""] {
            assert!(members(object).is_err(), "{object}");
        }
    }

    #[test]
    fn a_string_has_a_text_and_nothing_else_has() {
        let read =
            |json: &str| text(serde_json::from_str(json).expect("JSON")).map(Cow::into_owned);
        assert_eq!(read(r#""a\u00e9\n""#).as_deref(), Some("a\u{e9}\n"));
        assert_eq!(read(r#""\ud800 \udc00x""#).as_deref(), Some("\u{fffd} \u{fffd}x"));
        assert_eq!(read("1"), None);
    }
}
