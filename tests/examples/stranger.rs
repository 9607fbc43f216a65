//! Somebody with an installed `lambda-stdio`, a home of his own, nobody's locale, and an empty folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl Said {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

pub(crate) struct Stranger {
    row: Value,
    place: PathBuf,
    can_package: bool,
}

impl Stranger {
    /// One who writes in a language; none where its tools are missing.
    pub(crate) fn with(name: &str) -> Option<Self> {
        let rows = list();
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        if row["isInstalled"] != true {
            let missing = format!("{name}, which needs {}", row["missing"]);
            assert!(!are_all_wanted(), "not installed: {missing}");
            eprintln!("not run: {missing}");
            return None;
        }
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples").join(name);
        drop(fs::remove_dir_all(&place));
        for folder in ["bin", "home", "tmp", "project"] {
            fs::create_dir_all(place.join(folder)).unwrap();
        }
        install(Path::new(env!("CARGO_BIN_EXE_lambda-stdio")), &place.join("bin/lambda-stdio"));
        let fixed = static_bootstrap();
        let bootstrap: PathBuf =
            fixed.clone().unwrap_or_else(|| env!("CARGO_BIN_EXE_bootstrap").into());
        install(&bootstrap, &place.join("bin/bootstrap"));
        Some(Self { row: row.clone(), place, can_package: fixed.is_some() })
    }

    /// Whether the bootstrap is one that is packaged.
    pub(crate) fn can_package(&self) -> bool {
        self.can_package
    }

    /// The form in which the catalogue says that it is deployed.
    pub(crate) fn form(&self) -> &str {
        self.row["form"].as_str().unwrap()
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        fs::write(self.place.join("project").join(name), text).unwrap();
    }

    /// `lambda-stdio ARGUMENTS`, which must go well.
    #[track_caller]
    pub(crate) fn types(&self, arguments: &[&str]) -> Said {
        self.ends(arguments, 0)
    }

    /// `lambda-stdio ARGUMENTS`, which must end so.
    #[track_caller]
    pub(crate) fn ends(&self, arguments: &[&str], code: i32) -> Said {
        let mut command = self.command(&self.place.join("bin/lambda-stdio"));
        let said = run(command.args(arguments));
        assert_eq!(said.code, Some(code), "{} {arguments:?}: {said:?}", self.row["name"]);
        said
    }

    /// The test that is in the project.
    #[track_caller]
    pub(crate) fn tries_its_test(&self, program: &Value) {
        let mut command = self.command(Path::new("./test.sh"));
        for word in program.as_array().unwrap() {
            command.arg(word.as_str().unwrap());
        }
        let text = fs::read_to_string(self.place.join("project/lambda-stdio.toml")).unwrap();
        let project: toml::Table = text.parse().unwrap();
        if let Some(variables) = project.get("environment") {
            for (name, value) in variables.as_table().unwrap() {
                command.env(name, value.as_str().unwrap());
            }
        }
        let said = run(&mut command);
        assert_eq!(said.code, Some(0), "{}: {said:?}", self.row["name"]);
        assert!(said.out.matches("ok ").count() >= 4, "{said:?}");
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.place.join("project")).env_clear().stdin(Stdio::null());
        command.env("PATH", search_path()).env("HOME", self.place.join("home"));
        command.env("TMPDIR", self.place.join("tmp"));
        // Rust is installed for its user, and this one's home is empty.
        for (name, folder) in [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo")] {
            let home = || Some(PathBuf::from(variable("HOME")?).join(folder));
            if let Some(path) = variable(name).map(PathBuf::from).or_else(home) {
                command.env(name, path);
            }
        }
        command
    }
}

/// Puts a program somewhere under another name.  A copy is open for writing while it is made, also in what other
/// stories start meanwhile, and no such file can be run: a link is none.
fn install(program: &Path, to: &Path) {
    fs::hard_link(program, to).or_else(|_| fs::copy(program, to).map(drop)).unwrap();
}

/// What `new --list` names.
pub(crate) fn listed() -> Vec<String> {
    list().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

fn list() -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-stdio"));
    let said = run(command.args(["new", "--list", "--json"]));
    said.json().as_array().unwrap().clone()
}

fn run(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
    }
}

#[expect(clippy::disallowed_methods, reason = "what the run was told, and where its tools are")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

fn are_all_wanted() -> bool {
    variable("LAMBDA_STDIO_EXAMPLES").is_some_and(|value| value == "all")
}

fn search_path() -> std::ffi::OsString {
    variable("PATH").unwrap_or_default()
}

/// The static bootstrap, which alone is packaged.
fn static_bootstrap() -> Option<PathBuf> {
    let named = variable("LAMBDA_STDIO_STATIC").map(PathBuf::from).filter(|path| path.is_file());
    assert!(named.is_some() || !are_all_wanted(), "LAMBDA_STDIO_STATIC names no bootstrap");
    named
}
