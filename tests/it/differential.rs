//! The same programs and the same events under AWS's emulator and under ours: every difference is listed
//! in `differential.tsv` with its reason.  One that is not listed fails, and so does one that is and no longer
//! occurs.

mod observed;
mod scenes;
mod sides;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::rie::harness::rie;

const TABLE: &str = include_str!("differential.tsv");
/// Scenes mostly wait.
const AT_ONCE: usize = 3;

/// A line of the table.  A `*` in the first four columns stands for anything.
struct Listed<'a> {
    scene: &'a str,
    aspect: &'a str,
    rie: &'a str,
    ours: &'a str,
}

/// What differs, and where.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Difference {
    scene: &'static str,
    aspect: String,
    rie: String,
    ours: String,
}

fn table() -> Vec<Listed<'static>> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [scene, aspect, rie, ours, agrees, reason] = columns.as_slice() else {
                panic!("six columns: {line}")
            };
            assert!(["RIE", "ours", "both", "neither"].contains(agrees), "{line}");
            assert!(reason.len() > 20, "a reason, with its source: {line}");
            Listed { scene, aspect, rie, ours }
        })
        .collect()
}

/// Whether a text fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| fits(rest, &text[at..]))
}

impl Listed<'_> {
    fn holds(&self, difference: &Difference) -> bool {
        fits(self.scene, difference.scene)
            && fits(self.aspect, &difference.aspect)
            && fits(self.rie, &difference.rie)
            && fits(self.ours, &difference.ours)
    }
}

#[test]
fn our_emulator_differs_from_awss_only_as_listed() {
    let table = table();
    let Some(rie) = rie() else { return };
    let scenes = scenes::all();
    let differences = Mutex::new(BTreeSet::new());
    let turn = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(scene) = scenes.get(turn.fetch_add(1, Ordering::Relaxed)) {
                    let (ours, lines) = sides::under_ours(scene);
                    let theirs = sides::under_rie(&rie, scene, lines);
                    let found = compare(scene.name, &theirs, &ours);
                    differences.lock().unwrap().extend(found);
                }
            });
        }
    });
    let differences = differences.into_inner().unwrap();
    let mut complaints = Vec::new();
    for difference in &differences {
        if !table.iter().any(|listed| listed.holds(difference)) {
            let Difference { scene, aspect, rie, ours } = difference;
            complaints.push(format!("not listed:\n{scene}\t{aspect}\t{rie}\t{ours}"));
        }
    }
    for listed in &table {
        if !differences.iter().any(|difference| listed.holds(difference)) {
            let Listed { scene, aspect, rie, ours } = listed;
            complaints.push(format!("occurs no more:\n{scene}\t{aspect}\t{rie}\t{ours}"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

fn compare(
    scene: &'static str,
    theirs: &observed::Observed,
    ours: &observed::Observed,
) -> Vec<Difference> {
    let aspects: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let text = |side: &observed::Observed, aspect: &String| {
        side.get(aspect).cloned().unwrap_or_else(|| "absent".to_owned())
    };
    aspects
        .into_iter()
        .map(|aspect| Difference {
            scene,
            aspect: aspect.clone(),
            rie: text(theirs, aspect),
            ours: text(ours, aspect),
        })
        .filter(|difference| difference.rie != difference.ours)
        .collect()
}

#[test]
fn a_pattern_stands_for_what_it_says() {
    assert!(fits("call *: body", "call 12: body") && fits("*", "") && fits("a", "a"));
    assert!(!fits("call *: body", "call 1: status") && !fits("a", "ab") && !fits("*b", "ac"));
    assert!(!table().is_empty());
}
