//! The processors that Lambda has.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A processor that Lambda has, by Lambda's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
pub enum Architecture {
    /// Intel's and AMD's.
    #[value(name = "x86_64")]
    #[serde(rename = "x86_64")]
    X86_64,
    /// Graviton's.
    #[value(name = "arm64")]
    #[serde(rename = "arm64")]
    Arm64,
}

impl Architecture {
    /// This machine's.
    #[cfg(target_arch = "aarch64")]
    pub const HERE: Self = Self::Arm64;
    /// This machine's, or Lambda's own default.
    #[cfg(not(target_arch = "aarch64"))]
    pub const HERE: Self = Self::X86_64;

    /// The processor of an ELF file's number.
    #[must_use]
    pub fn of(machine: u16) -> Option<Self> {
        [Self::X86_64, Self::Arm64].into_iter().find(|known| known.machine() == machine)
    }

    /// Its number in ELF files.
    #[must_use]
    pub fn machine(self) -> u16 {
        match self {
            Self::X86_64 => 62,
            Self::Arm64 => 183,
        }
    }

    /// What Linux calls it.
    #[must_use]
    pub fn machine_name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// What Debian calls its folders.
    #[must_use]
    pub fn triple(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-linux-gnu",
            Self::Arm64 => "aarch64-linux-gnu",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        })
    }
}
