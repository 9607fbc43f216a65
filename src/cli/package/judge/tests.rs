use std::path::PathBuf;

use super::*;
use crate::cli::package::elf::{Elf, Needed};
use crate::cli::package::files::{self, Identity};

/// A described package, of which a test changes what it is about.
struct Described {
    tree: Tree,
    missing: Vec<(String, Missing)>,
    target: Target,
    handler: String,
    file_arguments: Vec<String>,
    are_secrets_allowed: bool,
}

impl Described {
    fn new() -> Self {
        let mut described = Self {
            tree: Tree::default(),
            missing: Vec::new(),
            target: Target::find("al2023").expect("a table"),
            handler: "handler".to_owned(),
            file_arguments: Vec::new(),
            are_secrets_allowed: false,
        };
        described.add("bootstrap", Role::Bootstrap, Content::Elf(Box::new(program())));
        described
    }

    fn with(content: Content) -> Self {
        let mut described = Self::new();
        described.add("handler", Role::Program, content);
        described
    }

    fn add(&mut self, name: &str, role: Role, content: Content) -> &mut Entry {
        self.tree.entries.push(Entry {
            name: name.as_bytes().to_vec(),
            role,
            path: PathBuf::from("/here").join(name),
            held: None,
            identity: identity(),
            is_executable: true,
            content,
            holds_key: false,
        });
        self.tree.entries.last_mut().expect("it was just added")
    }

    fn included(name: &str) -> Self {
        let mut described = Self::with(Content::Elf(Box::new(program())));
        described.add(name, Role::Included, Content::Other);
        described
    }

    fn findings(&self) -> Vec<Finding> {
        judge(&Package {
            architecture: Architecture::X86_64,
            target: &self.target,
            tree: &self.tree,
            missing: &self.missing,
            handler: Some(&self.handler),
            file_arguments: &self.file_arguments,
            are_secrets_allowed: self.are_secrets_allowed,
        })
    }

    /// Every finding as `error P001 path: message`.
    fn said(&self) -> Vec<String> {
        let findings = self.findings().into_iter();
        findings
            .inspect(|finding| assert!(!finding.advice.is_empty(), "{finding:?}"))
            .map(|finding| {
                let (severity, code) = (finding.severity.word(), finding.code.id());
                format!("{severity} {code} {}: {}", finding.path, finding.message)
            })
            .collect()
    }
}

fn identity() -> Identity {
    let mut identity = Identity::of(&std::fs::metadata("/").expect("a root"));
    identity.size = 100;
    identity
}

fn program() -> Elf {
    Elf { machine: 62, is_64_bit: true, is_program: true, ..Elf::default() }
}

fn dynamic(versions: &[(&str, &str, bool)]) -> Elf {
    let versions = versions.iter().map(|(library, name, is_weak)| Needed {
        library: (*library).to_owned(),
        name: (*name).to_owned(),
        is_weak: *is_weak,
    });
    Elf {
        interpreter: Some("/lib64/ld-linux-x86-64.so.2".to_owned()),
        needed: vec!["libc.so.6".to_owned()],
        versions: versions.collect(),
        ..program()
    }
}

fn of(elf: Elf) -> Vec<String> {
    Described::with(Content::Elf(Box::new(elf))).said()
}

#[test]
fn a_good_package_has_no_findings() {
    assert_eq!(of(program()), [""; 0]);
    assert_eq!(of(dynamic(&[("libc.so.6", "GLIBC_2.34", false)])), [""; 0]);
    for line in ["/bin/sh", "/usr/bin/env bash", " /bin/bash -e"] {
        assert_eq!(Described::with(Content::Script(line.into())).said(), [""; 0], "{line}");
    }
}

#[test]
fn what_is_no_program_is_told() {
    for (content, said) in [
        (Content::Empty, "error P001 handler: it is empty"),
        (Content::Windows, "error P001 handler: it is a Windows program"),
        (Content::MacOs, "error P001 handler: it is a macOS program (or a Java class)"),
        (
            Content::Other,
            "error P001 handler: it is neither an ELF program nor a script that begins with #!",
        ),
        (
            Content::BrokenElf("its header is cut off or broken".to_owned()),
            "error P003 handler: its header is cut off or broken",
        ),
        (
            Content::Script(b"/bin/sh\r".to_vec()),
            "error P007 handler: its first line ends in a carriage return (CRLF), which becomes part of \
             the interpreter's name",
        ),
        (
            Content::Script(b"/usr/bin/python3".to_vec()),
            "error P008 handler: its interpreter /usr/bin/python3 is not in provided.al2023",
        ),
        (
            Content::Script(b"/usr/bin/env -S node --x".to_vec()),
            "error P008 handler: its interpreter node is not in provided.al2023",
        ),
        (Content::Script(vec![]), "error P008 handler: its first line names no interpreter"),
    ] {
        assert_eq!(Described::with(content).said(), [said]);
    }
}

