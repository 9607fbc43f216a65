//! From a described package to its findings: no file is touched here, so that tables test it.

use std::collections::BTreeMap;

use super::Architecture;
use super::files::Content;
use super::finding::{Code, Finding, Severity};
use super::loader::Missing;
use super::target::Target;
use super::tree::{Entry, Odd, Oddity, Role, Tree};
use super::{names, secrets};

mod program;

/// What Lambda takes when a zip is uploaded directly, and what it unpacks at most, layers included:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub const MAX_ZIPPED_BYTES: u64 = 50 * 1024 * 1024;
/// The second of them.
pub const MAX_UNZIPPED_BYTES: u64 = 250 * 1024 * 1024;
/// What the numbers of a plain zip have room for.
const MAX_ENTRIES: usize = 65_535;
/// Lambda's limit for the handler setting.
const MAX_HANDLER: usize = 128;

const HELD: &str = "lambda-stdio package --include FILE puts a file into the package";

/// All that is known of a package before it is written.
#[derive(Debug)]
pub struct Package<'a> {
    /// The processor it is for.
    pub architecture: Architecture,
    /// The system it is for.
    pub target: &'a Target,
    /// What is in it, and what could not be.
    pub tree: &'a Tree,
    /// Libraries that were not found, each with the name of the file that leads to it.
    pub missing: &'a [(String, Missing)],
    /// The handler setting, if there is a program.
    pub handler: Option<&'a str>,
    /// Arguments that name files of this machine.
    pub file_arguments: &'a [String],
    /// Whether secrets are meant to be in it.
    pub are_secrets_allowed: bool,
}

/// What is to be said of a package, the worst first.
#[must_use]
pub fn judge(package: &Package<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for entry in &package.tree.entries {
        match entry.role {
            Role::Bootstrap => program::bootstrap(package, entry, &mut findings),
            Role::Program => program::program(package, entry, &mut findings),
            Role::Library | Role::Included => {
                if let Content::Elf(elf) = &entry.content {
                    program::binary(package, entry, elf, &mut findings);
                }
            }
        }
    }
    let missing = package.missing.iter();
    findings.extend(missing.filter_map(|(file, missing)| program::absent(package, file, missing)));
    findings.extend(package.tree.oddities.iter().map(oddity));
    secret_names(package, &mut findings);
    all_names(package, &mut findings);
    arguments(package, &mut findings);
    sizes(package, &mut findings);
    if let Some(end) = &package.target.end {
        let advice = "--target al2023 is the default, for the runtime provided.al2023";
        findings.push(warning(Code::TargetEnds, package.target.title(), end.clone(), advice));
    }
    findings.sort();
    findings
}

/// What is to be said of a zip of so many bytes.  One for an image is unpacked there, and never uploaded.
#[must_use]
pub fn zipped(target: &Target, bytes: u64) -> Option<Finding> {
    (target.runtime.is_some() && bytes > MAX_ZIPPED_BYTES).then(|| {
        warning(
            Code::ZippedSize,
            "the zip",
            format!("it has {bytes} bytes, and Lambda takes {MAX_ZIPPED_BYTES} in a direct upload"),
            "upload it to S3 and create the function with --code S3Bucket=…,S3Key=…, or deploy an image",
        )
    })
}

fn error(code: Code, path: &str, message: String, advice: &str) -> Finding {
    Finding::new(Severity::Error, code, path, message, advice)
}

fn warning(code: Code, path: &str, message: String, advice: &str) -> Finding {
    Finding::new(Severity::Warning, code, path, message, advice)
}

fn note(code: Code, path: &str, message: String, advice: &str) -> Finding {
    Finding::new(Severity::Note, code, path, message, advice)
}

fn oddity(oddity: &Oddity) -> Finding {
    let path = &oddity.path;
    let link = |message: String, advice: &str| error(Code::Link, path, message, advice);
    match &oddity.what {
        Odd::Leaves(to) => link(
            format!("it is a link to {to}, outside of the folder that is packaged"),
            "copy what it leads to into the folder, or include that by itself",
        ),
        Odd::Dangling(to) => {
            link(format!("it is a link to {to}, where nothing is"), "remove the link, or mend it")
        }
        Odd::Circle(to) => link(
            format!("it is a link to {to}, which leads back to itself"),
            "remove the link: a zip would have no end",
        ),
        Odd::Special(kind) => error(
            Code::Special,
            path,
            format!("it is {kind}, and only files can be packaged"),
            "remove it, or include what is needed file by file",
        ),
        Odd::Unreadable(why) => error(
            Code::Unreadable,
            path,
            format!("it cannot be read: {why}"),
            "make it readable, or leave it out",
        ),
        Odd::TooMuch(what) => error(
            Code::TooMany,
            path,
            format!("there are {what}"),
            "include less: only what the function needs while it runs",
        ),
    }
}

