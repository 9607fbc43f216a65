//! What is said of single files: whether they are programs at all, for this processor, and whether what
//! they need will be there.

use std::collections::BTreeMap;

use super::{Package, error, note};
use crate::cli::package::Architecture;
use crate::cli::package::elf::Elf;
use crate::cli::package::files::Content;
use crate::cli::package::finding::{Code, Finding, Severity};
use crate::cli::package::loader::Missing;
use crate::cli::package::shebang;
use crate::cli::package::target::Target;
use crate::cli::package::tree::{Entry, Role};
use crate::cli::package::version::{Version, symbol_version};

const CURE: &str = "link it statically, build it on a system as old as the target's (Amazon Linux 2023, \
                    Debian 11), or deploy an image";

/// A file that must run: what it is, then what it needs.
pub(super) fn program(package: &Package<'_>, entry: &Entry, findings: &mut Vec<Finding>) {
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

pub(super) fn bootstrap(package: &Package<'_>, entry: &Entry, findings: &mut Vec<Finding>) {
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

pub(super) fn binary(package: &Package<'_>, entry: &Entry, elf: &Elf, findings: &mut Vec<Finding>) {
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
            "it asks for the dynamic loader {loader}, which {} {}",
            package.target.title(),
            package.target.lacks()
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

pub(super) fn absent(package: &Package<'_>, file: &str, missing: &Missing) -> Option<Finding> {
    let mut entries = package.tree.entries.iter();
    let entry = entries.find(|entry| entry.shown() == file);
    let weight = match entry.map(|entry| (entry, &entry.content)) {
        Some((entry, Content::Elf(elf))) => {
            // A part of something larger, as of a JVM: whoever loads it has loaded the other part before,
            // by a path that no loader knows.  Where that is not so, the trial tells.
            let is_part = entry.role == Role::Included && elf.interpreter.is_none();
            if is_part && is_somewhere(package, &missing.name) {
                return None;
            }
            weight(package, entry, elf)
        }
        _ => Severity::Warning,
    };
    let (name, title, lacks) = (&missing.name, package.target.title(), package.target.lacks());
    let message = if missing.needed_by == file {
        format!("it needs the library {name}, which {title} {lacks} and which was not found here")
    } else {
        format!(
            "{} of what it loads needs the library {name}, which {title} {lacks} and which was not \
             found here",
            missing.needed_by
        )
    };
    let advice = "install it here so that it is bundled, name its folder in LD_LIBRARY_PATH, or link \
                  the program statically";
    Some(Finding::new(weight, Code::LibraryAbsent, file, message, advice))
}

/// Whether a file of this name is in any folder of the package.
fn is_somewhere(package: &Package<'_>, name: &str) -> bool {
    let mut entries = package.tree.entries.iter();
    entries.any(|entry| entry.shown().rsplit('/').next() == Some(name))
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
    let is_packaged = |wanted: &str| {
        wanted != name && package.tree.entries.iter().any(|entry| entry.name == wanted.as_bytes())
    };
    let is_there = |path: &str| {
        package.target.has_interpreter(path)
            || path.strip_prefix("/var/task/").is_some_and(is_packaged)
    };
    let is_found = |program: &str| {
        if program.contains('/') {
            return is_there(program);
        }
        package.target.has_program(program) || is_packaged(program)
    };
    let missing = if is_there(&parsed.interpreter) {
        parsed.by_env.filter(|program| !is_found(program))?
    } else {
        parsed.interpreter
    };
    // A layer's files are in /opt, and which they are is not known here.
    let may_be_there = !package.target.is_complete || missing.starts_with("/opt/");
    let severity = if may_be_there { Severity::Warning } else { Severity::Error };
    Some(Finding::new(
        severity,
        Code::InterpreterAbsent,
        name,
        if package.target.is_complete {
            format!("its interpreter {missing} is not in {title}")
        } else {
            format!("its interpreter {missing} is not known to be in {title}")
        },
        "deploy an image that has it, add it as a layer, or compile the program; an interpreter that is one \
         file can be included, and be named as #!/usr/bin/env NAME",
    ))
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
