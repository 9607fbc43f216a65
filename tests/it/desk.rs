//! The desk of a new user: a folder with sources, and an installed `lambda-stdio` with its bootstrap
//! beside it.  What is typed here goes through a shell, as it stands in the README.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::invoke_runtime::{Said, run};
use crate::support::{eventually, installed, search_path, tool};

pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    /// One with the sources of a folder beside this file; none where a program or file is missing that they
    /// need.
    pub(crate) fn with(sources: &str, tools: &[&str]) -> Option<Self> {
        let bootstrap = tool("LAMBDA_STDIO_STATIC")?;
        if !tools.iter().all(|tool| installed(tool)) {
            return None;
        }
        let desk = Self { folder: TempDir::new().unwrap() };
        for folder in ["bin", "home", "tmp"] {
            fs::create_dir(desk.at(folder)).unwrap();
        }
        install(Path::new(env!("CARGO_BIN_EXE_lambda-stdio")), &desk.at("bin/lambda-stdio"));
        install(&bootstrap, &desk.at("bin/bootstrap"));
        copy(&project().join("tests/it").join(sources), desk.folder.path());
        Some(desk)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a line says that is typed into a shell, however it ends.  Nothing may be left of a trial.
    pub(crate) fn types(&self, line: &str) -> Said {
        let path = format!("{}:{}", self.at("bin").display(), search_path());
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.folder.path());
        // Tools keep what they keep in a home of their own, and the locale is nobody's.
        shell.env("PATH", path).env("HOME", self.at("home")).env("TMPDIR", self.at("tmp"));
        for name in ["LANG", "LC_ALL", "LD_LIBRARY_PATH", "MIX_ENV", "SOURCE_DATE_EPOCH"] {
            shell.env_remove(name);
        }
        let said = run(&mut shell);
        let left = fs::read_dir(self.at("tmp")).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.filter(|name| name.to_string_lossy().contains("stdio")).count(), 0);
        said
    }

    /// Nothing that was started here runs any more; what was killed may take a moment to go.
    #[track_caller]
    pub(crate) fn has_nothing_running(&self) {
        let home = format!("HOME={}", self.at("home").display());
        let is_ours = |process: &fs::DirEntry| {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == home.as_bytes())
        };
        eventually("nothing is left running", || {
            !fs::read_dir("/proc").unwrap().flatten().any(|process| is_ours(&process))
        });
    }

    /// A line that ends well, or there is nothing to try.
    #[track_caller]
    pub(crate) fn builds(&self, line: &str) {
        let said = self.types(line);
        assert_eq!(said.code, Some(0), "{line}: {said:?}");
    }

    /// A line that packages without a finding, and whose zip answered so when it was run.
    #[track_caller]
    pub(crate) fn answers(&self, line: &str, reply: &str) -> Said {
        self.is_verified(line, &format!("run from its zip, it answered {reply}"))
    }

    /// The same of one that packages for an image.
    #[track_caller]
    pub(crate) fn answers_as_an_image(&self, line: &str, reply: &str) -> Said {
        let run = "run from its zip with this machine's system as its image";
        self.is_verified(line, &format!("{run}, it answered {reply}"))
    }

    #[track_caller]
    fn is_verified(&self, line: &str, told: &str) -> Said {
        let said = self.types(line);
        assert_eq!((findings(&said), said.code), (vec![], Some(0)), "{line}: {said:?}");
        assert!(said.out.contains(&format!("verified: {told}\n")), "{line}: {said:?}");
        said
    }

    /// The same of a line that the README tells a user to type.
    #[track_caller]
    pub(crate) fn answers_as_the_readme_says(&self, line: &str, reply: &str) -> Said {
        in_the_readme(line);
        self.answers(line, reply)
    }

    /// A line of the README that packages without a finding, and need not be verified.
    #[track_caller]
    pub(crate) fn does_as_the_readme_says(&self, line: &str) {
        in_the_readme(line);
        let said = self.types(line);
        assert_eq!((findings(&said), said.code), (vec![], Some(0)), "{line}: {said:?}");
    }

    /// A table of one's own: the default's, with nothing said of what its libraries provide.
    pub(crate) fn knows_a_target_with_a_newer_c_library(&self, name: &str) {
        let table = fs::read(project().join("src/cli/package/targets/al2023.json")).unwrap();
        let mut table: serde_json::Value = serde_json::from_slice(&table).unwrap();
        table["name"] = "newer".into();
        table["versions"] = serde_json::json!([]);
        fs::write(self.at(name), table.to_string()).unwrap();
    }

    /// Another reader of the zip, and the handler's words as the bootstrap's own.
    #[track_caller]
    pub(crate) fn answers_unpacked(&self, handler: &str, event: &str, reply: &str) {
        self.builds("rm -rf task && unzip -q function.zip -d task");
        let invoke = format!(
            "cd task && lambda-stdio invoke -d '{event}' --runtime -- ./bootstrap {handler}"
        );
        let said = self.types(&invoke);
        assert_eq!((said.code, said.out.trim_end()), (Some(0), reply), "{said:?}");
    }

    /// The libraries that a program asks for, as another reader of ELF files tells them.
    pub(crate) fn needed(&self, program: &str) -> Vec<String> {
        let said = self.types(&format!("LC_ALL=C readelf -d {program}"));
        assert_eq!(said.code, Some(0), "{said:?}");
        let lines = said.out.lines().filter(|line| line.contains("(NEEDED)"));
        lines
            .filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned()))
            .collect()
    }
}

/// Puts a program somewhere under another name.  A copy is open for writing while it is made, also in what other
/// stories start meanwhile, and no such file can be run: a link is none.
pub(crate) fn install(program: &Path, to: &Path) {
    fs::hard_link(program, to).or_else(|_| fs::copy(program, to).map(drop)).unwrap();
}

/// Each finding's severity, code and file, as people are told them.
pub(crate) fn findings(said: &Said) -> Vec<String> {
    let finding = |line: &str| {
        let (severity, rest) = line.split_once("[P")?;
        let (code, rest) = rest.split_once("]: ")?;
        Some(format!("{severity} P{code} {}", rest.split_once(": ")?.0))
    };
    said.err.lines().filter_map(finding).collect()
}

#[track_caller]
fn in_the_readme(line: &str) {
    assert!(readme().lines().any(|said| said == line), "the README does not say: {line}");
}

pub(crate) fn readme() -> String {
    fs::read_to_string(project().join("README.md")).unwrap()
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}