/// One finding for each secret, and one for a whole folder of them.
fn secret_names(package: &Package<'_>, findings: &mut Vec<Finding>) {
    let mut told: BTreeMap<String, &str> = BTreeMap::new();
    for entry in &package.tree.entries {
        let name = entry.shown();
        let ends = name.match_indices('/').map(|(at, _)| at).chain([name.len()]);
        let mut begin = 0;
        let mut kind = None;
        for end in ends {
            kind = name.get(begin..end).and_then(secrets::kind).zip(name.get(..end));
            if kind.is_some() {
                break;
            }
            begin = end + 1;
        }
        match kind {
            Some((kind, path)) => told.insert(path.to_owned(), kind),
            None if entry.holds_key => told.insert(name, "a private key"),
            None => continue,
        };
    }
    findings.extend(told.into_iter().map(|(path, kind)| {
        let message = format!("it holds {kind}");
        if package.are_secrets_allowed {
            note(Code::Secret, &path, message, "it is packaged, as --allow-secrets says")
        } else {
            let advice = "leave it out (Secrets Manager or Parameter Store hand secrets over), or give \
                          --allow-secrets";
            error(Code::Secret, &path, message, advice)
        }
    }));
}

fn all_names(package: &Package<'_>, findings: &mut Vec<Finding>) {
    for entry in &package.tree.entries {
        if let Some(odd) = names::oddity(&entry.name) {
            let advice = "rename it: tools would unpack it differently, or not at all";
            findings.push(error(
                Code::OddName,
                &entry.shown().escape_debug().to_string(),
                format!("its name {odd}"),
                advice,
            ));
        }
    }
    let shown: Vec<String> = package.tree.entries.iter().map(Entry::shown).collect();
    for pair in names::alike(&shown) {
        findings.push(if pair.is_same {
            error(
                Code::DuplicateName,
                &pair.one,
                if pair.one == pair.other {
                    "two files have this name in the package".to_owned()
                } else {
                    format!("it is a file, and {} needs it to be a folder", pair.other)
                },
                "rename one of them; bootstrap and lib/ are ours",
            )
        } else {
            warning(
                Code::SimilarNames,
                &pair.one,
                format!(
                    "{} is another name only where case and accents are told apart",
                    pair.other
                ),
                "Lambda tells them apart, and a developer's machine may not: rename one of them",
            )
        });
    }
    if let Some(handler) = package.handler {
        let is_allowed =
            handler.chars().count() <= MAX_HANDLER && !handler.contains(char::is_whitespace);
        if !is_allowed {
            findings.push(error(
                Code::HandlerSetting,
                handler,
                format!(
                    "a function's handler setting has at most {MAX_HANDLER} characters and no white space"
                ),
                "rename the program",
            ));
        }
    }
}

fn arguments(package: &Package<'_>, findings: &mut Vec<Finding>) {
    for argument in package.file_arguments {
        let name = argument.strip_prefix("./").unwrap_or(argument);
        if !package.tree.entries.iter().any(|entry| entry.name == name.as_bytes()) {
            let message = "an argument names this file, and it is not in the package".to_owned();
            findings.push(warning(Code::ArgumentNotPackaged, argument, message, HELD));
        }
    }
}

fn sizes(package: &Package<'_>, findings: &mut Vec<Finding>) {
    let entries = &package.tree.entries;
    let sizes = entries.iter().map(|entry| entry.identity.size);
    let total = sizes.fold(0, u64::saturating_add);
    if entries.len() > MAX_ENTRIES {
        findings.push(error(
            Code::TooMany,
            "the package",
            format!("it has {} files, and a zip has room for {MAX_ENTRIES}", entries.len()),
            "include less: only what the function needs while it runs",
        ));
    }
    // Images may have 10 GB, which is more than a zip has room for.
    if total > MAX_UNZIPPED_BYTES && package.target.runtime.is_some() {
        let mut largest: Vec<&Entry> = entries.iter().collect();
        largest.sort_by_key(|entry| std::cmp::Reverse(entry.identity.size));
        let shown = largest.iter().take(3);
        let shown: Vec<String> = shown
            .map(|entry| format!("{} ({} bytes)", entry.shown(), entry.identity.size))
            .collect();
        findings.push(error(
            Code::UnzippedSize,
            "the package",
            format!(
                "it unpacks to {total} bytes, and Lambda takes {MAX_UNZIPPED_BYTES}; the largest are {}",
                shown.join(", ")
            ),
            "strip programs, include less, or deploy an image, which may have 10 GB",
        ));
    }
}

#[cfg(test)]
mod tests;