#[test]
fn an_interpreter_that_is_packaged_is_found_by_env() {
    let mut described = Described::with(Content::Script(b"/usr/bin/env jq".to_vec()));
    described.add("jq", Role::Included, Content::Elf(Box::new(program())));
    assert_eq!(described.said(), [""; 0]);
}

#[test]
fn a_program_for_another_machine_is_told_with_both() {
    assert_eq!(
        of(Elf { machine: 183, ..program() }),
        ["error P002 handler: it is built for arm64, and the package is for x86_64"]
    );
    assert_eq!(
        of(Elf { machine: 3, is_64_bit: false, ..program() }),
        ["error P002 handler: it is built for 32-bit x86, and the package is for x86_64"]
    );
    let mut described = Described::included("x");
    described.add(
        "other.so",
        Role::Included,
        Content::Elf(Box::new(Elf { machine: 183, ..program() })),
    );
    assert_eq!(
        described.said(),
        ["warning P002 other.so: it is built for arm64, and the package is for x86_64"]
    );
}

#[test]
fn a_system_that_is_too_old_is_told_with_the_newest_version_needed() {
    let versions = [
        ("libc.so.6", "GLIBC_2.36", false),
        ("libc.so.6", "GLIBC_2.38", false),
        ("libc.so.6", "GLIBC_2.4", false),
        ("libc.so.6", "GLIBC_2.40", true),
        ("libm.so.6", "GLIBC_2.35", false),
        ("libstdc++.so.6", "GLIBCXX_3.4.30", false),
        ("libstdc++.so.6", "CXXABI_1.3.13", false),
        ("libother.so.1", "OTHER_9", false),
    ];
    assert_eq!(
        of(dynamic(&versions)),
        [
            "error P006 handler: it needs GLIBCXX_3.4.30 of libstdc++.so.6, and provided.al2023 has 3.4.29",
            "error P006 handler: it needs GLIBC_2.35 of libm.so.6, and provided.al2023 has 2.34",
            "error P006 handler: it needs GLIBC_2.38 of libc.so.6, and provided.al2023 has 2.34",
        ]
    );
    let mut described = Described::included("x");
    let library = Elf { interpreter: None, ..dynamic(&[("libc.so.6", "GLIBC_2.38", false)]) };
    described.add("lib/a.so", Role::Library, Content::Elf(Box::new(library.clone())));
    described.add("b.so", Role::Included, Content::Elf(Box::new(library)));
    let said = described.said();
    assert!(said[0].starts_with("error P006 lib/a.so: it needs GLIBC_2.38"), "{said:?}");
    assert!(said[1].starts_with("warning P006 b.so: it needs GLIBC_2.38"), "{said:?}");
}

#[test]
fn what_is_not_there_is_told() {
    let loader = Some("/lib/ld-musl-x86_64.so.1".to_owned());
    assert_eq!(
        of(Elf { interpreter: loader, ..program() }),
        ["error P004 handler: it asks for the dynamic loader /lib/ld-musl-x86_64.so.1, which \
             provided.al2023 has not"]
    );
    let mut described = Described::with(Content::Elf(Box::new(dynamic(&[]))));
    let missing =
        |name: &str, by: &str| Missing { name: name.to_owned(), needed_by: by.to_owned() };
    described.missing.push(("handler".to_owned(), missing("liba.so.1", "handler")));
    described.missing.push(("handler".to_owned(), missing("libb.so.1", "liba2.so")));
    assert_eq!(
        described.said(),
        [
            "error P005 handler: it needs the library liba.so.1, which provided.al2023 has not and which \
             was not found here",
            "error P005 handler: liba2.so of what it loads needs the library libb.so.1, which \
             provided.al2023 has not and which was not found here",
        ]
    );
    described.target = Target::find("image").expect("a table");
    assert_eq!(
        described.said(),
        [
            "warning P005 handler: it needs the library liba.so.1, which image is not known to have and \
             which was not found here",
            "warning P005 handler: liba2.so of what it loads needs the library libb.so.1, which image is not \
             known to have and which was not found here",
        ]
    );
}

