//! The cases of protocol/cases, each against the protocol's own code or the real bridge; a clause
//! without a case fails, and so does a case without a clause or a story without its test.

mod requests;
mod steps;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::Value;

/// A case as its file says it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) json: Value,
}

/// Every case, by name.
pub(crate) fn all() -> Vec<Case> {
    let folder = protocol().join("cases");
    let mut cases: Vec<Case> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let json =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            Case { name, json }
        })
        .collect();
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(cases.len() > 100, "the cases are there");
    cases
}

fn protocol() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol")
}

/// Bytes that stand as text, or in base64 beside it.
pub(crate) fn bytes(object: &Value, name: &str) -> Option<Vec<u8>> {
    if let Some(text) = object.get(name) {
        return Some(text.as_str().unwrap().as_bytes().to_vec());
    }
    let encoded = object.get(format!("{name}_base64"))?.as_str().unwrap();
    Some(base64::engine::general_purpose::STANDARD.decode(encoded).unwrap())
}

/// The numbers of the clauses that need a case: those of sections 1 to 8 that are not reserved.
fn clauses() -> BTreeSet<String> {
    let spec = std::fs::read_to_string(protocol().join("SPEC.md")).unwrap();
    spec.lines()
        .filter_map(|line| line.strip_prefix("**")?.split_once("** "))
        .filter(|(number, text)| {
            let section = number.split('.').next().and_then(|section| section.parse::<u32>().ok());
            *text != "Reserved." && matches!(section, Some(1..=8))
        })
        .map(|(number, _)| number.to_owned())
        .collect()
}

#[test]
fn every_clause_has_a_case_and_every_case_a_clause() {
    let clauses = clauses();
    assert!(clauses.len() > 60, "the clauses are found: {clauses:?}");
    let mut with_case = BTreeSet::new();
    for case in all() {
        let clause = case.json["clause"].as_str().unwrap().to_owned();
        assert!(case.name.starts_with(&format!("{clause}-")), "{} is of {clause}", case.name);
        assert!(clauses.contains(&clause), "{}: there is no clause {clause}", case.name);
        assert!(!case.json["title"].as_str().unwrap().is_empty(), "{} has a title", case.name);
        with_case.insert(clause);
    }
    let without: Vec<_> = clauses.difference(&with_case).collect();
    assert!(without.is_empty(), "clauses without a case: {without:?}");
}

#[test]
fn every_story_a_case_names_is_told() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut missing = Vec::new();
    for case in all() {
        let Some(story) = case.json.get("story") else { continue };
        let (module, test) = story.as_str().unwrap().split_once("::").unwrap();
        let told =
            sources(&tests, module).iter().any(|source| source.contains(&format!("fn {test}()")));
        if !told {
            missing.push(format!("{}: {module}::{test}", case.name));
        }
    }
    assert!(missing.is_empty(), "stories not told:\n{}", missing.join("\n"));
}

/// The text of a module's files.
fn sources(tests: &Path, module: &str) -> Vec<String> {
    let mut files = vec![tests.join(format!("{module}.rs"))];
    if let Ok(folder) = std::fs::read_dir(tests.join(module)) {
        files.extend(folder.map(|entry| entry.unwrap().path()));
    }
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect()
}
