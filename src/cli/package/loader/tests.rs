use super::super::elf::fixture::{Plan, elf};
use super::*;

const X86: Architecture = Architecture::X86_64;

/// A folder with libraries in it, and what a program of certain wishes gets from there.
struct Machine {
    root: tempfile::TempDir,
    places: Places,
}

impl Machine {
    fn new(libraries: &[(&str, Plan<'_>)]) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        for (path, plan) in libraries {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, elf(plan)).expect("a file");
        }
        let system = vec![root.path().join("system")];
        Self { root, places: Places { system, ..Places::default() } }
    }

    fn at(&self, path: &str) -> String {
        self.root.path().join(path).to_string_lossy().into_owned()
    }

    fn load(&self, plan: &Plan<'_>) -> (Vec<String>, Vec<String>) {
        let program = self.root.path().join("app/program");
        std::fs::create_dir_all(self.root.path().join("app")).expect("a folder");
        std::fs::write(&program, elf(plan)).expect("a file");
        let read = super::super::elf::read(elf(plan).as_slice()).expect("ELF");
        let loaded =
            load("program", &program, &read, &self.places, X86, &|name| name == "libc.so.6");
        let root = self.root.path().canonicalize().expect("a path");
        let shown = |found: &Found| {
            let path = found.path.canonicalize().expect("a path");
            path.strip_prefix(&root).expect("inside").to_string_lossy().into_owned()
        };
        let missing = loaded
            .missing
            .iter()
            .map(|missing| format!("{} for {}", missing.name, missing.needed_by));
        (loaded.found.iter().map(shown).collect(), missing.collect())
    }
}

fn library() -> Plan<'static> {
    Plan { machine: 62, is_library: true, ..Plan::default() }
}

fn needing<'a>(needed: &'a [&'a str]) -> Plan<'a> {
    Plan { machine: 62, interpreter: Some("/ld"), needed, ..Plan::default() }
}

#[test]
fn places_are_searched_in_the_loaders_order() {
    let mut machine = Machine::new(&[
        ("app/r/liba.so", library()),
        ("run/liba.so", library()),
        ("env/liba.so", library()),
        ("cached/liba.so", library()),
        ("system/liba.so", library()),
    ]);
    let plan = needing(&["liba.so"]);
    assert_eq!(machine.load(&plan).0, ["system/liba.so"]);
    machine.places.cache = vec![("liba.so".to_owned(), machine.at("cached/liba.so"))];
    assert_eq!(machine.load(&plan).0, ["cached/liba.so"]);
    let runpath = Plan { runpath: Some("$ORIGIN/../run"), ..plan.clone() };
    assert_eq!(machine.load(&runpath).0, ["run/liba.so"]);
    machine.places.library_path = vec![machine.at("env").into()];
    assert_eq!(machine.load(&runpath).0, ["env/liba.so"]);
    let rpath = Plan { rpath: Some("${ORIGIN}/r"), ..plan.clone() };
    assert_eq!(machine.load(&rpath).0, ["app/r/liba.so"]);
    // A RUNPATH beside it makes an RPATH count for nothing.
    let both = Plan { rpath: Some("$ORIGIN/r"), ..runpath };
    assert_eq!(machine.load(&both).0, ["env/liba.so"]);
}

#[test]
fn what_a_library_needs_is_found_too_and_what_is_granted_is_not_asked_for() {
    let needs_b = Plan { needed: &["libb.so", "libc.so.6"], ..library() };
    let needs_a = Plan { needed: &["liba.so", "libnone.so"], ..library() };
    let machine = Machine::new(&[("app/r/liba.so", needs_b), ("app/r/libb.so", needs_a)]);
    let plan = Plan { rpath: Some("$ORIGIN/r"), ..needing(&["libc.so.6", "liba.so"]) };
    let (found, missing) = machine.load(&plan);
    assert_eq!(found, ["app/r/liba.so", "app/r/libb.so"], "by the program's RPATH");
    assert_eq!(missing, ["libnone.so for libb.so"]);
    let plan = Plan { runpath: Some("$ORIGIN/r"), ..needing(&["liba.so"]) };
    let (_, missing) = machine.load(&plan);
    assert_eq!(missing, ["libb.so for liba.so"], "a RUNPATH is for its own file only");
}

#[test]
fn what_is_for_another_machine_or_no_library_is_passed_over() {
    let machine = Machine::new(&[
        ("env/liba.so", Plan { machine: 183, ..library() }),
        ("system/liba.so", library()),
    ]);
    std::fs::write(machine.at("system/libtext.so"), "INPUT(liba.so)").expect("a file");
    let mut machine = machine;
    machine.places.library_path = vec![machine.at("env").into()];
    let (found, missing) = machine.load(&needing(&["liba.so", "libtext.so"]));
    assert_eq!(found, ["system/liba.so"]);
    assert_eq!(missing, ["libtext.so for program"]);
}

#[test]
fn the_loaders_words_are_put_in() {
    let shown = |path: &str| {
        let paths = expand(path, Path::new("/app"), X86);
        paths.iter().map(|path| path.to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shown("${ORIGIN}/$PLATFORM"), ["/app/x86_64"]);
    let libs = ["/app/lib/x86_64-linux-gnu", "/app/lib64", "/app/lib"];
    assert_eq!(shown("$ORIGIN/$LIB"), libs);
}
