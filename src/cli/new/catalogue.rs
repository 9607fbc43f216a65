//! The languages that there is an example of: their catalogue and their files, carried in the executable.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::cli::surroundings;

const CATALOGUE: &str = include_str!("../../../examples/languages.toml");

/// One language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// Its folder's name.
    #[serde(skip)]
    pub name: String,
    /// Its name.
    pub title: String,
    /// Other names that people know it by.
    #[serde(default)]
    aliases: Vec<String>,
    /// What its example shows.
    pub about: String,
    /// The programs, and other files, that it is built with.
    needs: Vec<String>,
    /// Debian's packages that have them.
    pub debian: Vec<String>,
    /// Where it comes from instead, where Debian has it not or too old.
    #[serde(default)]
    pub otherwise: Option<String>,
    /// How it is deployed.
    pub form: Form,
    /// Its files.
    #[serde(skip)]
    pub files: Vec<File>,
}

/// How a program is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// A file that needs no library.
    Static,
    /// With its shared libraries.
    Lib,
    /// With its language's runtime.
    Runtime,
    /// In an image that has what it needs.
    Image,
}

impl Form {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Lib => "lib",
            Self::Runtime => "runtime",
            Self::Image => "image",
        }
    }
}

/// One file of a project.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Its path in the project.
    pub path: &'static str,
    /// What is in it.
    pub text: &'static str,
}

impl Language {
    /// Whether it goes by this name.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// What it is built with and is not here.
    #[must_use]
    pub fn missing(&self) -> Vec<&str> {
        self.needs.iter().map(String::as_str).filter(|need| !is_installed(need)).collect()
    }
}

