//! No false alarm: for a small program of each language that is installed, what is found is what is true.

use super::{GREETING, ZOE};
use crate::desk::{Desk, findings};
use crate::support::search_path;

/// What `package` says of one program.
enum Says {
    /// Findings of these codes, the text in them that says why, and an exit code of 3.
    Found(&'static [&'static str], &'static str),
    /// Nothing, and the zip answers with the greeting.
    Answers,
}

use Says::{Answers, Found};

/// What must be there, how it is built if it is, what is packaged, and what is said of it.
type Row = (&'static [&'static str], &'static str, &'static str, Says);

const ROWS: &[Row] = &[
    (&[], "", "./handler.pl", Found(&["error P008 handler.pl"], "/usr/bin/perl")),
    (&[], "", "./handler.py", Found(&["error P008 handler.py"], "python3")),
    (&[], "", "./handler.js", Found(&["error P008 handler.js"], "node")),
    (&[], "", "./handler.escript", Found(&["error P008 handler.escript"], "escript")),
    // What a script calls is not known before it runs.
    (&[], "", "./handler.sh", Found(&["error P024 function.zip"], "jq: not found")),
    // Debian 12's jq is for a newer system, by a library that comes along with it.
    (
        &["jq"],
        "",
        "--include \"$(command -v jq)\" ./handler.sh",
        Found(&["error P006 lib/libjq.so.1"], "hint: link it statically"),
    ),
    // An interpreter that is one file may come along.
    (&["node"], "", "--include handler.js node handler.js", Answers),
    // Java is a folder, and its launcher alone looks for the rest of it in vain.
    (
        &["javac"],
        "javac -d classes Handler.java",
        "--include classes java -cp classes Handler",
        Found(&["error P024 function.zip"], "could not find libjava.so"),
    ),
    (
        &["javac", "jlink"],
        "javac -d classes Handler.java && jlink --add-modules java.base --strip-debug --output runtime",
        "--include classes --include runtime -- runtime/bin/java -cp classes Handler",
        Answers,
    ),
    (&["go"], "go build handler.go", "./handler", Answers),
    (&["sbcl"], "sbcl --non-interactive --load handler.lisp", "./handler", Answers),
    // Its runtime measures, too, by the function of which there is a new version.
    (
        &["ocamlopt"],
        "ocamlopt -o handler str.cmxa handler.ml",
        "./handler",
        Found(&["error P006 handler"], "GLIBC_2.35 of libm.so.6"),
    ),
    (&["ocamlopt"], "ocamlopt -ccopt -static -o handler str.cmxa handler.ml", "./handler", Answers),
];

#[test]
fn of_each_language_that_is_installed_only_what_is_true_is_found() {
    for (tools, build, package, says) in ROWS {
        let Some(desk) = Desk::with("package_trials/languages", &[]) else { return };
        let missing = tools.iter().find(|tool| !is_here(tool));
        if let Some(missing) = missing {
            eprintln!("not run: {package}, since {missing} is not installed");
            continue;
        }
        if !build.is_empty() {
            desk.builds(build);
        }
        let line = format!("lambda-stdio package --verify-event '{ZOE}' {package}");
        match says {
            Answers => drop(desk.answers(&line, GREETING)),
            Found(codes, why) => {
                let said = desk.types(&line);
                let mut found = findings(&said);
                found.dedup();
                assert_eq!((found, said.code), (owned(codes), Some(3)), "{line}: {said:?}");
                assert!(said.err.contains(why), "{line}: {said:?}");
            }
        }
    }
}

fn owned(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

/// Whether a program is here; none of these must be, since nothing is installed for them.
fn is_here(program: &str) -> bool {
    std::env::split_paths(&search_path()).any(|folder| folder.join(program).is_file())
}
