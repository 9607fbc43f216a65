//! The table of directions in ARCHITECTURE.md, read against every `crate::…` of the source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Who may use whom, as the page says.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, section) = page.split_once("## Who may use whom").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|')?.split_once('|'))
        .filter(|(module, _)| *module != "module ")
        .map(|(module, uses)| {
            let uses = uses.split(',').map(|name| name.trim().to_owned());
            (module.trim().to_owned(), uses.filter(|name| !name.is_empty()).collect())
        })
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The module of the crate a file belongs to; none for the crate's own page and the mains.
fn module_of(file: &Path) -> Option<String> {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = inside.iter().next().unwrap().to_string_lossy();
    let module = first.strip_suffix(".rs").unwrap_or(&first);
    (!matches!(module, "lib" | "bin")).then(|| module.to_owned())
}

#[test]
fn every_module_uses_only_what_the_map_allows() {
    let allowed = allowed();
    assert!(allowed.len() > 10, "the table is found: {allowed:?}");
    let mut wrong = Vec::new();
    for file in sources(&root().join("src")) {
        let Some(module) = module_of(&file) else { continue };
        let uses = allowed.get(&module).unwrap_or_else(|| panic!("{module} is not on the map"));
        let text = std::fs::read_to_string(&file).unwrap();
        for used in text.split("crate::").skip(1) {
            let name: String = used
                .chars()
                .take_while(|letter| letter.is_ascii_lowercase() || *letter == '_')
                .collect();
            if !name.is_empty() && name != module && !uses.contains(&name) {
                wrong.push(format!("{} uses {name}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_crate_is_on_the_map_in_reading_order() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let library = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for module in
        library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
    {
        assert!(page.contains(&format!("| `{module}` |")), "{module} is not on the map");
    }
}