/// A path that is there, whose names may end in a star, or a program in `PATH`.
fn is_installed(need: &str) -> bool {
    if let Some(path) = need.strip_prefix('/') {
        return is_there(Path::new("/"), &path.split('/').collect::<Vec<_>>());
    }
    let folders = surroundings::variable("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(need).is_file())
}

fn is_there(folder: &Path, names: &[&str]) -> bool {
    let Some((name, rest)) = names.split_first() else { return true };
    let Some(prefix) = name.strip_suffix('*') else {
        let path = folder.join(name);
        return path.exists() && is_there(&path, rest);
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .into_iter()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .any(|entry| is_there(&entry.path(), rest))
}

/// All of them, by name.
///
/// # Errors
/// When our own catalogue is wrong.
pub fn all() -> anyhow::Result<Vec<Language>> {
    let catalogue: BTreeMap<String, Language> =
        toml::from_str(CATALOGUE).context("our own catalogue is wrong")?;
    let languages = catalogue.into_iter().map(|(name, mut language)| {
        let files = FILES.iter().find(|(folder, _)| *folder == name).map(|(_, files)| *files);
        language.files = files.with_context(|| format!("{name} has no files"))?.to_vec();
        language.name = name;
        Ok(language)
    });
    languages.collect()
}

/// What every project has; README.md and lambda-stdio.toml stand first.
const TEST: File = File { path: "test.sh", text: include_str!("../../../examples/test.sh") };

macro_rules! example {
    ($folder:literal: $($path:literal),+) => {
        ($folder, &[
            $(File {
                path: $path,
                text: include_str!(concat!("../../../examples/", $folder, "/", $path)),
            },)+
            TEST,
        ])
    };
}

/// A folder with a Cargo.toml of its own stays out of a published crate, so Rust's files are reached by links
/// that have other names.
macro_rules! rust {
    ($($path:literal <- $link:literal),+) => {
        ("rust", &[
            $(File { path: $path, text: include_str!(concat!("rust/", $link)) },)+
            TEST,
        ])
    };
}

/// Held against the folders by a test.
const FILES: &[(&str, &[File])] = &[
    example!("bash": "README.md", "lambda-stdio.toml", ".gitignore", "Dockerfile", "handler.sh"),
    example!("c": "README.md", "lambda-stdio.toml", ".gitignore", "Makefile", "handler.c"),
    example!("clojure": "README.md", "lambda-stdio.toml", ".gitignore", "Makefile", "src/example/function.clj", "src/example/handler.clj"),
    example!("common-lisp": "README.md", "lambda-stdio.toml", ".gitignore", "build.lisp", "handler.asd", "handler.lisp"),
    example!("cpp": "README.md", "lambda-stdio.toml", ".gitignore", "Makefile", "handler.cpp"),
    example!("elixir": "README.md", "lambda-stdio.toml", ".gitignore", "config/config.exs", "lib/handler.ex", "lib/handler/application.ex", "mix.exs", "rel/env.sh.eex", "rel/vm.args.eex"),
    example!("erlang": "README.md", "lambda-stdio.toml", ".gitignore", "config/start", "config/sys.config", "rebar.config", "rebar.lock", "src/handler.app.src", "src/handler.erl", "src/handler_loop.erl"),
    example!("go": "README.md", "lambda-stdio.toml", ".gitignore", "function.go", "go.mod", "main.go"),
    example!("haskell": "README.md", "lambda-stdio.toml", ".gitignore", "Handler.hs", "build.sh", "cabal.project", "handler.cabal"),
    example!("java": "README.md", "lambda-stdio.toml", ".gitignore", "Makefile", "src/main/java/example/Function.java", "src/main/java/example/Handler.java"),
    example!("jq": "README.md", "lambda-stdio.toml", ".gitignore", "Dockerfile", "handler.jq"),
    example!("ocaml": "README.md", "lambda-stdio.toml", ".gitignore", "dune", "dune-project", "handler.ml"),
    example!("perl": "README.md", "lambda-stdio.toml", ".gitignore", "Dockerfile", "handler.pl"),
    example!("python": "README.md", "lambda-stdio.toml", ".gitignore", "Dockerfile", "handler.py"),
    example!("racket": "README.md", "lambda-stdio.toml", ".gitignore", "Dockerfile", "Makefile", "handler.rkt"),
    rust!("README.md" <- "README.md", "lambda-stdio.toml" <- "project", ".gitignore" <- "ignored", "Cargo.lock" <- "lock", "Cargo.toml" <- "manifest", "src/lines.rs" <- "lines", "src/main.rs" <- "main"),
    example!("zig": "README.md", "lambda-stdio.toml", ".gitignore", "Makefile", "src/function.zig", "src/main.zig"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::process::Command;

    use super::*;

    /// What git has of the examples; nothing where this is no checkout, as in a published crate.
    fn tracked() -> Option<BTreeSet<String>> {
        let mut git = Command::new("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard", "examples"]);
        let listed = git.current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        let listed = String::from_utf8(listed.stdout).ok().filter(|_| listed.status.success())?;
        Some(listed.lines().map(ToOwned::to_owned).collect())
            .filter(|all: &BTreeSet<_>| !all.is_empty())
    }

    #[test]
    fn every_file_of_an_example_is_carried_and_none_else() {
        let Some(mut tracked) = tracked() else { return };
        tracked
            .retain(|path| path.matches('/').count() > 1 && !path.starts_with("examples/deploy/"));
        let files = FILES.iter().flat_map(|(folder, files)| {
            files.iter().map(move |file| format!("examples/{folder}/{}", file.path))
        });
        assert_eq!(files.collect::<BTreeSet<_>>(), tracked);
    }

    #[test]
    fn the_catalogue_has_a_row_for_each_folder() {
        let languages = all().expect("right");
        let names: BTreeSet<&str> =
            languages.iter().map(|language| language.name.as_str()).collect();
        assert_eq!(names, FILES.iter().map(|(folder, _)| *folder).collect());
        for language in &languages {
            assert!(language.about.chars().count() <= 60, "{}", language.name);
            assert!(!language.needs.is_empty(), "{}", language.name);
        }
    }

    #[test]
    fn a_need_is_a_program_or_a_path_with_stars() {
        for need in ["sh", "/bin/sh", "/bin/s*", "/*/sh", "/b*/s*"] {
            assert!(is_installed(need), "{need}");
        }
        for need in ["no-such-program", "/bin/no-such-program", "/*/no-such-program", "/no-such*"] {
            assert!(!is_installed(need), "{need}");
        }
    }

    #[test]
    fn the_page_of_figures_has_a_row_for_each() {
        let page = include_str!("../../../examples/README.md");
        for language in &all().expect("right") {
            let row = format!("| [{}]({}) | {} | ", language.title, language.name, language.about);
            assert!(page.contains(&row), "{row}: cargo bench --bench languages writes it");
        }
    }

    #[test]
    fn names_lead_to_one_language() {
        let mut names = BTreeSet::new();
        for language in &all().expect("right") {
            for name in language.aliases.iter().chain([&language.name]) {
                assert!(names.insert(name.clone()), "{name}");
            }
        }
    }
}
