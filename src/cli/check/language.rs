//! Which language a handler is written in, as far as its name, its first line and its libraries tell, and
//! that language's own cures: `languages.json` is the table.

mod signs;

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use super::finding::{Code, Finding};
use crate::cli::package::{elf, shebang};
use crate::config::Program;

/// How much of a file is read for its first line.
const HEAD_BYTES: u64 = 512;

/// One row of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// Its name.
    pub name: String,
    /// What interpreters' names begin with.
    programs: Vec<String>,
    /// What the names of its files end in.
    extensions: Vec<String>,
    /// Libraries that only its programs need.
    libraries: Vec<String>,
    /// What its compiler leaves in the programs that it makes.
    #[serde(default)]
    signs: Vec<String>,
    /// How standard output is flushed.
    flush: Option<String>,
    /// How lines of any length are read.
    lines: Option<String>,
    /// How JSON is printed on one line.
    one_line: Option<String>,
    /// How an error becomes an answer.
    errors: Option<String>,
    /// What keeps numbers as they are.
    numbers: Option<String>,
    /// What makes text independent of the locale.
    locale: Option<String>,
}

impl Language {
    /// Adds the language's own cure to a finding's advice, where the table has one.
    pub fn add_to(&self, finding: &mut Finding) {
        let numbers = self.numbers.as_ref().filter(|_| finding.has_number);
        let cures = match finding.code {
            Code::NotFlushed | Code::NoLineEnd => [self.flush.as_ref(), None],
            Code::LargeEvent | Code::GoesOn | Code::EarlyReply => [self.lines.as_ref(), None],
            Code::Pretty => [self.one_line.as_ref(), None],
            Code::SilentError
            | Code::DiesOfError
            | Code::ErrorAsResult
            | Code::BadLineAnswered
            | Code::BadLineMisleads => [self.errors.as_ref(), None],
            Code::ValueFatal => [self.errors.as_ref(), numbers],
            Code::ValueLossy | Code::ValueRefused => [numbers, None],
            Code::TextByLocale => [self.locale.as_ref(), None],
            Code::NotStarted
            | Code::NotReady
            | Code::NoReply
            | Code::SecondReply
            | Code::IdLost
            | Code::WrongId
            | Code::UnaskedJson
            | Code::NotJson
            | Code::ReplyAtEnd
            | Code::Exited
            | Code::ClosedPipe
            | Code::Framing
            | Code::ReplyDescriptor
            | Code::ByteOrderMark
            | Code::StrayText
            | Code::ErrorForm
            | Code::EndStatus
            | Code::LeftBehind
            | Code::ReplyTooLarge
            | Code::IgnoresSignal
            | Code::UnreadOutput
            | Code::MemoryGrows
            | Code::BadLineSticks
            | Code::BadLineUnsaid
            | Code::LogsBlock
            | Code::NoErrorSeen
            | Code::EndsEachTime => return,
        };
        let cures: Vec<&str> = cures.into_iter().flatten().map(String::as_str).collect();
        if !cures.is_empty() {
            finding.advice =
                format!("{}; in {}: {}", finding.advice, self.name, cures.join("; for numbers: "));
        }
    }
}

fn table() -> anyhow::Result<Vec<Language>> {
    serde_json::from_str(include_str!("languages.json")).context("languages.json is no such table")
}

/// The program's language; none where it cannot be told.
///
/// # Errors
/// When the table is none, which a test rules out.
pub fn tell(program: &Program) -> anyhow::Result<Option<Language>> {
    let clues = clues(program);
    let mut table = table()?;
    // What a compiler left says more than a library, which programs in other languages may need, too.
    let told = [is_named, has_sign, needs_library]
        .into_iter()
        .find_map(|is_told| table.iter().position(|language| is_told(language, &clues)));
    Ok(told.map(|at| table.swap_remove(at)))
}

/// What is known of a program.
#[derive(Debug, Default)]
struct Clues {
    /// Names of programs that may interpret it.
    programs: Vec<String>,
    /// What files' names end in.
    extensions: Vec<String>,
    /// The libraries it needs.
    libraries: Vec<String>,
    /// The texts in which compilers leave their signs.
    texts: Vec<Vec<u8>>,
}

fn is_named(language: &Language, clues: &Clues) -> bool {
    let is_one = |program: &String| {
        // python3.11 and perl5 are versions of what is in the table.
        let name = program.trim_end_matches(|end: char| end.is_ascii_digit() || "-.".contains(end));
        language.programs.iter().any(|known| known == name)
    };
    clues.programs.iter().any(is_one)
        || clues.extensions.iter().any(|extension| language.extensions.contains(extension))
}

fn has_sign(language: &Language, clues: &Clues) -> bool {
    let is_there = |sign: &String| {
        clues.texts.iter().any(|text| memchr::memmem::find(text, sign.as_bytes()).is_some())
    };
    language.signs.iter().any(is_there)
}