#[test]
fn what_an_image_has_not_is_what_is_not_known_of_it() {
    let script = Content::Script(b"/usr/bin/env python3".to_vec());
    let mut described = Described::with(script);
    described.target = Target::find("image").expect("a table");
    let known = "warning P008 handler: its interpreter /usr/bin/env is not known to be in image";
    assert_eq!(described.said(), [known]);
    let mut elsewhere = dynamic(&[]);
    elsewhere.interpreter = Some("/lib/ld-musl-x86_64.so.1".to_owned());
    let mut described = Described::with(Content::Elf(Box::new(elsewhere)));
    described.target = Target::find("image").expect("a table");
    let known = "warning P004 handler: it asks for the dynamic loader /lib/ld-musl-x86_64.so.1, which \
                 image is not known to have";
    assert_eq!(described.said(), [known]);
}

#[test]
fn an_image_is_taken_to_have_the_c_library_of_its_programs() {
    let mut described =
        Described::with(Content::Elf(Box::new(dynamic(&[("libc.so.6", "GLIBC_2.39", false)]))));
    described.target = Target::find("image").expect("a table");
    assert_eq!(described.said(), [""; 0]);
}

#[test]
fn a_part_of_something_larger_finds_another_part_wherever_it_lies() {
    let part = Elf { interpreter: None, ..dynamic(&[]) };
    let launcher = dynamic(&[]);
    let mut described = Described::included("runtime/lib/server/libjvm.so");
    described.add("runtime/lib/libjava.so", Role::Included, Content::Elf(Box::new(part)));
    described.add("runtime/bin/jwebserver", Role::Included, Content::Elf(Box::new(launcher)));
    for (file, name) in [
        ("runtime/lib/libjava.so", "libjvm.so"),
        ("runtime/lib/libjava.so", "libnone.so"),
        ("runtime/bin/jwebserver", "libjvm.so"),
    ] {
        let missing = Missing { name: name.to_owned(), needed_by: file.to_owned() };
        described.missing.push((file.to_owned(), missing));
    }
    let said = described.said();
    let starts = [
        "error P005 runtime/bin/jwebserver: it needs the library libjvm.so, ",
        "warning P005 runtime/lib/libjava.so: it needs the library libnone.so, ",
    ];
    assert_eq!(said.len(), starts.len(), "{said:?}");
    assert!(said.iter().zip(starts).all(|(said, start)| said.starts_with(start)), "{said:?}");
}

#[test]
fn the_bootstrap_must_be_static_and_is_judged_like_a_program() {
    let mut described = Described::with(Content::Elf(Box::new(program())));
    described.tree.entries[0].content =
        Content::Elf(Box::new(dynamic(&[("libc.so.6", "GLIBC_2.39", false)])));
    described.tree.entries[0].is_executable = false;
    assert_eq!(
        described.said(),
        [
            "error P006 bootstrap: it needs GLIBC_2.39 of libc.so.6, and provided.al2023 has 2.34",
            "error P018 bootstrap: /here/bootstrap is linked dynamically (it asks for \
             /lib64/ld-linux-x86-64.so.2)",
        ]
    );
    described.tree.entries[0].content = Content::Other;
    assert!(described.said()[0].starts_with("error P001 bootstrap: it is neither"));
}

#[test]
fn what_cannot_be_packaged_is_told() {
    for (what, said) in [
        (
            Odd::Leaves("/etc".to_owned()),
            "error P010 x: it is a link to /etc, outside of the folder that is packaged",
        ),
        (Odd::Dangling("y".to_owned()), "error P010 x: it is a link to y, where nothing is"),
        (
            Odd::Circle("x".to_owned()),
            "error P010 x: it is a link to x, which leads back to itself",
        ),
        (Odd::Special("a socket"), "error P011 x: it is a socket, and only files can be packaged"),
        (Odd::Unreadable("no".to_owned()), "error P022 x: it cannot be read: no"),
        (Odd::TooMuch("more than 70000 files"), "error P021 x: there are more than 70000 files"),
    ] {
        let mut described = Described::included("y");
        described.tree.oddities.push(Oddity { path: "x".to_owned(), what });
        assert_eq!(described.said(), [said]);
    }
}

