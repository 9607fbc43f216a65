//! From a described package to its findings: no file is touched here, so that tables test it.

use std::collections::BTreeMap;

use super::Architecture;
use super::elf::Elf;
use super::files::Content;
use super::finding::{Code, Finding, Severity};
use super::loader::Missing;
use super::target::Target;
use super::tree::{Entry, Odd, Oddity, Role, Tree};
use super::version::{Version, symbol_version};
use super::{names, secrets, shebang};

/// What Lambda takes when a zip is uploaded directly, and what it unpacks at most, layers included:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub const MAX_ZIPPED_BYTES: u64 = 50 * 1024 * 1024;
/// The second of them.
pub const MAX_UNZIPPED_BYTES: u64 = 250 * 1024 * 1024;
/// What the numbers of a plain zip have room for.
const MAX_ENTRIES: usize = 65_535;
/// Lambda's limit for the handler setting.
const MAX_HANDLER: usize = 128;

const CURE: &str = "link it statically, build it on a system as old as the target's (Amazon Linux 2023, \
                    Debian 11), or deploy an image";
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
            Role::Bootstrap => bootstrap(package, entry, &mut findings),
            Role::Program => program(package, entry, &mut findings),
            Role::Library | Role::Included => {
                if let Content::Elf(elf) = &entry.content {
                    binary(package, entry, elf, &mut findings);
                }
            }
        }
    }
    findings.extend(package.missing.iter().map(|(file, missing)| absent(package, file, missing)));
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