fn needs_library(language: &Language, clues: &Clues) -> bool {
    let needs = |known: &String| clues.libraries.iter().any(|needed| needed.starts_with(&**known));
    language.libraries.iter().any(needs)
}

fn clues(program: &Program) -> Clues {
    let mut clues = Clues::default();
    let name = Path::new(&program.name);
    clues.programs.extend(file_name(name));
    let file = find(program, name);
    let mut head = Vec::new();
    if let Some(file) = file.as_deref().and_then(|path| File::open(path).ok()) {
        // What cannot be read tells nothing.
        drop(file.take(HEAD_BYTES).read_to_end(&mut head));
    }
    if let Some(beam) = file.as_deref().and_then(of_release) {
        clues.programs.push(beam.to_owned());
    } else if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if let Ok(shebang) = shebang::parse(line) {
            let interpreter = shebang.by_env.unwrap_or(shebang.interpreter);
            clues.programs.extend(file_name(Path::new(&interpreter)));
        }
    } else {
        // Of `python3 handler.py` or `java -jar app.jar` the file says more than the program, and of a
        // program its content says more than its name: OCaml's end in .exe, too.
        let own = Some(name).filter(|_| !head.starts_with(b"\x7fELF"));
        let arguments = program.arguments.iter().map(Path::new);
        clues.extensions.extend(own.into_iter().chain(arguments).filter_map(extension));
    }
    if head.starts_with(b"\x7fELF") && clues.extensions.is_empty() {
        clues.libraries = file.as_deref().map(libraries).unwrap_or_default();
        let file = file.as_deref().and_then(|path| File::open(path).ok());
        clues.texts = file.map(|file| signs::texts(&file)).unwrap_or_default();
    }
    clues
}

/// What runs a release of the BEAM's, which a shell script in its bin folder starts.
fn of_release(script: &Path) -> Option<&'static str> {
    let root = script.parent()?.parent()?;
    if !root.join("releases").is_dir() {
        return None;
    }
    let mut libraries = std::fs::read_dir(root.join("lib")).ok()?.flatten();
    let has_elixir = libraries.any(|it| it.file_name().as_encoded_bytes().starts_with(b"elixir-"));
    Some(if has_elixir { "elixir" } else { "erl" })
}

/// What a program is: a script, a static one, or one that needs libraries; none where it cannot be told.
#[must_use]
pub fn linkage(program: &Program) -> Option<String> {
    let file = File::open(find(program, Path::new(&program.name))?).ok()?;
    match elf::read(&file) {
        Ok(elf) if elf.is_static() => Some("static".to_owned()),
        Ok(elf) => Some(format!("dynamic: {}", elf.needed.join(", "))),
        Err(elf::ElfError::NotElf) => Some("a script".to_owned()),
        Err(elf::ElfError::Broken(_) | elf::ElfError::Io(_)) => None,
    }
}

fn find(program: &Program, name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return Some(program.task_root.join(name));
    }
    let path = program.environment.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path)?;
    let folders = std::iter::once(program.task_root.clone()).chain(std::env::split_paths(path));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn libraries(file: &Path) -> Vec<String> {
    let read = File::open(file).ok().and_then(|file| elf::read(&file).ok());
    read.map(|elf| elf.needed).unwrap_or_default()
}

fn file_name(path: &Path) -> Option<String> {
    path.file_name().and_then(OsStr::to_str).map(str::to_owned)
}

