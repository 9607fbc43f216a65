//! The table of faults, faults.tsv: each fault of the catalogue is there once, with tests that exist and
//! are run.  That a test proves what its row says is for its reader to judge.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const COLUMNS: [&str; 4] = ["id", "fault", "behaviour", "test"];

/// The faults in the catalogue, the bridge's and those of packaging (H, and E9 to E11): a letter, how many
/// there are, and those that are nobody's here, or not of this version.
const SECTIONS: [(char, u32, &[u32]); 7] = [
    ('A', 36, &[16, 17, 28, 29, 31]),
    ('B', 24, &[]),
    ('C', 19, &[]),
    ('D', 25, &[23, 24]),
    ('E', 14, &[]),
    ('F', 15, &[9, 12, 13, 14]),
    ('H', 17, &[]),
];

struct Row {
    id: String,
    fault: String,
    behaviour: String,
    tests: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rows() -> Vec<Row> {
    let table = std::fs::read_to_string(root().join("tests/it/faults.tsv")).unwrap();
    let mut lines = table.lines();
    assert_eq!(lines.next().unwrap().split('\t').collect::<Vec<_>>(), COLUMNS);
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let [id, fault, behaviour, tests] = cells[..] else { panic!("four columns: {line}") };
            Row {
                id: id.to_owned(),
                fault: fault.to_owned(),
                behaviour: behaviour.to_owned(),
                tests: tests.split(',').map(|test| test.trim().to_owned()).collect(),
            }
        })
        .collect()
}

fn catalogue() -> Vec<String> {
    let of = |(letter, count, others): (char, u32, &'static [u32])| {
        (1..=count)
            .filter(|number| !others.contains(number))
            .map(move |number| format!("{letter}{number}"))
    };
    SECTIONS.into_iter().flat_map(of).collect()
}

/// The stories, as this very program lists them, and whether each is run.
pub(crate) fn stories() -> BTreeMap<String, bool> {
    let list = |which: &[&str]| -> BTreeSet<String> {
        let ourselves = std::env::current_exe().unwrap();
        let listed =
            Command::new(ourselves).args(["--list", "--format", "terse"]).args(which).output();
        let text = String::from_utf8(listed.unwrap().stdout).unwrap();
        text.lines().filter_map(|line| Some(line.strip_suffix(": test")?.to_owned())).collect()
    };
    let ignored = list(&["--ignored"]);
    list(&[]).into_iter().map(|name| (name.clone(), !ignored.contains(&name))).collect()
}

/// Whether the library has this test, and runs it.  Its tests are another program, which may not be
/// built now, so its source is asked.
fn is_a_unit_test(name: &str) -> bool {
    let Some((module, test)) = name.rsplit_once("::") else { return false };
    let module = module.strip_suffix("::tests").unwrap_or(module).replace("::", "/");
    let source = root().join("src");
    let files: [PathBuf; 2] =
        [source.join(format!("{module}.rs")), source.join(format!("{module}/tests.rs"))];
    files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).any(|text| {
        let Some((before, _)) = text.split_once(&format!("fn {test}(")) else { return false };
        // The attributes stand on the lines just above; a property's are inside `proptest!`.
        before.trim_end().ends_with("#[test]")
    })
}

#[test]
fn every_fault_of_the_catalogue_has_its_row_in_order() {
    let ids: Vec<String> = rows().into_iter().map(|row| row.id).collect();
    assert_eq!(ids, catalogue());
}

#[test]
fn every_row_says_what_happens_and_what_follows() {
    for row in rows() {
        for words in [&row.fault, &row.behaviour] {
            assert!(words.trim() == words && words.contains(' '), "{}: {words:?}", row.id);
        }
        let once: BTreeSet<&String> = row.tests.iter().collect();
        assert_eq!(once.len(), row.tests.len(), "{} names a test twice", row.id);
    }
}

#[test]
fn every_test_a_row_names_is_there_and_is_run() {
    let stories = stories();
    assert!(stories.len() > 100, "the stories are listed");
    let mut missing = Vec::new();
    for row in rows() {
        for test in &row.tests {
            if stories.get(test) != Some(&true) && !is_a_unit_test(test) {
                missing.push(format!("{}: {test}", row.id));
            }
        }
    }
    assert!(missing.is_empty(), "no such test is run:\n{}", missing.join("\n"));
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    assert!(is_a_unit_test("restart::tests::an_answer_clears_the_count"));
    assert!(is_a_unit_test("protocol::judge::tests::text_replies_are_json_strings"));
    assert!(!is_a_unit_test("restart::tests::no_such_test"));
    assert!(!is_a_unit_test("restart::tests::waits"), "a helper is no test");
    assert!(!stories().contains_key("fault_table::no_such_test"));
}
