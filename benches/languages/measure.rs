//! One language from its scaffold to its figures, by the companion's own commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A row of `new --list`.
pub(crate) struct Language {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) form: String,
    pub(crate) missing: Vec<String>,
}

/// What an example costs; times in microseconds, sizes in bytes.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) form: String,
    pub(crate) start: f64,
    pub(crate) p50: f64,
    pub(crate) largest: f64,
    pub(crate) memory: f64,
    pub(crate) zip: f64,
    /// The values that do not come back as they were sent, and what becomes of them.
    pub(crate) inexact: Vec<(String, String)>,
}

pub(crate) fn languages() -> Result<Vec<Language>, String> {
    let rows = json(&mut companion(&["new", "--list", "--json"]))?;
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let rows = rows.as_array().cloned().unwrap_or_default();
    Ok(rows
        .iter()
        .map(|row| Language {
            name: text(row, "name"),
            title: text(row, "title"),
            about: text(row, "about"),
            form: text(row, "form"),
            missing: row["missing"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|word| word.as_str().map(ToOwned::to_owned))
                .collect(),
        })
        .collect())
}

pub(crate) fn measure(language: &Language, rounds: usize) -> Result<Measured, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("languages").join(&language.name);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let shown = folder.to_string_lossy().into_owned();
    done(&mut companion(&["new", &language.name, &shown]))?;
    done(companion(&["invoke", "-d", "{\"name\":\"Ada\"}"]).current_dir(&folder))?;
    let mut checks = Vec::new();
    for _ in 0..rounds {
        let check = ["check", "--no-build", "--timeout", "20", "--json"];
        checks.push(json(companion(&check).current_dir(&folder))?);
    }
    let bootstrap = bootstrap()?;
    let bootstrap = bootstrap.to_string_lossy();
    let package = ["package", "--no-build", "--no-verify", "--json", "--bootstrap", &bootstrap];
    let packaged = json(companion(&package).current_dir(&folder))?;
    let figure = |name: &str| {
        median(checks.iter().filter_map(|check| check["figures"][name].as_f64()).collect())
            .ok_or_else(|| format!("{} has no {name}", language.name))
    };
    Ok(Measured {
        name: language.name.clone(),
        title: language.title.clone(),
        about: language.about.clone(),
        form: language.form.clone(),
        start: figure("startUs")?,
        p50: figure("roundTripP50Us")?,
        largest: figure("largestUs")?,
        memory: figure("memoryBytes")?,
        zip: packaged["zips"][0]["zippedBytes"].as_f64().unwrap_or_default(),
        inexact: checks.first().map(inexact).unwrap_or_default(),
    })
}

fn inexact(check: &Value) -> Vec<(String, String)> {
    let rows = check["checks"].as_array().into_iter().flatten();
    rows.filter(|row| row["scenario"] == "values" && row["verdict"] != "ok")
        .filter_map(|row| {
            let (_, value) = row["title"].as_str()?.split_once(": ")?;
            Some((value.to_owned(), row["verdict"].as_str()?.to_owned()))
        })
        .collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The static bootstrap, whose size is part of every zip's.
fn bootstrap() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().map(Path::to_path_buf);
    let machine = std::env::consts::ARCH;
    let path = target
        .unwrap_or_default()
        .join(format!("{machine}-unknown-linux-musl/bootstrap/bootstrap"));
    let built = path.is_file().then_some(path);
    built.ok_or_else(|| {
        format!("there is no static bootstrap; scripts/dist --bootstrap {machine} builds it")
    })
}

/// `lambda-stdio ARGUMENTS`, on the first core.
#[expect(clippy::disallowed_methods, reason = "where the languages are is the caller's to say")]
fn companion(arguments: &[&str]) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", "0", env!("CARGO_BIN_EXE_lambda-stdio")]).args(arguments);
    // The system's own programs first: where version managers stand before them, their shims are measured.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("/usr/bin:/bin:{path}"));
    command
}

fn done(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} ended with {}: {said}", output.status));
    }
    Ok(output.stdout)
}

fn json(command: &mut Command) -> Result<Value, String> {
    let said = done(command)?;
    serde_json::from_slice(&said).map_err(|error| format!("{command:?}: {error}"))
}