fn extension(path: &Path) -> Option<String> {
    path.extension().and_then(OsStr::to_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::check::scenario::{Grade, Scenario};

    fn told(program: &str, arguments: &[&str]) -> Option<String> {
        let program = Program {
            name: program.into(),
            arguments: arguments.iter().map(Into::into).collect(),
            ..Program::default()
        };
        tell(&program).expect("a table").map(|language| language.name)
    }

    #[test]
    fn names_tell_the_language() {
        for (program, arguments, language) in [
            ("python3.11", &["-u", "handler.py"][..], Some("Python")),
            ("jq", &["-c", ".event"], Some("jq")),
            ("java", &["-jar", "app.jar"], Some("Java")),
            ("./handler.rb", &[], Some("Ruby")),
            ("./handler", &[], None),
        ] {
            assert_eq!(told(program, arguments).as_deref(), language, "{program}");
        }
    }

    #[test]
    fn a_release_is_told_from_the_shell_that_starts_it() {
        let folder = tempfile::tempdir().expect("a folder");
        for made in ["bin", "releases", "lib/kernel-8.5"] {
            std::fs::create_dir_all(folder.path().join(made)).expect("made");
        }
        let script = folder.path().join("bin/handler");
        std::fs::write(&script, "#!/bin/sh\n").expect("written");
        assert_eq!(told(script.to_str().expect("text"), &[]).as_deref(), Some("Erlang"));
        std::fs::create_dir(folder.path().join("lib/elixir-1.14.0")).expect("made");
        assert_eq!(told(script.to_str().expect("text"), &[]).as_deref(), Some("Elixir"));
    }

    #[test]
    fn a_first_line_and_libraries_tell_it_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("handler");
        std::fs::write(&file, "#!/usr/bin/env -S python3 -u\n").expect("written");
        assert_eq!(told(file.to_str().expect("text"), &[]).as_deref(), Some("Python"));
        let clues = Clues { libraries: vec!["libstdc++.so.6".to_owned()], ..Clues::default() };
        let table = table().expect("a table");
        let language = table.iter().find(|language| needs_library(language, &clues));
        assert_eq!(language.map(|language| language.name.as_str()), Some("C++"));
    }

    #[test]
    fn what_compilers_leave_tells_it_where_nothing_else_does() {
        for (text, language) in [
            (&b"\0.text\0.note.go.buildid\0"[..], Some("Go")),
            (b"GCC: (Debian) 12.2.0\0GHC 9.0.2\0", Some("Haskell")),
            (b"rustc version 1.95.0\0", Some("Rust")),
            (b"\0caml_startup\0", Some("OCaml")),
            (b"zig 0.17.1\0", Some("Zig")),
            (b"\0.shstrtab\0.rackprog\0", Some("Racket")),
            (b"\0create_main_lisp_thread\0", Some("Common Lisp")),
            (b"GCC: (Debian) 12.2.0\0", None),
        ] {
            let clues = Clues { texts: vec![text.to_vec()], ..Clues::default() };
            let table = table().expect("a table");
            let found = table.iter().find(|language| has_sign(language, &clues));
            assert_eq!(found.map(|language| language.name.as_str()), language);
        }
        let own = std::env::current_exe().expect("it runs");
        assert_eq!(told(own.to_str().expect("text"), &[]).as_deref(), Some("Rust"));
        let folder = tempfile::tempdir().expect("a folder");
        let named = folder.path().join("handler.exe");
        std::os::unix::fs::symlink(own, &named).expect("a link");
        assert_eq!(told(named.to_str().expect("text"), &[]).as_deref(), Some("Rust"));
    }

    #[test]
    fn each_finding_gets_its_own_cure() {
        let scenario = Scenario {
            name: "values",
            title: String::new(),
            grade: Grade::Should,
            clauses: Vec::new(),
            goes_on: false,
            variables: BTreeMap::new(),
            steps: Vec::new(),
        };
        let table = table().expect("a table");
        for (name, code, has_number, cure) in [
            ("Go", Code::ValueLossy, true, Some("json.RawMessage")),
            ("Go", Code::ValueLossy, false, None),
            ("Java", Code::ValueRefused, true, Some("USE_BIG_DECIMAL_FOR_FLOATS")),
            ("Java", Code::TextByLocale, false, Some("UTF_8")),
            ("Haskell", Code::TextByLocale, false, Some("hSetEncoding stdin utf8")),
            ("Elixir", Code::TextByLocale, false, Some(":io.setopts")),
            ("Perl", Code::TextByLocale, false, Some("binmode")),
            ("Zig", Code::ValueLossy, true, Some(".parse_numbers = false")),
            ("OCaml", Code::ValueLossy, true, Some("Yojson.Raw")),
            ("Python", Code::ValueFatal, true, Some("; for numbers: simplejson")),
            ("C", Code::Pretty, false, Some("cJSON_PrintUnformatted")),
            ("sed", Code::NotFlushed, false, Some("sed -u")),
            ("sed", Code::ValueLossy, true, None),
            ("Go", Code::LeftBehind, false, None),
        ] {
            let language = table.iter().find(|language| language.name == name).expect("a row");
            let mut finding =
                Finding { has_number, ..Finding::new(code, &scenario, String::new()) };
            language.add_to(&mut finding);
            let expected = cure.unwrap_or(code.advice());
            assert!(finding.advice.contains(expected), "{name}: {}", finding.advice);
            assert_eq!(finding.advice.len() > code.advice().len(), cure.is_some(), "{name}");
        }
    }

    #[test]
    fn no_two_languages_have_a_clue_in_common() {
        let mut known = std::collections::BTreeSet::new();
        for language in table().expect("a table") {
            let clues =
                [language.programs, language.extensions, language.libraries, language.signs];
            for (kind, clue) in clues
                .into_iter()
                .enumerate()
                .flat_map(|(kind, clues)| clues.into_iter().map(move |clue| (kind, clue)))
            {
                assert!(known.insert((kind, clue.clone())), "{}: {clue}", language.name);
            }
        }
    }
}
