//! Old ways: programs as people have written them for other bridges and for shims of their own, which know
//! nothing of the protocol.  Each is built by its language's own tools and answers through the real bootstrap.

use serde_json::{Value, json};

use crate::desk::Desk;

/// What `invoke --json` says of events, given as lines; nothing of it is left running.
fn invoke(desk: &Desk, events: &[Value], words: &str) -> Value {
    let events: Vec<String> = events.iter().map(Value::to_string).collect();
    std::fs::write(desk.at("events.jsonl"), events.join("\n")).unwrap();
    let said = desk.types(&format!("lambda-stdio invoke --json --events events.jsonl {words}"));
    desk.has_nothing_running();
    said.json()
}

fn invocations(session: &Value) -> &[Value] {
    session["invocations"].as_array().unwrap_or_else(|| panic!("{session}"))
}

fn milliseconds(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no time"))
}

#[test]
fn a_haskell_program_that_ends_after_its_reply_answers_every_event_by_a_new_process() {
    let Some(desk) = Desk::with("old_ways/haskell", &["ghc"]) else { return };
    desk.builds("ghc -v0 -O0 tide.hs");
    let events: Vec<Value> = (0..20).map(|hour| json!({"hour": hour})).collect();
    let session = invoke(&desk, &events, "-- ./tide");
    assert_eq!(session["exitCode"], 0, "{session}");
    let mut processes = Vec::new();
    for (hour, invocation) in invocations(&session).iter().enumerate() {
        let reply = &invocation["reply"];
        assert_eq!(
            (&reply["tide"], &reply["asked"]),
            (&json!(hour % 12), &invocation["requestId"])
        );
        processes.push(reply["process"].as_i64().unwrap());
    }
    assert_eq!(processes.len(), 20);
    processes.sort_unstable();
    processes.dedup();
    assert_eq!(processes.len(), 20, "a process answered twice: {session}");

    let session = invoke(&desk, &[json!({}), json!({"hour": 13})], "-- ./tide");
    let [failed, next] = invocations(&session) else { panic!("{session}") };
    assert_eq!(failed["error"]["errorType"], "Runtime.HandlerExited", "{session}");
    let message = failed["error"]["errorMessage"].as_str().unwrap();
    assert!(message.contains("key \"hour\" not found"), "{message}");
    assert_eq!(next["reply"]["tide"], 1, "{session}");
}

#[test]
fn a_racket_loop_that_prints_words_answers_with_them_once_that_is_said() {
    let Some(desk) = Desk::with("old_ways/racket", &["raco", "racket"]) else { return };
    desk.builds("raco make ticker.rkt");
    let events = [json!({"share": "ACME", "price": 12.5}), json!({"share": "Zoë", "price": 3})];
    let session = invoke(&desk, &events, "--env LAMBDA_STDIO_REPLIES=text -- racket ticker.rkt");
    let replies: Vec<&Value> =
        invocations(&session).iter().map(|invocation| &invocation["reply"]).collect();
    assert_eq!(replies, ["data: ACME is at 12.5", "data: Zoë is at 3"], "{session}");
    assert_eq!((&session["restarts"], &session["exitCode"]), (&json!(0), &json!(0)));

    let session = invoke(&desk, &events[..1], "-- racket ticker.rkt");
    let error = &invocations(&session)[0]["error"];
    assert_eq!(error["errorType"], "Runtime.HandlerTimeout", "{session}");
    let message = error["errorMessage"].as_str().unwrap();
    for words in ["it printed \"data: ACME is at 12.5\"", "set LAMBDA_STDIO_REPLIES=text"] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_release_whose_supervisor_restarts_a_worker_owes_its_caller_an_error_in_time() {
    let Some(desk) = Desk::with("old_ways/elixir", &["mix", "erl"]) else { return };
    desk.builds("MIX_ENV=prod mix release --quiet --overwrite");
    let events = [
        json!({"n": 1}),
        json!({"n": 2}),
        json!({"crash": true}),
        json!({"n": 3}),
        json!({"n": 4}),
    ];
    // The next event waits for the new release, which may start beside much else.
    let session = invoke(&desk, &events, "--timeout 10 -- ./_build/prod/rel/desk/bin/desk start");
    let [first, second, crash, third, fourth] = invocations(&session) else { panic!("{session}") };
    let of = |worker: u32, served: u32, n: u32| json!({"worker": worker, "served": served, "event": {"n": n}});
    assert_eq!((&first["reply"], &second["reply"]), (&of(1, 1, 1), &of(1, 2, 2)), "{session}");
    // The supervisor lives and so does its release: nobody but the deadline knows that no reply will come.
    assert_eq!(crash["error"]["errorType"], "Runtime.HandlerTimeout", "{session}");
    let message = crash["error"]["errorMessage"].as_str().unwrap();
    assert!(message.contains("told to crash"), "{message}");
    assert!(milliseconds(&crash["durationMs"]) < 10_500.0, "{crash}");
    // What the restarted worker might still say belongs to nobody.
    assert_eq!((&third["reply"], &fourth["reply"]), (&of(1, 1, 3), &of(1, 2, 4)), "{session}");
    assert_eq!(session["restarts"], 1, "{session}");
}

#[test]
fn a_clojure_function_that_starts_slowly_does_so_in_the_init() {
    let data_json = "/usr/share/java/data.json.jar";
    let tools = ["java", "jar", "/usr/share/java/clojure.jar", data_json];
    let Some(desk) = Desk::with("old_ways/clojure", &tools) else { return };
    desk.builds("./build target");
    let order =
        json!({"order": 7, "items": [{"sku": "tea", "count": 2}, {"sku": "sugar", "count": 1}]});
    let program = "java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -jar target/orders.jar";
    let events = [order.clone(), order];
    let session = invoke(&desk, &events, &format!("--memory 512 -- {program}"));
    assert_eq!(session["exitCode"], 0, "{session}");
    for invocation in invocations(&session) {
        assert_eq!(invocation["reply"], json!({"order": 7, "total": 8.25, "function": "java"}));
    }
    // Three seconds are the shop's, whose prices are fetched at the start.
    let init = milliseconds(&session["initDurationMs"]);
    let first = milliseconds(&invocations(&session)[0]["durationMs"]);
    assert!(init > 3_000.0 && first < 1_000.0, "an init of {init} ms, and {first} ms");

    // Unless nobody is to wait for it: then it is the first caller who does.
    let none = "--env LAMBDA_STDIO_READY=none";
    let session = invoke(&desk, &events[..1], &format!("--memory 512 {none} -- {program}"));
    assert!(milliseconds(&session["initDurationMs"]) < 1_000.0, "{session}");
    let error = &invocations(&session)[0]["error"];
    assert_eq!(error["errorType"], "Runtime.HandlerTimeout", "{session}");
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.contains("See LAMBDA_STDIO_READY"), "{message}");
}
