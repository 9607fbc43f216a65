//! The zip itself: the same bytes from the same files, whole or not there, and read alike by others.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::invoke_runtime::{companion, run};
use crate::package_support::{Project, files};
use crate::support::{installed, trials};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// Some files of some sizes, made in any order.
fn fill(folder: &Path, order: &mut Numbers) {
    let mut names: Vec<usize> = (0..30).collect();
    for at in (1..names.len()).rev() {
        names.swap(at, usize::try_from(order.next()).unwrap() % (at + 1));
    }
    for name in names {
        let parent = folder.join(format!("d{}", name % 4));
        std::fs::create_dir_all(&parent).unwrap();
        let mut content = Numbers(name as u64);
        let mut bytes = content.bytes(name * 7);
        bytes.extend(vec![b'a'; name * 10]);
        std::fs::write(parent.join(format!("f{name}-é")), bytes).unwrap();
    }
    // More than one piece, and quick to compress.
    std::fs::write(folder.join("large"), vec![0; 1_100_000]).unwrap();
}

#[test]
fn the_same_files_are_the_same_bytes_whatever_else_differs() {
    let mut order = Numbers(42);
    let mut seen = std::collections::BTreeSet::new();
    let count = trials(25);
    for turn in 0..count {
        let project = Project::with_handler();
        fill(&project.at("data"), &mut order);
        fill(&project.at("more"), &mut order);
        let mut includes = ["data", "more"];
        if turn % 2 == 1 {
            includes.reverse();
        }
        let mut command = Command::new("sh");
        let mask = ["umask 022; exec \"$@\"", "umask 077; exec \"$@\""];
        command.args(["-c", mask[turn as usize / 2 % 2], "sh", env!("CARGO_BIN_EXE_lambda-stdio")]);
        command.args(["package", "--no-verify", "--json", "--bootstrap", "static/bootstrap"]);
        command.args(["--include", includes[0], "--include", includes[1], "./handler"]);
        let zone = ["UTC", "Asia/Tokyo", "America/St_Johns"][turn as usize % 3];
        command.env("TZ", zone).env("LC_ALL", ["C", "tr_TR.UTF-8"][turn as usize % 2]);
        let said = run(command.current_dir(project.path()).env_remove("SOURCE_DATE_EPOCH"));
        assert_eq!(said.code, Some(0), "{said:?}");
        let hash = said.json()["zips"][0]["codeSha256"].as_str().unwrap().to_owned();
        seen.insert(hash);
    }
    assert_eq!(seen.len(), 1, "of {count}");
}

#[test]
fn the_time_of_the_files_is_the_variable_s() {
    let project = Project::with_handler();
    let hash = |epoch: Option<&str>| {
        let mut command = project.command(&["--json", "./handler"]);
        epoch.map(|epoch| command.env("SOURCE_DATE_EPOCH", epoch));
        run(&mut command).json()["zips"][0]["codeSha256"].clone()
    };
    let default = hash(None);
    assert_eq!(hash(Some("0")), default, "earlier than zips know");
    assert_ne!(hash(Some("1795230245")), default);
    let mut command = project.command(&["./handler"]);
    let said = run(command.env("SOURCE_DATE_EPOCH", "yesterday"));
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.starts_with("error: SOURCE_DATE_EPOCH is \"yesterday\": allowed is"),
        "{said:?}"
    );
}

const PYTHON: &str = r"
import hashlib, sys, zipfile
zip = zipfile.ZipFile(sys.argv[1])
assert zip.testzip() is None
for entry in zip.infolist():
    assert entry.date_time == (1980, 1, 1, 0, 0, 0) and entry.create_system == 3 and not entry.extra
    mode = entry.external_attr >> 16
    assert mode in (0o100755, 0o100644)
    print(entry.filename, oct(mode)[-3:], hashlib.sha256(zip.read(entry)).hexdigest())
";

#[test]
fn three_readers_of_others_agree_on_it() {
    let project = Project::with_handler();
    fill(&project.at("data"), &mut Numbers(7));
    project.file("data/empty", "");
    let said = project.package(&["--json", "--include", "data", "./handler"]);
    let names = files(&said.json(), 0);
    assert_eq!(names.len(), 34);

    let read = Command::new("python3")
        .args(["-c", PYTHON, "function.zip"])
        .current_dir(project.path())
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap();
    assert!(read.status.success(), "{read:?}");
    let python = String::from_utf8(read.stdout).unwrap();
    let listed: Vec<String> = python
        .lines()
        .map(|line| {
            let mut words = line.split(' ');
            format!("{} 0{}", words.next().unwrap(), words.next().unwrap())
        })
        .collect();
    assert_eq!(listed, names);

    for (tool, unpack) in [
        ("unzip", &["unzip", "-q", "../function.zip"][..]),
        ("bsdtar", &["bsdtar", "-xpf", "../function.zip"]),
    ] {
        if !installed(tool) {
            continue;
        }
        let folder = project.at(tool);
        std::fs::create_dir(&folder).unwrap();
        let mut command = Command::new(unpack[0]);
        command.args(&unpack[1..]).current_dir(&folder).env("LC_ALL", "C.UTF-8");
        let said = command.output().unwrap();
        assert!(said.status.success(), "{said:?}");
        // What Python read, of what the other unpacked.
        let check = "import hashlib, os, sys\nfor line in sys.stdin.read().splitlines():\n    name, mode, hash = line.split(' ')\n    assert hashlib.sha256(open(name, 'rb').read()).hexdigest() == hash, name\n    assert oct(os.stat(name).st_mode)[-3:] == mode, name\n";
        let list = project.file("list", &python);
        let said = Command::new("python3")
            .args(["-X", "utf8", "-c", check])
            .current_dir(&folder)
            .stdin(std::fs::File::open(list).unwrap())
            .output()
            .unwrap();
        assert!(said.status.success(), "{tool}: {said:?}");
    }
}

