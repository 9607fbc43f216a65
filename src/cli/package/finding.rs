//! A finding: what is wrong with a package, in words, and what to do about it.

use serde::Serialize;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The function will not run, or what must not be told would be: nothing is written.
    Error,
    /// It may not run.
    Warning,
    /// It is told, and taken care of.
    Note,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What it is about.  The numbers are part of the command's interface: they stay, and are not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The program is none.
    NoProgram,
    /// It is for another processor.
    WrongArchitecture,
    /// Its ELF file makes no sense.
    BrokenElf,
    /// Its dynamic loader will not be there.
    LoaderAbsent,
    /// A library will not be there.
    LibraryAbsent,
    /// A library will be there, and too old.
    LibraryTooOld,
    /// A script's first line ends in a carriage return.
    CarriageReturn,
    /// A script's interpreter will not be there.
    InterpreterAbsent,
    /// The file was not marked as a program.
    NoRunBit,
    /// A link leads out of what is packaged, or nowhere.
    Link,
    /// A device, a socket, a pipe.
    Special,
    /// Something that is not to be told.
    Secret,
    /// The zip is too large to be uploaded directly.
    ZippedSize,
    /// What is in it is too large for Lambda.
    UnzippedSize,
    /// Two files have one name.
    DuplicateName,
    /// Two names are told apart by their letters' case or composition only.
    SimilarNames,
    /// A name that tools do not agree on.
    OddName,
    /// The bootstrap needs things of the system.
    DynamicBootstrap,
    /// An argument names a file that is not packaged.
    ArgumentNotPackaged,
    /// The program's name cannot be a function's handler setting.
    HandlerSetting,
    /// More than a plain zip can hold.
    TooMany,
    /// A file cannot be read.
    Unreadable,
    /// The target itself is at its end.
    TargetEnds,
    /// The zip was run, and did not.
    Verification,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::NoProgram,
        Self::WrongArchitecture,
        Self::BrokenElf,
        Self::LoaderAbsent,
        Self::LibraryAbsent,
        Self::LibraryTooOld,
        Self::CarriageReturn,
        Self::InterpreterAbsent,
        Self::NoRunBit,
        Self::Link,
        Self::Special,
        Self::Secret,
        Self::ZippedSize,
        Self::UnzippedSize,
        Self::DuplicateName,
        Self::SimilarNames,
        Self::OddName,
        Self::DynamicBootstrap,
        Self::ArgumentNotPackaged,
        Self::HandlerSetting,
        Self::TooMany,
        Self::Unreadable,
        Self::TargetEnds,
        Self::Verification,
    ];

    /// Its number, as `P001`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::NoProgram => "P001",
            Self::WrongArchitecture => "P002",
            Self::BrokenElf => "P003",
            Self::LoaderAbsent => "P004",
            Self::LibraryAbsent => "P005",
            Self::LibraryTooOld => "P006",
            Self::CarriageReturn => "P007",
            Self::InterpreterAbsent => "P008",
            Self::NoRunBit => "P009",
            Self::Link => "P010",
            Self::Special => "P011",
            Self::Secret => "P012",
            Self::ZippedSize => "P013",
            Self::UnzippedSize => "P014",
            Self::DuplicateName => "P015",
            Self::SimilarNames => "P016",
            Self::OddName => "P017",
            Self::DynamicBootstrap => "P018",
            Self::ArgumentNotPackaged => "P019",
            Self::HandlerSetting => "P020",
            Self::TooMany => "P021",
            Self::Unreadable => "P022",
            Self::TargetEnds => "P023",
            Self::Verification => "P024",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    #[serde(serialize_with = "id")]
    pub code: Code,
    /// Whose it is: a name in the zip, or where it was found.
    pub path: String,
    /// What is wrong, as a clause with its values.
    pub message: String,
    /// What to do.
    pub advice: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn id<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.id())
}

impl Finding {
    /// A finding.
    #[must_use]
    pub fn new(severity: Severity, code: Code, path: &str, message: String, advice: &str) -> Self {
        Self { severity, code, path: path.to_owned(), message, advice: advice.to_owned() }
    }
}

/// Whether any of them forbids the package.
#[must_use]
pub fn forbid(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_number_of_its_own() {
        for (index, code) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code.id(), format!("P{:03}", index + 1));
        }
    }
}