#[test]
fn a_missing_run_bit_is_noted_and_set() {
    let mut described = Described::with(Content::Script(b"/bin/sh".to_vec()));
    described.tree.entries[1].is_executable = false;
    assert_eq!(described.said(), ["note P009 handler: it is not marked as a program here"]);
}

#[test]
fn a_secret_is_told_once_and_let_through_when_asked() {
    let mut described = Described::included("app/.git/config");
    described.add("app/.git/objects/1", Role::Included, Content::Other);
    described.add("app/.env", Role::Included, Content::Other);
    described.add("tls.pem", Role::Included, Content::Other).holds_key = true;
    described.add("ca.pem", Role::Included, Content::Other);
    let said = [
        "P012 app/.env: it holds variables, mostly with secrets",
        "P012 app/.git: it holds a repository with its whole history",
        "P012 tls.pem: it holds a private key",
    ];
    assert_eq!(described.said(), said.map(|said| format!("error {said}")));
    described.are_secrets_allowed = true;
    assert_eq!(described.said(), said.map(|said| format!("note {said}")));
}

#[test]
fn names_are_judged() {
    assert_eq!(
        Described::included("a\\b").said(),
        ["error P017 a\\\\b: its name holds a backslash, which some tools take for a slash"]
    );
    assert_eq!(
        Described::included("bootstrap").said(),
        ["error P015 bootstrap: two files have this name in the package"]
    );
    assert_eq!(
        Described::included("handler/x").said(),
        ["error P015 handler: it is a file, and handler/x needs it to be a folder"]
    );
    assert_eq!(
        Described::included("Handler").said(),
        [
            "warning P016 Handler: handler is another name only where case and accents are told apart"
        ]
    );
    let mut described = Described::included("x");
    described.handler = "my handler".to_owned();
    assert_eq!(
        described.said(),
        [
            "error P020 my handler: a function's handler setting has at most 128 characters and no white \
             space"
        ]
    );
    described.handler = "h".repeat(128);
    assert_eq!(described.said(), [""; 0]);
}

#[test]
fn an_argument_that_names_a_file_is_missed() {
    let mut described = Described::included("data.json");
    described.file_arguments = vec!["./data.json".to_owned(), "main.py".to_owned()];
    assert_eq!(
        described.said(),
        ["warning P019 main.py: an argument names this file, and it is not in the package"]
    );
}

#[test]
fn limits_are_lambdas() {
    let folder = tempfile::tempdir().expect("a folder");
    let sized = |bytes: u64| {
        let path = folder.path().join("sparse");
        let file = std::fs::File::create(&path).expect("a file");
        file.set_len(bytes).expect("a length");
        let mut described = Described::new();
        described.tree.entries.clear();
        let entry = described.add("big", Role::Included, Content::Other);
        entry.identity =
            Identity::of(&files::open(&path).expect("open").metadata().expect("known"));
        described.said()
    };
    assert_eq!(sized(262_144_000), [""; 0]);
    assert_eq!(
        sized(262_144_001),
        ["error P014 the package: it unpacks to 262144001 bytes, and Lambda takes 262144000; the \
             largest are big (262144001 bytes)"]
    );
    let mut described = Described::new();
    for index in 0..65_535 {
        described.add(&index.to_string(), Role::Included, Content::Other);
    }
    assert_eq!(
        described.said(),
        ["error P021 the package: it has 65536 files, and a zip has room for 65535"]
    );
    let target = |name| Target::find(name).expect("a table");
    assert_eq!(zipped(&target("al2023"), 52_428_800), None);
    assert_eq!(zipped(&target("image"), 52_428_801), None);
    let finding = zipped(&target("al2023"), 52_428_801).expect("a finding");
    assert_eq!(finding.severity, Severity::Warning);
    assert_eq!(
        finding.message,
        "it has 52428801 bytes, and Lambda takes 52428800 in a direct upload"
    );
}

#[test]
fn a_target_at_its_end_is_told() {
    let mut described = Described::included("x");
    described.target = Target::find("al2").expect("a table");
    assert!(described.said()[0].starts_with("warning P023 provided.al2: Amazon Linux 2 ended"));
}
