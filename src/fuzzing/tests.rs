use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

type Property = fn(&[u8]);

const TARGETS: [(&str, Property); 11] = [
    ("head", head),
    ("chunks", chunks),
    ("framing", framing),
    ("replies", replies),
    ("request", request),
    ("elf", elf),
    ("inspect", inspect),
    ("shebang", shebang),
    ("ldcache", ldcache),
    ("zip", zip),
    ("unzip", unzip),
];

/// A corpus is read by people and kept for good: a few dozen small files say more than thousands.
const MAX_INPUTS: usize = 64;
const MAX_INPUT_BYTES: usize = 4_096;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a name").path()).collect();
    paths.sort();
    paths
}

/// The names of what is in a folder, without their endings.
fn names(folder: &Path) -> BTreeSet<String> {
    let stem = |path: PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    paths(folder).into_iter().map(stem).collect()
}

#[test]
fn what_holds_of_every_input_holds_of_the_corpus() {
    let mut failed = Vec::new();
    for (target, property) in TARGETS {
        let inputs = paths(&folder("corpus").join(target));
        assert!((1..=MAX_INPUTS).contains(&inputs.len()), "{target}: {} inputs", inputs.len());
        for path in inputs {
            let bytes = fs::read(&path).expect("an input");
            assert!(bytes.len() < MAX_INPUT_BYTES, "{} is too long", path.display());
            if std::panic::catch_unwind(|| property(&bytes)).is_err() {
                failed.push(path.display().to_string());
            }
        }
    }
    assert!(failed.is_empty(), "these inputs fail, each as said above:\n{}", failed.join("\n"));
}

#[test]
fn every_target_has_its_corpus_and_is_replayed_here() {
    let here: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder("corpus")), here, "fuzz/corpus");
    assert_eq!(names(&folder("fuzz_targets")), here, "fuzz/fuzz_targets");
    let manifest = fs::read_to_string(folder("Cargo.toml")).expect("a manifest");
    let (_, programs) = manifest.split_once("[[bin]]").expect("programs");
    let named =
        programs.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    assert_eq!(named.map(str::to_owned).collect::<BTreeSet<_>>(), here, "fuzz/Cargo.toml");
    for name in here {
        let path = folder("fuzz_targets").join(format!("{name}.rs"));
        let text = fs::read_to_string(path).expect("a target");
        assert!(text.contains(&format!("lambda_stdio::fuzzing::{name}(bytes)")), "{name}: {text}");
    }
}

#[test]
fn cuts_are_places_in_the_bytes_and_always_the_same() {
    for bytes in [&b""[..], b"a", b"HTTP/1.1 200 OK\r\n\r\n"] {
        let cuts = cuts(bytes);
        assert_eq!(cuts, super::cuts(bytes));
        assert!(cuts.is_sorted() && cuts.iter().all(|cut| *cut <= bytes.len()));
        assert!(ways(bytes).iter().all(|pieces| pieces.concat() == bytes));
    }
    assert_ne!(cuts(b"some bytes"), cuts(b"same bytes"));
}
