//! The static bootstraps that a released companion carries, so that a function can be packaged on a machine
//! that has no other file of ours.  A build without the feature `embedded` has none.

use super::package::Architecture;

// Absolute paths, in variables that scripts/dist sets; without them this does not compile.
// Used, so that the linker keeps them whichever commands ask for them.
#[cfg(feature = "embedded")]
#[used]
static X86_64: &[u8] = include_bytes!(env!("LAMBDA_STDIO_BOOTSTRAP_X86_64"));
#[cfg(feature = "embedded")]
#[used]
static ARM64: &[u8] = include_bytes!(env!("LAMBDA_STDIO_BOOTSTRAP_AARCH64"));

/// The bootstrap for this architecture, as `scripts/dist` built it.
#[cfg(feature = "embedded")]
#[must_use]
pub fn bootstrap(architecture: Architecture) -> Option<&'static [u8]> {
    Some(match architecture {
        Architecture::X86_64 => X86_64,
        Architecture::Arm64 => ARM64,
    })
}

/// None: they are built after this program's own code, not before it.
#[cfg(not(feature = "embedded"))]
#[must_use]
pub fn bootstrap(_: Architecture) -> Option<&'static [u8]> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_released_build_has_both_bootstraps_and_any_other_has_none() {
        for (architecture, machine) in [(Architecture::X86_64, 62), (Architecture::Arm64, 183)] {
            let found = bootstrap(architecture).map(|file| (&file[..4], file[18]));
            let wanted = cfg!(feature = "embedded").then_some((&b"\x7fELF"[..], machine));
            assert_eq!(found, wanted, "{architecture:?}");
        }
    }
}
