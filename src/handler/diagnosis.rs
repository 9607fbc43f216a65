//! Why a program could not start, in words: the file is read only once the kernel has refused it, or once
//! the program has ended before it was ready.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use nix::errno::Errno;

use super::best_effort;
use super::locate::contents;

/// How much of a file is looked at: headers, or the first line of a script.
const HEAD_BYTES: usize = 4096;

/// Why exec refused a program.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "errnos are many, and most speak for themselves"
)]
pub(super) fn why_exec_failed(program: &Path, errno: Errno) -> String {
    let shown = program.display();
    let reason = match errno {
        Errno::ENOENT if !program.exists() => {
            let folder = program.parent().unwrap_or(Path::new("/"));
            format!("there is no such file; {}", contents(folder))
        }
        Errno::ENOENT => missing_helper(program),
        Errno::EACCES if program.is_dir() => "it is a directory".to_owned(),
        Errno::EACCES => "it is not executable: chmod +x it before it is packaged (or its folder \
                          cannot be entered, or its file system is mounted noexec)"
            .to_owned(),
        Errno::ENOEXEC => wrong_format(program),
        Errno::ENOTDIR => "a part of its path is not a folder".to_owned(),
        Errno::ELOOP => "its symbolic links go round in a circle".to_owned(),
        Errno::E2BIG => {
            "its arguments and environment are larger than the kernel allows".to_owned()
        }
        Errno::ETXTBSY => "its file is being written".to_owned(),
        _ => errno.desc().to_owned(),
    };
    format!("cannot start {shown}: {reason} ({errno:?})")
}

/// The file is there, but what it needs to be started with is not.
fn missing_helper(program: &Path) -> String {
    let head = head(program);
    if let Some(line) = shebang(&head) {
        return if line.ends_with('\r') {
            format!(
                "its first line {line:?} ends in a carriage return (CRLF): save the script with LF line \
                 ends"
            )
        } else {
            let interpreter = line.split_ascii_whitespace().next().unwrap_or_default();
            format!("its interpreter {interpreter:?}, named in its first line, is not here")
        };
    }
    match elf(&head) {
        Some(Elf { loader: Some(loader), .. }) => format!(
            "its dynamic loader {loader:?} is not here: it was built for another system; link it \
             statically, or build it on the system it runs on"
        ),
        Some(Elf { loader: None, .. }) | None => {
            "the file is there, but something it needs to start is not".to_owned()
        }
    }
}

/// The kernel does not know what to do with the file.
fn wrong_format(program: &Path) -> String {
    let head = head(program);
    if head.is_empty() {
        return "the file is empty".to_owned();
    }
    if let Some(line) = shebang(&head) {
        return format!("its first line {line:?} names no interpreter that can be started");
    }
    match elf(&head) {
        Some(Elf { machine, .. }) if machine != Some(OUR_MACHINE) => format!(
            "it is built for {}, and this is {}",
            machine.map_or("an unknown machine".to_owned(), machine_name),
            machine_name(OUR_MACHINE)
        ),
        Some(_) => "its ELF file is broken or cut off".to_owned(),
        None if head.starts_with(b"MZ") => "it is a Windows program".to_owned(),
        None if head.starts_with(b"\xcf\xfa\xed\xfe") || head.starts_with(b"\xca\xfe\xba\xbe") => {
            "it is a macOS program (or a Java class)".to_owned()
        }
        None => "it is neither an ELF program nor a script that begins with #!".to_owned(),
    }
}

/// What a program's last words say about an end before it was ready.
pub(super) fn why_it_ended(last_words: &str) -> Option<String> {
    let says = |words: &str| last_words.contains(words);
    if says("version `GLIBC_") || says("version `GLIBCXX_") {
        return Some(
            "it was built against a newer C library than there is here: link it statically, build it on \
             an older system, or deploy an image"
                .to_owned(),
        );
    }
    if says("error while loading shared libraries") || says("Error loading shared library") {
        return Some(
            "a shared library is missing: put it into lib/ beside the program, or link it statically"
                .to_owned(),
        );
    }
    if says("env: ") && says("No such file") && (says("\\r'") || says("\r'")) {
        return Some(
            "the script's first line ends in a carriage return (CRLF): save the script with LF line ends"
                .to_owned(),
        );
    }
    None
}

fn head(program: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    if let Ok(file) = File::open(program) {
        // What could be read is looked at; the rest is not needed.
        best_effort(file.take(HEAD_BYTES as u64).read_to_end(&mut head));
    }
    head
}

/// The first line of a script behind its `#!`.
fn shebang(head: &[u8]) -> Option<String> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = line.get(..200).unwrap_or(line);
    Some(String::from_utf8_lossy(line).trim_start().to_owned())
}

/// What an ELF header says.
struct Elf {
    machine: Option<u16>,
    loader: Option<String>,
}

#[cfg(target_arch = "x86_64")]
pub(super) const OUR_MACHINE: u16 = 62;
#[cfg(target_arch = "aarch64")]
pub(super) const OUR_MACHINE: u16 = 183;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) const OUR_MACHINE: u16 = 0;

fn machine_name(machine: u16) -> String {
    match machine {
        3 => "32-bit x86".to_owned(),
        40 => "32-bit ARM".to_owned(),
        62 => "x86_64".to_owned(),
        183 => "arm64 (aarch64)".to_owned(),
        243 => "RISC-V".to_owned(),
        other => {
            let mut name = "machine number ".to_owned();
            write!(name, "{other}").expect("a String takes every text");
            name
        }
    }
}

