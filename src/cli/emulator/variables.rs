//! The environment that a runtime sees: the documented variables of Lambda, and of the developer's own
//! only what says where things lie on this machine.  Values in, values out.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;

use super::Function;

/// The developer's variables that a runtime sees.  Anything else, above all credentials, is a leak that no
/// deployed function has: `--env NAME` hands it over on purpose.
const PASSED: [&str; 8] = [
    "PATH",             // programs and interpreters are where the developer has them
    "HOME",             // version managers find their interpreters from there
    "TMPDIR",           // where this machine wants temporary files
    "LD_LIBRARY_PATH",  // libraries outside the loader's path
    "LOCALE_ARCHIVE",   // where locales are on systems of the Nix kind
    "CARGO_TARGET_DIR", // `cargo run` as a handler finds what was built before
    "AWS_REGION",       // the region is no secret, and SDKs refuse to work without one
    "AWS_DEFAULT_REGION",
];
/// Settings of the bridge and of its logs: set for one call, they are meant for it.
const PASSED_PREFIXES: [&str; 2] = ["LAMBDA_STDIO_", "AWS_LAMBDA_LOG_"];
/// Where tools live that were not installed in their usual places: `RUSTUP_HOME`, `JAVA_HOME`, `PYENV_ROOT`.
const PASSED_SUFFIXES: [&str; 2] = ["_HOME", "_ROOT"];
/// Names of Lambda's own, which no suffix lets through: `LAMBDA_TASK_ROOT` is ours to say.
const LAMBDAS: [&str; 3] = ["AWS_", "LAMBDA_", "_"];
/// What only the emulator sets: a runtime that is told otherwise could not find it.
const OWN: [&str; 2] = ["AWS_LAMBDA_RUNTIME_API", "LAMBDA_STDIO_WIRE"];

/// Names with their values, the later ones overriding.
pub type Variables = Vec<(OsString, OsString)>;

/// Whether a variable of the developer's own environment is passed on unasked.
#[must_use]
pub fn is_passed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    let is_place = PASSED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) && !begins(&LAMBDAS);
    !is_own(name) && (PASSED.contains(&name) || begins(&PASSED_PREFIXES) || is_place)
}

/// Whether a variable belongs to the emulator alone.
#[must_use]
pub fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}

/// All that the runtime of a function sees.
#[must_use]
pub fn of(function: &Function, api: SocketAddr, log_stream: &str) -> Variables {
    let memory = function.memory_mb.to_string();
    let group = format!("/aws/lambda/{}", function.name);
    let documented: [(&str, &OsStr); 16] = [
        ("PATH", OsStr::new("/usr/local/bin:/usr/bin:/bin:/opt/bin")),
        ("LANG", OsStr::new("en_US.UTF-8")),
        ("TZ", OsStr::new(":UTC")),
        ("AWS_REGION", OsStr::new("us-east-1")),
        ("AWS_DEFAULT_REGION", OsStr::new("us-east-1")),
        ("AWS_XRAY_CONTEXT_MISSING", OsStr::new("LOG_ERROR")),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", OsStr::new("on-demand")),
        ("AWS_LAMBDA_LOG_FORMAT", OsStr::new("Text")),
        ("LAMBDA_RUNTIME_DIR", OsStr::new("/var/runtime")),
        ("LAMBDA_TASK_ROOT", function.task_root.as_os_str()),
        ("_HANDLER", &function.handler),
        ("AWS_LAMBDA_FUNCTION_NAME", OsStr::new(&function.name)),
        ("AWS_LAMBDA_FUNCTION_VERSION", OsStr::new("$LATEST")),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", OsStr::new(&memory)),
        ("AWS_LAMBDA_LOG_GROUP_NAME", OsStr::new(&group)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", OsStr::new(log_stream)),
    ];
    let documented = documented.map(|(name, value)| (name.into(), value.to_owned()));
    let mut variables = Variables::from(documented);
    variables.extend(function.variables.iter().cloned());
    variables.push(("AWS_LAMBDA_RUNTIME_API".into(), api.to_string().into()));
    if let Some(tap) = &function.wire_tap {
        variables.push(("LAMBDA_STDIO_WIRE".into(), tap.into()));
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_developers_environment_only_places_and_our_own_settings_pass() {
        for name in [
            "PATH",
            "HOME",
            "RUSTUP_HOME",
            "PYENV_ROOT",
            "LAMBDA_STDIO_REPLIES",
            "AWS_LAMBDA_LOG_FORMAT",
            "AWS_REGION",
        ] {
            assert!(is_passed(OsStr::new(name)), "{name}");
        }
        for name in [
            "TERM",
            "USER",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_PROFILE",
            "GITHUB_TOKEN",
            "HTTP_PROXY",
            "AWS_LAMBDA_RUNTIME_API",
            "LAMBDA_STDIO_WIRE",
            "LD_PRELOAD",
            "LAMBDA_TASK_ROOT",
            "AWS_LAMBDA_FUNCTION_NAME",
            "",
        ] {
            assert!(!is_passed(OsStr::new(name)), "{name}");
        }
    }
}
