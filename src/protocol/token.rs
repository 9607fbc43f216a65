//! A delivery's own token: neither an event nor an earlier generation can know it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// The characters of an id.
pub const ID_BYTES: usize = 16;

/// The id of one delivery: 16 characters of [a-z0-9].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryId([u8; ID_BYTES]);

impl DeliveryId {
    /// The id in a text, if the text has an id's shape.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id: [u8; ID_BYTES] = text.as_bytes().try_into().ok()?;
        id.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9')).then_some(Self(id))
    }

    /// The id's characters.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }
}

impl std::fmt::Display for DeliveryId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|&byte| std::fmt::Write::write_char(formatter, char::from(byte)))
    }
}

/// Where ids come from: a keyed hash of a counter, its key from the kernel.
///
/// Knowing any number of ids tells nothing of the next without the key, and making one costs no
/// system call.
#[derive(Debug)]
pub struct DeliveryIds {
    key: RandomState,
    count: u64,
}

impl DeliveryIds {
    /// A generator with a key of its own.
    #[must_use]
    pub fn new() -> Self {
        Self { key: RandomState::new(), count: 0 }
    }

    /// The next id.
    pub fn next_id(&mut self) -> DeliveryId {
        const DIGITS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut id = [b'a'; ID_BYTES];
        for half in id.chunks_mut(ID_BYTES / 2) {
            let mut hasher = self.key.build_hasher();
            hasher.write_u64(self.count);
            self.count = self.count.wrapping_add(1);
            let mut bits = hasher.finish();
            for character in half {
                let digit = usize::try_from(bits % 36).unwrap_or_default();
                *character = DIGITS.get(digit).copied().unwrap_or(b'a');
                bits /= 36;
            }
        }
        DeliveryId(id)
    }
}

impl Default for DeliveryIds {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_shape_and_differ() {
        let mut ids = DeliveryIds::new();
        let seen: std::collections::HashSet<String> =
            (0..10_000).map(|_| ids.next_id().to_string()).collect();
        assert_eq!(seen.len(), 10_000);
        assert!(seen.iter().all(|id| DeliveryId::parse(id).is_some()));
        assert_ne!(DeliveryIds::new().next_id(), DeliveryIds::new().next_id());
    }

    #[test]
    fn what_is_not_an_id_has_not_its_shape() {
        for text in [
            "",
            "q7w2m0x4k9c1z5t",
            "q7w2m0x4k9c1z5t88",
            "Q7w2m0x4k9c1z5t8",
            "q7w2m0x4k9c1z5t-",
            "äääääääää",
        ] {
            assert_eq!(DeliveryId::parse(text), None, "{text}");
        }
    }
}
