//! What the system grants that a function will run on.  It comes from tables, each row with its source;
//! what no row says is absent.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

use super::version::Version;
use super::{Architecture, files};

/// The tables that are built in; the first is the default.
const BUILT_IN: [(&str, &str); 3] = [
    ("al2023", include_str!("targets/al2023.json")),
    ("al2", include_str!("targets/al2.json")),
    ("image", include_str!("targets/image.json")),
];

/// A table is some kilobytes long.
const MAX_TABLE_BYTES: u64 = 1024 * 1024;

/// One system.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// What Lambda calls it, if it is a runtime of Lambda's.
    #[serde(default)]
    pub runtime: Option<String>,
    /// Whether what the table does not name is known to be absent; where it is not, absence is a warning.
    pub is_complete: bool,
    /// What is to be known of its end.
    #[serde(default)]
    pub end: Option<String>,
    /// Where the rows come from, by the names that they use.
    pub sources: BTreeMap<String, String>,
    /// The newest versions that its libraries provide.
    pub versions: Vec<Provided>,
    /// Its dynamic loaders.
    pub loaders: Vec<Loader>,
    /// The interpreters that scripts may name.
    pub interpreters: Vec<Interpreter>,
    /// Its shared libraries.
    pub libraries: Vec<Library>,
}

/// The newest version of a kind that a library provides.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provided {
    /// The library.
    pub library: String,
    /// The kind, as `GLIBC`.
    pub prefix: String,
    /// The version.
    #[serde(deserialize_with = "version")]
    pub version: Version,
    source: String,
}

/// A dynamic loader.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loader {
    architecture: Architecture,
    path: String,
    source: String,
}

/// A program that a script's first line may name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interpreter {
    path: String,
    source: String,
}

/// A shared library.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    name: String,
    source: String,
}

