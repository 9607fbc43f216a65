//! Every example as a stranger uses it: made by `new`, built by its own tools, invoked, tried by its own test,
//! checked, packaged, and answering from its package.
//!
//! One language alone: `cargo test --test examples haskell`.  A language whose tools are not installed is named
//! and left out, unless `LAMBDA_STDIO_EXAMPLES=all` says that none may be.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests say what they expect, and what they did not run"
)]

mod stranger;

use serde_json::{Value, json};

use stranger::Stranger;

/// The last argument: what `check` tells beyond the musts, by its codes; each stands in the example's README.
macro_rules! examples {
    ($($test:ident $name:literal $codes:expr;)+) => {
        $(#[test]
        fn $test() {
            holds($name, &$codes);
        })+

        const NAMES: &[&str] = &[$($name),+];
    };
}

examples! {
    bash "bash" ["C106", "C108"];
    c "c" ["C106", "C108"];
    clojure "clojure" ["C106"];
    common_lisp "common-lisp" ["C106", "C108"];
    cpp "cpp" ["C106", "C108"];
    elixir "elixir" ["C106", "C108"];
    erlang "erlang" ["C106", "C108"];
    go "go" [];
    haskell "haskell" ["C106", "C108"];
    java "java" ["C106"];
    jq "jq" ["C106", "C108"];
    ocaml "ocaml" [];
    perl "perl" ["C106", "C108"];
    python "python" ["C106", "C108"];
    racket "racket" ["C106", "C108"];
    rust "rust" [];
    zig "zig" ["C108"];
}

/// Events beside those of `test.sh`: what is none of the function's is an error of its own, and ends nothing.
const ODD: [&str; 5] = ["{}", "[]", "null", "\"text\"", "{\"name\":5}"];

fn holds(name: &str, codes: &[&str]) {
    let Some(stranger) = Stranger::with(name) else { return };
    // From nothing to the first reply in two commands.
    stranger.types(&["new", name, "."]);
    let reply = stranger.types(&["invoke", "-d", "{\"name\":\"Ada\"}"]);
    assert_eq!(reply.json(), json!({"greeting": "Hello, Ada!"}), "{reply:?}");
    assert!(reply.err.starts_with("START "), "the build is silent: {reply:?}");

    behaves(&stranger);
    let checked = stranger.types(&["check", "--no-build", "--timeout", "20", "--json"]).json();
    stranger.tries_its_test(&checked["program"]);
    let mut told: Vec<&str> = checked["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told, codes, "{name}: {:#}", checked["findings"]);

    if !stranger.can_package() {
        eprintln!("not run: the package of {name}, since LAMBDA_STDIO_STATIC names no bootstrap");
        return;
    }
    let packaged = stranger.types(&["package", "--no-build", "--json"]).json();
    assert_eq!(packaged["findings"], json!([]), "{name}: {packaged:#}");
    assert_eq!(packaged["verified"]["outcome"], "answered", "{name}: {packaged:#}");
    let message = packaged["verified"]["message"].as_str().unwrap();
    assert!(message.contains("Hello, Ada!"), "{name}: {message}");
    assert_eq!(form(&packaged, &checked), stranger.form(), "{name}");
}

/// All in one environment, and none of it ends the handler.
fn behaves(stranger: &Stranger) {
    let named = [
        ("{\"name\":\"Zoë\"}", json!({"greeting": "Hello, Zoë!"})),
        (
            "{\"echo\":{\"b\":[1,true,null,\"x\\n\\\\\"],\"a\":{}}}",
            json!({"b": [1, true, null, "x\n\\"], "a": {}}),
        ),
        ("{\"echo\":null}", Value::Null),
    ];
    let mut events: Vec<&str> = named.iter().map(|(event, _)| *event).collect();
    events.push("{\"fail\":\"out of \\\"paper\\\"\"}");
    events.extend(ODD);
    stranger.file("events.jsonl", &(events.join("\n") + "\n"));
    let said = stranger.ends(&["invoke", "--no-build", "--json", "--events", "events.jsonl"], 1);
    let said = said.json();
    let invocations = said["invocations"].as_array().unwrap();
    assert_eq!(invocations.len(), events.len(), "{said:#}");
    for ((event, result), invocation) in named.iter().zip(invocations) {
        assert_eq!(invocation["reply"], *result, "{event}: {invocation:#}");
    }
    let failures = &invocations[named.len()..];
    assert_eq!(failures[0]["error"]["errorType"], "ExampleError", "{said:#}");
    assert_eq!(failures[0]["error"]["errorMessage"], "out of \"paper\"", "{said:#}");
    for (event, invocation) in ODD.iter().zip(&failures[1..]) {
        let error = &invocation["error"];
        let is_own = error["errorType"].as_str().is_some_and(|kind| !kind.starts_with("Runtime."));
        assert!(is_own && error["errorMessage"] != "", "{event}: {invocation:#}");
    }
    assert_eq!(said["restarts"], 0, "{said:#}");
}

/// In what form it is deployed, as its package shows it.
fn form(packaged: &Value, checked: &Value) -> &'static str {
    let files = packaged["zips"][0]["files"].as_array().unwrap();
    let names = files.iter().map(|file| file["name"].as_str().unwrap());
    let is_program_alone =
        names.clone().all(|name| name.starts_with("lib/") || !name.contains('/'));
    match checked["figures"]["linkage"].as_str() {
        _ if packaged["target"] == "image" => "image",
        Some("static") if names.count() == 2 => "static",
        _ if is_program_alone => "lib",
        _ => "runtime",
    }
}

#[test]
fn every_language_of_the_catalogue_is_tried() {
    let mut listed = stranger::listed();
    listed.sort_unstable();
    let mut names = NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(listed, names);
}
