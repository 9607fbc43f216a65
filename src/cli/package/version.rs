//! Versions of symbols, as `GLIBC_2.34`, and which of two is newer.

use std::fmt;

/// The numbers of a version, the first weighing most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<u32>);

impl Version {
    /// The numbers between the dots; none where there is anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
        numbers.filter(|numbers| numbers.len() <= 4).map(Self)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, number) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str(".")?;
            }
            write!(formatter, "{number}")?;
        }
        Ok(())
    }
}

/// A name such as `GLIBC_2.34` as its prefix and its version; none for names that are no versions, such
/// as `GLIBC_PRIVATE`.
#[must_use]
pub fn symbol_version(name: &str) -> Option<(&str, Version)> {
    // Relative relocations came with glibc 2.36, and this name is how it is said that they are needed.
    if name == "GLIBC_ABI_DT_RELR" {
        return Some(("GLIBC", Version(vec![2, 36])));
    }
    let (prefix, version) = name.rsplit_once('_')?;
    Some((prefix, Version::parse(version)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let version = |text| Version::parse(text).expect("a version");
        assert!(version("2.4") < version("2.34"));
        assert!(version("2.2.5") < version("2.17"));
        assert!(version("2.34") < version("2.34.1"));
        assert_eq!(version("3.4.29").to_string(), "3.4.29");
        for wrong in ["", "2.", "2.x", "-1", "1.2.3.4.5", "99999999999"] {
            assert_eq!(Version::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_name_has_a_prefix_and_a_version() {
        let parts =
            |name| symbol_version(name).map(|(prefix, version)| (prefix, version.to_string()));
        assert_eq!(parts("GLIBC_2.2.5"), Some(("GLIBC", "2.2.5".to_owned())));
        assert_eq!(parts("CXXABI_1.3.13"), Some(("CXXABI", "1.3.13".to_owned())));
        assert_eq!(parts("GLIBC_ABI_DT_RELR"), Some(("GLIBC", "2.36".to_owned())));
        for none in ["GLIBC_PRIVATE", "GLIBC", "_", "LIBTIC_"] {
            assert_eq!(parts(none), None, "{none}");
        }
    }
}