fn elf(head: &[u8]) -> Option<Elf> {
    let head = head.strip_prefix(b"\x7fELF").map(|_| head)?;
    Some(Elf { machine: number(head, 18), loader: loader(head) })
}

/// The interpreter an ELF program of 64 bits asks for.
fn loader(head: &[u8]) -> Option<String> {
    const PT_INTERP: u32 = 3;
    let table = usize::try_from(long(head, 32)?).ok()?;
    let size = usize::from(number(head, 54)?);
    let count = usize::from(number(head, 56)?);
    for index in 0..count {
        let entry = head.get(table.checked_add(index.checked_mul(size)?)?..)?;
        let kind = u32::from_le_bytes(entry.first_chunk().copied()?);
        if kind == PT_INTERP {
            let from = usize::try_from(long(entry, 8)?).ok()?;
            let length = usize::try_from(long(entry, 32)?).ok()?;
            let name = head.get(from..from.checked_add(length)?)?;
            return Some(String::from_utf8_lossy(name.strip_suffix(b"\0").unwrap_or(name)).into());
        }
    }
    None
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(content: &[u8], errno: Errno) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("program");
        std::fs::write(&file, content).expect("a file");
        let said = why_exec_failed(&file, errno);
        said.replace(&file.display().to_string(), "program")
    }

    /// A 64-byte header for a machine, with a loader if asked for.
    fn elf_for(machine: u16, loader: Option<&str>) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        file[18..20].copy_from_slice(&machine.to_le_bytes());
        if let Some(loader) = loader {
            file[32..40].copy_from_slice(&64u64.to_le_bytes());
            file[54..56].copy_from_slice(&56u16.to_le_bytes());
            file[56..58].copy_from_slice(&1u16.to_le_bytes());
            file.extend([0; 56]);
            file[64..68].copy_from_slice(&3u32.to_le_bytes());
            file[72..80].copy_from_slice(&120u64.to_le_bytes());
            file[96..104].copy_from_slice(&(loader.len() as u64 + 1).to_le_bytes());
            file.extend(loader.as_bytes());
            file.push(0);
        }
        file
    }

    #[test]
    fn each_refusal_has_its_reason() {
        let other = if OUR_MACHINE == 62 { 183 } else { 62 };
        for (content, errno, reason) in [
            (&b""[..], Errno::ENOEXEC, "the file is empty (ENOEXEC)"),
            (
                b"echo hi\n",
                Errno::ENOEXEC,
                "it is neither an ELF program nor a script that begins with #! (ENOEXEC)",
            ),
            (b"MZ\x90", Errno::ENOEXEC, "it is a Windows program (ENOEXEC)"),
            (
                b"#!/bin/sh\r\n",
                Errno::ENOENT,
                "its first line \"/bin/sh\\r\" ends in a carriage return (CRLF): save the script with LF line ends (ENOENT)",
            ),
            (
                b"#! /opt/none/python3 -u\n",
                Errno::ENOENT,
                "its interpreter \"/opt/none/python3\", named in its first line, is not here (ENOENT)",
            ),
            (b"x", Errno::ENOMEM, "Out of memory (ENOMEM)"),
        ] {
            assert_eq!(said(content, errno), format!("cannot start program: {reason}"));
        }
        let wrong = said(&elf_for(other, None), Errno::ENOEXEC);
        assert_eq!(
            wrong,
            format!(
                "cannot start program: it is built for {}, and this is {} (ENOEXEC)",
                machine_name(other),
                machine_name(OUR_MACHINE)
            )
        );
        let cut = said(&elf_for(OUR_MACHINE, None), Errno::ENOEXEC);
        assert_eq!(cut, "cannot start program: its ELF file is broken or cut off (ENOEXEC)");
        let loader = said(&elf_for(OUR_MACHINE, Some("/lib/ld-none.so.1")), Errno::ENOENT);
        assert!(
            loader.contains("its dynamic loader \"/lib/ld-none.so.1\" is not here"),
            "{loader}"
        );
    }

    #[test]
    fn a_missing_file_is_told_with_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("other"), "").expect("a file");
        let said = why_exec_failed(&folder.path().join("program"), Errno::ENOENT);
        assert!(
            said.contains("there is no such file; ") && said.ends_with("holds other (ENOENT)"),
            "{said}"
        );
        let said = why_exec_failed(folder.path(), Errno::EACCES);
        assert!(said.ends_with("it is a directory (EACCES)"), "{said}");
    }

    #[test]
    fn a_cut_header_is_no_panic() {
        let file = elf_for(OUR_MACHINE, Some("/lib/ld.so"));
        for length in 0..file.len() {
            assert!(!said(&file[..length], Errno::ENOENT).is_empty());
            assert!(!said(&file[..length], Errno::ENOEXEC).is_empty());
        }
    }

    #[test]
    fn last_words_of_the_loader_are_understood() {
        assert!(
            why_it_ended("./x: /lib/libc.so.6: version `GLIBC_2.38' not found")
                .expect("a reason")
                .contains("newer C library")
        );
        assert!(
            why_it_ended("x: error while loading shared libraries: libgmp.so.10")
                .expect("a reason")
                .contains("lib/")
        );
        for words in
            ["/usr/bin/env: 'sh\\r': No such file", "env: can't execute 'sh\r': No such file"]
        {
            assert!(why_it_ended(words).expect("a reason").contains("CRLF"));
        }
        assert_eq!(why_it_ended("Traceback"), None);
    }
}