/// A project that takes long enough to be interrupted.
fn large() -> Project {
    let project = Project::with_handler();
    for index in 0..40 {
        project.file(&format!("data/{index}"), Numbers(index).bytes(100_000));
    }
    std::fs::create_dir(project.at("out")).unwrap();
    project
}

#[test]
fn who_is_killed_leaves_nothing_half_written() {
    let project = large();
    let began = Instant::now();
    let whole = ["--include", "data", "-o", "out/function.zip", "./handler"];
    assert_eq!(project.package(&whole).code, Some(0));
    let time = began.elapsed();
    let content = std::fs::read(project.at("out/function.zip")).unwrap();
    let mut moments = Numbers(9);
    let mut killed = 0;
    let count = trials(20);
    for _ in 0..count {
        std::fs::remove_file(project.at("out/function.zip")).ok();
        let mut command = project.command(&whole);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(
            moments.next() % u64::try_from(time.as_micros()).unwrap(),
        ));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        let left: Vec<_> = std::fs::read_dir(project.at("out"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        match left.as_slice() {
            [] => (),
            [name] if name == "function.zip" => {
                assert!(std::fs::read(project.at("out/function.zip")).unwrap() == content);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(killed > 0, "of {count}");
}

#[test]
fn an_old_zip_is_replaced_whole_or_stays() {
    let project = large();
    let zip = project.file("out/function.zip", "old");
    let arguments = ["--include", "data", "-o", "out/function.zip", "./handler"];
    let mut limited = Command::new("sh");
    limited.args([
        "-c",
        "ulimit -f 100; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_lambda-stdio"),
        "package",
    ]);
    limited.args(["--bootstrap", "static/bootstrap"]).args(arguments);
    let said = run(limited.current_dir(project.path()));
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(
        said.err.starts_with(
            "error: out/function.zip is not written: the zip cannot be written: File too large"
        ),
        "{said:?}"
    );
    assert_eq!(std::fs::read_to_string(&zip).unwrap(), "old");
    assert_eq!(std::fs::read_dir(project.at("out")).unwrap().count(), 1);

    assert_eq!(project.package(&arguments).code, Some(0));
    assert!(std::fs::read(&zip).unwrap().starts_with(b"PK\x03\x04"));
    assert_eq!(std::fs::read_dir(project.at("out")).unwrap().count(), 1);
}

#[test]
fn a_full_disk_is_told_and_leaves_nothing() {
    let project = large();
    let script = "mount -t tmpfs -o size=64k none out && \"$@\"; code=$?; ls -A out; exit $code";
    let mut command = Command::new("unshare");
    command.args(["-Urm", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_lambda-stdio"), "package"]);
    command.args([
        "--bootstrap",
        "static/bootstrap",
        "--include",
        "data",
        "-o",
        "out/function.zip",
    ]);
    let probe =
        Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("not run: this machine lets nobody mount in a namespace of his own");
        return;
    }
    let said = run(command.arg("./handler").current_dir(project.path()));
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    assert!(said.err.contains("the zip cannot be written: No space left on device"), "{said:?}");
}

#[test]
fn a_file_that_is_written_meanwhile_is_told_or_packaged_whole() {
    let project = large();
    let growing = project.file("data/growing", "x");
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let mut told = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut length = 0;
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                length = (length + 7) % 50_000;
                std::fs::write(&growing, vec![b'y'; length]).unwrap();
            }
        });
        for _ in 0..trials(10).min(100) {
            let said =
                project.package(&["--include", "data", "-o", "out/function.zip", "./handler"]);
            if said.code == Some(0) {
                let test = Command::new("python3")
                    .args(["-c", PYTHON, "out/function.zip"])
                    .current_dir(project.path())
                    .output()
                    .unwrap();
                assert!(test.status.success(), "{test:?}");
            } else {
                assert!(said.err.contains("was changed while it was being packaged"), "{said:?}");
                told += 1;
            }
        }
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert!(told > 0, "a file was rewritten all the time, and never noticed");
}

#[test]
fn the_companion_says_how_it_is_used() {
    let help = run(companion().args(["package", "--help"]));
    assert!(
        help.out.contains("SOURCE_DATE_EPOCH") && help.out.contains("--check-only"),
        "{help:?}"
    );
    assert!(run(companion().arg("package")).code == Some(2));
}
