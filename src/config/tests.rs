//! Tables of variables and what they mean.

use super::*;

fn config(variables: &[(&str, &str)], arguments: &[&str]) -> Result<Config, ConfigError> {
    let variables =
        Variables(variables.iter().map(|(name, value)| (name.into(), value.into())).collect());
    let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
    Config::from_variables(&variables, &arguments, Path::new("/started"))
}

fn environment(variables: &[(&str, &str)]) -> String {
    let program = config(variables, &["x"]).expect("a configuration").program;
    let mut lines: Vec<String> = program
        .environment
        .iter()
        .map(|(name, value)| format!("{}={}", name.to_string_lossy(), value.to_string_lossy()))
        .collect();
    lines.sort();
    lines.join(" ")
}

#[test]
fn nothing_set_means_the_defaults() {
    let config = config(&[("_HANDLER", "greet"), ("LAMBDA_STDIO_READY", "")], &[]).expect("fine");
    assert_eq!(config.program.name, "greet");
    assert!(config.program.arguments.is_empty());
    assert_eq!(config.program.task_root, Path::new("/started"));
    assert_eq!(config.program.directory, None);
    assert_eq!((config.readiness, config.replies), (Readiness::Read, Replies::Auto));
    assert_eq!((config.framing, config.reply_fd, config.margin), (Framing::Lines, None, None));
}

#[test]
fn every_variable_is_read() {
    let config = config(
        &[
            ("_HANDLER", "bin/greet"),
            ("LAMBDA_STDIO_ARGS", "-c 'a b'"),
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("LAMBDA_STDIO_READY", "line"),
            ("LAMBDA_STDIO_REPLIES", "text"),
            ("LAMBDA_STDIO_FRAMING", "length"),
            ("LAMBDA_STDIO_REPLY_FD", "3"),
            ("LAMBDA_STDIO_DEADLINE_MARGIN_MS", "50"),
            ("AWS_LAMBDA_FUNCTION_NAME", "greet"),
        ],
        &[],
    )
    .expect("fine");
    assert_eq!(config.program.arguments, ["-c", "a b"]);
    assert_eq!(config.program.directory.as_deref(), Some(Path::new("/var/task")));
    assert_eq!((config.readiness, config.replies), (Readiness::Line, Replies::Text));
    assert_eq!((config.framing, config.reply_fd), (Framing::Length, Some(3)));
    assert_eq!(config.margin, Some(Duration::from_millis(50)));
    assert_eq!(config.function.name.as_deref(), Some("greet"));
}

#[test]
fn arguments_come_before_the_handler_setting() {
    let variables = [("_HANDLER", "greet"), ("LAMBDA_STDIO_ARGS", "'never closed")];
    let config = config(&variables, &["/app/other", "-x"]).expect("fine");
    assert_eq!(config.program.name, "/app/other");
    assert_eq!(config.program.arguments, ["-x"]);
}

#[test]
fn a_wrong_value_is_named_with_what_is_allowed() {
    for (variable, value, says) in [
        (
            "LAMBDA_STDIO_READY",
            "maybe",
            "LAMBDA_STDIO_READY is \"maybe\": allowed is read, line or none",
        ),
        (
            "LAMBDA_STDIO_REPLIES",
            "Text",
            "LAMBDA_STDIO_REPLIES is \"Text\": allowed is auto, tagged or text",
        ),
        ("LAMBDA_STDIO_FRAMING", "4", "LAMBDA_STDIO_FRAMING is \"4\": allowed is lines or length"),
        (
            "LAMBDA_STDIO_REPLY_FD",
            "2",
            "LAMBDA_STDIO_REPLY_FD is \"2\": allowed is a number from 3 to 255",
        ),
        (
            "LAMBDA_STDIO_REPLY_FD",
            "256",
            "LAMBDA_STDIO_REPLY_FD is \"256\": allowed is a number from 3 to 255",
        ),
        (
            "LAMBDA_STDIO_DEADLINE_MARGIN_MS",
            "-1",
            "LAMBDA_STDIO_DEADLINE_MARGIN_MS is \"-1\": allowed is a number of milliseconds from 0 to 900000",
        ),
        (
            "LAMBDA_STDIO_ARGS",
            "'a",
            "LAMBDA_STDIO_ARGS is \"'a\": allowed is words as a shell reads them, each quote closed",
        ),
    ] {
        let error = config(&[("_HANDLER", "x"), (variable, value)], &[]).expect_err("refused");
        assert_eq!(error.to_string(), says);
    }
    let error = config(&[], &[]).expect_err("refused").to_string();
    assert!(error.starts_with("no program to run: set the function's handler"), "{error}");
}

#[test]
fn the_handlers_environment_is_ours_less_what_is_between_lambda_and_us() {
    assert_eq!(
        environment(&[
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
            ("_LAMBDA_TELEMETRY_LOG_FD", "3"),
            ("_X_AMZN_TRACE_ID", "Root=1"),
            ("LAMBDA_STDIO_READY", "none"),
            ("AWS_REGION", "eu-west-1"),
            ("HOME", "/home/me"),
        ]),
        "AWS_REGION=eu-west-1 HOME=/home/me LAMBDA_STDIO_PROTOCOL=1"
    );
}

#[test]
fn the_task_root_is_added_to_the_search_paths_where_missing() {
    assert_eq!(
        environment(&[
            ("LAMBDA_TASK_ROOT", "/var/task"),
            ("PATH", "/bin"),
            ("LD_LIBRARY_PATH", "/lib64:/var/task")
        ]),
        "HOME=/tmp LAMBDA_STDIO_PROTOCOL=1 LAMBDA_TASK_ROOT=/var/task \
         LD_LIBRARY_PATH=/lib64:/var/task:/var/task/lib PATH=/bin:/var/task"
    );
    let bare = environment(&[("LAMBDA_TASK_ROOT", "/var/task")]);
    assert!(
        bare.contains(
            "LD_LIBRARY_PATH=/var/task:/var/task/lib PATH=/usr/local/bin:/usr/bin:/bin:/var/task"
        ),
        "{bare}"
    );
}