/// What is to be said of a zip of so many bytes.
#[must_use]
pub fn zipped(bytes: u64) -> Option<Finding> {
    (bytes > MAX_ZIPPED_BYTES).then(|| {
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

/// A file that must run: what it is, then what it needs.
fn program(package: &Package<'_>, entry: &Entry, findings: &mut Vec<Finding>) {
    let name = entry.shown();
    let no_program =
        |what: &str, advice: &str| error(Code::NoProgram, &name, what.to_owned(), advice);
    match &entry.content {
        Content::Elf(elf) => binary(package, entry, elf, findings),
        Content::Script(line) => findings.extend(script(package, &name, line)),
        Content::BrokenElf(why) => findings.push(error(
            Code::BrokenElf,
            &name,
            why.clone(),
            "build it again: it was probably copied or written only in part",
        )),
        Content::Empty => findings.push(no_program("it is empty", "build it again")),
        Content::Windows => findings
            .push(no_program("it is a Windows program", "build it for Linux, as Lambda runs")),
        Content::MacOs => findings.push(no_program(
            "it is a macOS program (or a Java class)",
            "build it for Linux, as Lambda runs",
        )),
        Content::Other => findings.push(no_program(
            "it is neither an ELF program nor a script that begins with #!",
            "name the program itself, or begin a script with a line such as #!/bin/sh",
        )),
    }
    if !entry.is_executable {
        findings.push(note(
            Code::NoRunBit,
            &name,
            "it is not marked as a program here".to_owned(),
            "it is so in the zip; chmod +x sets it here too",
        ));
    }
}

fn bootstrap(package: &Package<'_>, entry: &Entry, findings: &mut Vec<Finding>) {
    program(package, entry, findings);
    findings.retain(|finding| finding.code != Code::NoRunBit || finding.path != entry.shown());
    if let Content::Elf(elf) = &entry.content
        && !elf.is_static()
    {
        let asks = elf.interpreter.clone().unwrap_or_else(|| elf.needed.join(", "));
        findings.push(error(
            Code::DynamicBootstrap,
            &entry.shown(),
            format!("{} is linked dynamically (it asks for {asks})", entry.path.display()),
            "give the static one with --bootstrap FILE: cargo build --profile bootstrap \
             --no-default-features --bin bootstrap --target x86_64-unknown-linux-musl (or aarch64-…)",
        ));
    }
}

/// How much it matters that something is wrong with a file: what is only carried along may never be used.
fn weight(package: &Package<'_>, entry: &Entry, elf: &Elf) -> Severity {
    let is_certain = match entry.role {
        Role::Bootstrap | Role::Program | Role::Library => true,
        Role::Included => {
            elf.interpreter.is_some() && elf.machine == package.architecture.machine()
        }
    };
    if is_certain && package.target.is_complete { Severity::Error } else { Severity::Warning }
}

fn binary(package: &Package<'_>, entry: &Entry, elf: &Elf, findings: &mut Vec<Finding>) {
    let name = entry.shown();
    let weight = weight(package, entry, elf);
    let architecture = package.architecture;
    if elf.machine != architecture.machine() || !elf.is_64_bit {
        let other = Architecture::of(elf.machine).filter(|_| elf.is_64_bit);
        let severity =
            if entry.role == Role::Included { Severity::Warning } else { Severity::Error };
        let advice = match other {
            Some(other) => format!("build it for {architecture}, or package for --arch {other}"),
            None => format!("build it for {architecture}: Lambda has x86_64 and arm64"),
        };
        let message = format!(
            "it is built for {}, and the package is for {architecture}",
            machine_name(elf.machine)
        );
        findings.push(Finding::new(severity, Code::WrongArchitecture, &name, message, &advice));
        return;
    }
    if let Some(loader) = &elf.interpreter
        && !package.target.has_loader(loader, architecture)
    {
        let message = format!(
            "it asks for the dynamic loader {loader}, which {} has not",
            package.target.title()
        );
        findings.push(Finding::new(weight, Code::LoaderAbsent, &name, message, CURE));
    }
    for (library, version, provided) in too_new(elf, package.target) {
        let message = format!(
            "it needs {version} of {library}, and {} has {provided}",
            package.target.title()
        );
        findings.push(Finding::new(weight, Code::LibraryTooOld, &name, message, CURE));
    }
}

/// For each library that is too old the newest version needed of it, and the newest it provides.
fn too_new<'a>(elf: &'a Elf, target: &'a Target) -> Vec<(&'a str, &'a str, &'a Version)> {
    let mut worst: BTreeMap<(&str, &str), (Version, &str, &Version)> = BTreeMap::new();
    // Without a weak one the loader starts a program all the same.
    for needed in elf.versions.iter().filter(|needed| !needed.is_weak) {
        let Some((prefix, version)) = symbol_version(&needed.name) else { continue };
        // glibc's parts carry its versions, each under a name of its own.
        let library = if prefix == "GLIBC" { "libc.so.6" } else { needed.library.as_str() };
        let Some(provided) = target.provides(library, prefix).filter(|has| version > **has) else {
            continue;
        };
        let seen = worst.get(&(needed.library.as_str(), prefix));
        if seen.is_none_or(|(newest, _, _)| version > *newest) {
            worst.insert((&needed.library, prefix), (version, &needed.name, provided));
        }
    }
    let rows = worst.into_iter();
    rows.map(|((library, _), (_, name, provided))| (library, name, provided)).collect()
}

fn absent(package: &Package<'_>, file: &str, missing: &Missing) -> Finding {
    let mut entries = package.tree.entries.iter();
    let entry = entries.find(|entry| entry.shown() == file);
    let weight = match entry.map(|entry| (entry, &entry.content)) {
        Some((entry, Content::Elf(elf))) => weight(package, entry, elf),
        _ => Severity::Warning,
    };
    let (name, title) = (&missing.name, package.target.title());
    let message = if missing.needed_by == file {
        format!("it needs the library {name}, which {title} has not and which was not found here")
    } else {
        format!(
            "{} of what it loads needs the library {name}, which {title} has not and which was not \
             found here",
            missing.needed_by
        )
    };
    let advice = "install it here so that it is bundled, name its folder in LD_LIBRARY_PATH, or link \
                  the program statically";
    Finding::new(weight, Code::LibraryAbsent, file, message, advice)
}

fn script(package: &Package<'_>, name: &str, line: &[u8]) -> Option<Finding> {
    let parsed = match shebang::parse(line) {
        Ok(parsed) => parsed,
        Err(shebang::Wrong::CarriageReturn) => {
            return Some(error(
                Code::CarriageReturn,
                name,
                "its first line ends in a carriage return (CRLF), which becomes part of the \
                 interpreter's name"
                    .to_owned(),
                "save the script with LF line ends: sed -i 's/\\r$//' FILE",
            ));
        }
        Err(shebang::Wrong::Empty) => {
            return Some(error(
                Code::InterpreterAbsent,
                name,
                "its first line names no interpreter".to_owned(),
                "begin it with a line such as #!/bin/sh",
            ));
        }
    };
    let title = package.target.title();
    let missing = if package.target.has_interpreter(&parsed.interpreter) {
        let is_packaged = |wanted: &str| {
            wanted != name
                && package.tree.entries.iter().any(|entry| entry.name == wanted.as_bytes())
        };
        parsed.by_env.filter(|name| !package.target.has_program(name) && !is_packaged(name))?
    } else {
        parsed.interpreter
    };
    let severity = if package.target.is_complete { Severity::Error } else { Severity::Warning };
    Some(Finding::new(
        severity,
        Code::InterpreterAbsent,
        name,
        format!("its interpreter {missing} is not in {title}"),
        "deploy an image that has it, add it as a layer, or compile the program; an interpreter that is one \
         file can be included, and be named as #!/usr/bin/env NAME",
    ))
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
    let total: u64 = entries.iter().map(|entry| entry.identity.size).sum();
    if entries.len() > MAX_ENTRIES {
        findings.push(error(
            Code::TooMany,
            "the package",
            format!("it has {} files, and a zip has room for {MAX_ENTRIES}", entries.len()),
            "include less: only what the function needs while it runs",
        ));
    }
    if total > MAX_UNZIPPED_BYTES {
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

fn machine_name(machine: u16) -> String {
    match machine {
        3 => "32-bit x86".to_owned(),
        40 => "32-bit ARM".to_owned(),
        62 => "x86_64".to_owned(),
        183 => "arm64".to_owned(),
        243 => "RISC-V".to_owned(),
        other => format!("machine number {other}"),
    }
}

#[cfg(test)]
mod tests;
