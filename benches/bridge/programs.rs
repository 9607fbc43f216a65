//! The programs that are measured: built where they are not there yet, or said to be missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::Arguments;
use crate::contender::Contender;

/// Where each program is, or why it is not there and what would bring it.
pub(crate) struct Programs {
    pub(crate) floor: PathBuf,
    pub(crate) echo: PathBuf,
    pub(crate) bootstrap: PathBuf,
    pub(crate) lambda_runtime: Result<PathBuf, String>,
    /// What python3 needs as its PYTHONPATH to find AWS's runtime for it.
    pub(crate) awslambdaric: Result<PathBuf, String>,
    /// Where contenders write their standard error, and strace its counts.
    pub(crate) scratch: PathBuf,
}

impl Programs {
    pub(crate) fn find(arguments: &Arguments) -> Result<Self, String> {
        let scratch = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bridge");
        std::fs::create_dir_all(&scratch).map_err(|error| error.to_string())?;
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target folder")?;
        Ok(Self {
            floor: compiled("floor", &scratch)?,
            echo: compiled("echo", &scratch)?,
            bootstrap: match &arguments.bootstrap {
                Some(path) => {
                    path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?
                }
                None => bootstrap(target)?,
            },
            lambda_runtime: if [Contender::LambdaRuntime, Contender::Threads]
                .into_iter()
                .any(|peer| arguments.asks_for(peer))
            {
                lambda_runtime(target)
            } else {
                Err("it was not asked for".to_owned())
            },
            awslambdaric: awslambdaric(arguments),
            scratch,
        })
    }
}

/// A program of `benches/floor`, static where the C library can be, since ours is.
fn compiled(name: &str, folder: &Path) -> Result<PathBuf, String> {
    let source = root().join(format!("benches/floor/{name}.c"));
    let program = folder.join(name);
    let compile = |how: &[&str]| {
        let flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"];
        run(Command::new("cc").args(flags).args(how).arg("-o").arg(&program).arg(&source))
    };
    compile(&["-static"]).or_else(|_| compile(&[]))?;
    Ok(program)
}

/// Our bootstrap as it is deployed; cargo knows whether it has to be built.
fn bootstrap(target: &Path) -> Result<PathBuf, String> {
    let triple = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    run(Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["build", "--quiet", "--locked", "--bin", "bootstrap", "--no-default-features"])
        .args(["--profile", "bootstrap", "--target", &triple, "--target-dir"])
        .arg(target))?;
    Ok(target.join(triple).join("bootstrap/bootstrap"))
}

/// A function on AWS's own crate, a package beside ours with a lock file of its own.
fn lambda_runtime(target: &Path) -> Result<PathBuf, String> {
    let target = target.join("peers");
    run(Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--release", "--manifest-path"])
        .arg(root().join("tests/peers/lambda_runtime/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target))
    .map_err(|reason| format!("tests/peers/lambda_runtime does not build here: {reason}"))?;
    Ok(target.join("release/lambda-runtime-peer"))
}

/// AWS's runtime for Python: in the folder that was named, or where python3 finds it by itself.
fn awslambdaric(arguments: &Arguments) -> Result<PathBuf, String> {
    // Absolute, since the peer is started in a folder of its own.
    let folder = arguments.awslambdaric.as_deref().map_or_else(PathBuf::new, |folder| {
        std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
    });
    let imported = ["-c", "import awslambdaric, runtime_client"];
    let has_it = run(Command::new("python3").env("PYTHONPATH", &folder).args(imported));
    has_it.map(|_| folder).map_err(|_| {
        "to have it: `scripts/test ci tools`, then `--awslambdaric target/tools/awslambdaric-*`"
            .to_owned()
    })
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs something to its end; what it said if it failed.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}\n{told}", output.status))
}
