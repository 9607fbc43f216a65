//! `cases.tsv`, the list of what AWS's emulator does: a case without a story fails, and so does a story
//! without its case.

use std::collections::BTreeSet;
use std::path::Path;

const CASES: &str = include_str!("cases.tsv");

fn stories() -> BTreeSet<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    ["rie.rs", "rie/raw.rs"]
        .iter()
        .flat_map(|file| {
            let source = std::fs::read_to_string(tests.join(file)).unwrap();
            let names = source.lines().filter_map(|line| line.strip_prefix("fn rie_"));
            names
                .filter_map(|rest| Some(format!("rie_{}", rest.split_once("()")?.0)))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_case_has_its_stories_and_every_story_its_case() {
    let stories = stories();
    assert!(stories.len() > 20, "the stories are found: {stories:?}");
    let mut named = BTreeSet::new();
    for line in CASES.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [case, says, told] = columns.as_slice() else { panic!("three columns: {line}") };
        assert!(
            !says.is_empty() && !told.is_empty(),
            "{case}: says what happens, and who tells it"
        );
        for story in told.split(' ') {
            assert!(stories.contains(story), "{case}: there is no story {story}");
            named.insert(story.to_owned());
        }
    }
    let unnamed: Vec<_> = stories.difference(&named).collect();
    assert!(unnamed.is_empty(), "stories of no case: {unnamed:?}");
}