impl Target {
    /// A built-in target by its name, or the table in a file.
    ///
    /// # Errors
    /// For a file that cannot be read or is no table.
    pub fn find(name: &str) -> anyhow::Result<Self> {
        if let Some((_, table)) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name) {
            return Self::parse(table).context("our own table is wrong");
        }
        let path = Path::new(name);
        let table = files::read(path, MAX_TABLE_BYTES).with_context(|| {
            let names = BUILT_IN.map(|(name, _)| name).join(", ");
            format!("--target {name}: it is none of {names}, and no file that can be read")
        })?;
        let table = String::from_utf8_lossy(&table);
        Self::parse(&table).with_context(|| format!("--target {name} is no table of a target"))
    }

    fn parse(table: &str) -> anyhow::Result<Self> {
        let target: Self = serde_json::from_str(table)?;
        let versions = target.versions.iter().map(|row| &row.source);
        let rows = versions
            .chain(target.loaders.iter().map(|row| &row.source))
            .chain(target.interpreters.iter().map(|row| &row.source))
            .chain(target.libraries.iter().map(|row| &row.source));
        for source in rows {
            if !target.sources.contains_key(source) {
                bail!("a row's source {source:?} is not among the table's sources");
            }
        }
        // What a zip is verified in is made of these, and of nothing beside it.
        let loaders = target.loaders.iter().map(|row| row.path.as_str());
        for path in loaders.chain(target.interpreters.iter().map(|row| row.path.as_str())) {
            let is_plain = |part: &str| !["", ".", ".."].contains(&part);
            if !path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_plain)) {
                bail!("{path:?} is no absolute path without . and ..");
            }
        }
        if let Some(library) = target.libraries.iter().find(|row| row.name.contains('/')) {
            bail!("{:?} is a path, and libraries are named", library.name);
        }
        Ok(target)
    }

    /// What it is called where people read of it.
    #[must_use]
    pub fn title(&self) -> &str {
        self.runtime.as_deref().unwrap_or(&self.name)
    }

    /// How it is said that it has not what no row names.
    #[must_use]
    pub fn lacks(&self) -> &'static str {
        if self.is_complete { "has not" } else { "is not known to have" }
    }

    /// Whether it has a library; a loader is one too.
    #[must_use]
    pub fn has_library(&self, name: &str) -> bool {
        self.libraries.iter().any(|library| library.name == name)
            || self.loaders.iter().any(|loader| last(&loader.path) == name)
    }

    /// Whether it has a dynamic loader at a path.
    #[must_use]
    pub fn has_loader(&self, path: &str, architecture: Architecture) -> bool {
        let mut loaders = self.loaders.iter();
        loaders.any(|loader| loader.path == path && loader.architecture == architecture)
    }

    /// Whether it has an interpreter at a path.
    #[must_use]
    pub fn has_interpreter(&self, path: &str) -> bool {
        self.interpreters.iter().any(|interpreter| interpreter.path == path)
    }

    /// Whether a program of a bare name is on its search path.
    #[must_use]
    pub fn has_program(&self, name: &str) -> bool {
        self.interpreters.iter().any(|interpreter| last(&interpreter.path) == name)
    }

    /// The names of its libraries.
    pub fn library_names(&self) -> impl Iterator<Item = &str> {
        self.libraries.iter().map(|library| library.name.as_str())
    }

    /// The paths of its loaders for an architecture, and of its interpreters.
    pub fn programs(&self, architecture: Architecture) -> impl Iterator<Item = &str> {
        let loaders = self.loaders.iter().filter(move |row| row.architecture == architecture);
        let interpreters = self.interpreters.iter().map(|row| row.path.as_str());
        loaders.map(|row| row.path.as_str()).chain(interpreters)
    }

    /// The newest version of a kind that a library of it provides, where that is known.
    #[must_use]
    pub fn provides(&self, library: &str, prefix: &str) -> Option<&Version> {
        let mut rows = self.versions.iter();
        rows.find(|row| row.library == library && row.prefix == prefix).map(|row| &row.version)
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn version<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
    let text = String::deserialize(deserializer)?;
    Version::parse(&text)
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no version, such as 2.34")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_table_is_whole_and_named_as_it_is_asked_for() {
        for (name, _) in BUILT_IN {
            let target = Target::find(name).expect("a table");
            assert_eq!(target.name, name);
            assert!(target.sources.values().all(|source| !source.is_empty()));
        }
    }

    #[test]
    fn the_default_has_what_its_rows_say_and_nothing_else() {
        let target = Target::find("al2023").expect("a table");
        assert_eq!(target.title(), "provided.al2023");
        assert_eq!(target.provides("libc.so.6", "GLIBC").expect("a row").to_string(), "2.34");
        assert!(target.has_library("libz.so.1") && target.has_library("ld-linux-aarch64.so.1"));
        assert!(!target.has_library("libjansson.so.4"));
        assert!(target.has_loader("/lib64/ld-linux-x86-64.so.2", Architecture::X86_64));
        assert!(!target.has_loader("/lib64/ld-linux-x86-64.so.2", Architecture::Arm64));
        assert!(target.has_interpreter("/bin/sh") && !target.has_interpreter("/usr/bin/python3"));
        assert!(target.has_program("bash") && target.has_program("sed"));
        assert!(!target.has_program("jq") && !target.has_program("find"));
    }

    #[test]
    fn a_table_of_ones_own_is_read_and_a_row_without_a_source_is_not() {
        let said = |table: &str| Target::parse(table).map(|target| target.name);
        let table = r#"{"name":"mine","is_complete":true,"sources":{"s":"here"},"versions":
            [{"library":"libc.so.6","prefix":"GLIBC","version":"2.40","source":"s"}],
            "loaders":[],"interpreters":[],"libraries":[]}"#;
        assert_eq!(said(table).expect("a table"), "mine");
        let error = said(&table.replace("\"s\"}]", "\"t\"}]")).expect_err("no source");
        assert_eq!(error.to_string(), "a row's source \"t\" is not among the table's sources");
        let error = said(&table.replace("2.40", "new")).expect_err("no version");
        assert!(error.to_string().starts_with("\"new\" is no version, such as 2.34"), "{error}");
        let error = Target::find("/nowhere/table.json").expect_err("no file");
        assert_eq!(
            error.to_string(),
            "--target /nowhere/table.json: it is none of al2023, al2, image, and no file that can be read"
        );
    }
}
