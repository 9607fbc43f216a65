//! Stories of Lambda's side going wrong: refusals, resets, silence, odd headers.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Answer, Bridge, COUNT, Delivery, ID, Lambda, Scratch, tagged};

/// Answers with its context, and counts its generations.
const CONTEXT: &str = r#"c=${line#*\"context\":}; c=${c%\}}"#;

fn telling_context() -> String {
    format!(
        r#"while read -r line; do {ID}; {CONTEXT}; printf '{{"id":"%s","result":%s}}\n' "$id" "$c"; done"#
    )
}

fn bridge_in(folder: &Scratch, lambda: &Lambda) -> Bridge {
    let script = format!("{COUNT}; {}", tagged("$n"));
    Bridge::of(lambda).env("D", folder.text()).shell(&script).start()
}

/// An answer to `next` by hand, with a request id.
fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nLambda-Runtime-Aws-Request-Id: r-raw\r\n{headers}\r\n{body}")
        .into_bytes()
}

#[test]
fn lambda_may_come_up_after_the_bridge() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let nobody = Lambda::start();
    let folder = Scratch::new();
    let bridge = Bridge::of(&nobody)
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .env("D", folder.text())
        .shell(&format!("{COUNT}; {}", tagged("$n")))
        .start();
    // The outage is the fault.
    thread::sleep(Duration::from_millis(300));
    let lambda = Lambda::at(&address);
    lambda.event("1").is_response("1");
    assert_eq!((folder.generations(), nobody.nexts().len()), (1, 0));
    bridge.leaves_nothing();
}

#[test]
fn nobody_at_the_address_ends_the_runtime_with_the_address() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let nobody = Lambda::start();
    let began = Instant::now();
    let mut bridge =
        Bridge::of(&nobody).env("AWS_LAMBDA_RUNTIME_API", &address).shell(&tagged("1")).start();
    assert_eq!(bridge.ended().code(), Some(1));
    let took = began.elapsed();
    assert!(took > Duration::from_secs(5) && took < Duration::from_secs(12), "{took:?}");
    bridge.logged(&format!("the Runtime API at http://{address} does not answer: "));
    bridge.logged("refused");
    assert_eq!(bridge.descendants(), [0; 0]);
}

#[test]
fn a_reset_while_waiting_is_asked_again_and_the_handler_kept() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = bridge_in(&folder, &lambda);
    lambda.event("1").is_response("1");
    for _ in 0..3 {
        lambda.idle();
        lambda.deliver(Delivery::raw(""));
    }
    lambda.event("2").is_response("1");
    assert_eq!((folder.generations(), lambda.answers_now().len()), (1, 0));
    bridge.leaves_nothing();
}

#[test]
fn an_event_that_was_cut_off_is_told_and_the_handler_kept() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = bridge_in(&folder, &lambda);
    let event = format!("\"{}\"", "x".repeat(1000));
    let whole = http("200 OK", &format!("Content-Length: {}\r\n", event.len()), &event);
    let body = whole.len() - event.len();
    for eighth in 0..8 {
        let cut = whole[..body + event.len() * eighth / 8].to_vec();
        let answer = lambda.invoke(Delivery::raw(cut));
        assert_eq!((answer.kind, answer.request_id.as_str()), ("error", "r-raw"));
        let said = answer.is_error("Runtime.TruncatedEvent");
        assert!(said.contains("cut off on its way from Lambda"), "{said}");
    }
    lambda.invoke(Delivery::raw(whole)).is_response("1");
    lambda.event("2").is_response("1");
    assert_eq!(folder.generations(), 1);
    bridge.leaves_nothing();
}

#[test]
fn a_chunked_event_is_put_together() {
    let lambda = Lambda::start();
    let script = format!(
        r#"while read -r line; do {ID}; e=${{line#*\"event\":}}; e=${{e%%,\"context\"*}}
        printf '{{"id":"%s","result":%s}}\n' "$id" "$e"; done"#
    );
    let bridge = Bridge::with(&lambda, &script);
    let chunked =
        |body: &str| Delivery::raw(http("200 OK", "Transfer-Encoding: chunked\r\n", body));
    lambda.invoke(chunked("2\r\n[1\r\n3\r\n,22\r\n1\r\n]\r\n0\r\n\r\n")).is_response("[1,22]");
    lambda.invoke(chunked("3;x=y\r\n[3]\r\n0\r\n\r\n")).is_response("[3]");
    for cut in ["2\r\n[1\r\n3\r\n,2", "2\r\n[1\r\n", "zz\r\n[1]\r\n"] {
        lambda.invoke(chunked(cut)).is_error("Runtime.TruncatedEvent");
    }
    lambda.event("[4]").is_response("[4]");
    bridge.leaves_nothing();
}

#[test]
fn a_post_whose_answer_is_lost_is_posted_once_more() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let bridge = bridge_in(&folder, &lambda);
    lambda.cut_after_a_post();
    // The first did arrive, so that Lambda refuses the second.
    lambda.refuse_a_post_with(400);
    lambda.deliver(Delivery::new("1").header("Lambda-Runtime-Invocation-Id: n-7"));
    for answer in [lambda.answer(), lambda.answer()] {
        answer.is_response("1");
        assert_eq!(answer.request_id, "r-1");
        assert_eq!(answer.header("Lambda-Runtime-Invocation-Id"), Some("n-7"));
    }
    lambda.event("2").is_response("1");
    assert_eq!((folder.generations(), lambda.answers_now().len()), (1, 0));
    bridge.leaves_nothing();
}

#[test]
fn a_post_that_is_never_answered_is_not_waited_for_without_end() {
    let lambda = Lambda::start();
    let mut bridge = Bridge::with(&lambda, &tagged("1"));
    lambda.swallow_a_post();
    lambda.swallow_a_post();
    let began = Instant::now();
    lambda.invoke(Delivery::new("1").timeout_ms(200)).is_response("1");
    lambda.answer().is_response("1");
    assert_eq!(bridge.ended().code(), Some(1));
    let took = began.elapsed();
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(6), "{took:?}");
    bridge.logged("the response was posted twice");
    assert_eq!((bridge.descendants(), lambda.answers_now().len()), (vec![], 0));
}

#[test]
fn a_refused_post_is_logged_and_the_loop_goes_on() {
    for status in [400, 403, 410, 413] {
        let lambda = Lambda::start();
        let folder = Scratch::new();
        let bridge = bridge_in(&folder, &lambda);
        lambda.refuse_a_post_with(status);
        lambda.event("1").is_response("1");
        lambda.event("2").is_response("1");
        bridge.logged(&format!("Lambda refused a post status={status}"));
        assert_eq!((folder.generations(), lambda.answers_now().len()), (1, 0));
        bridge.leaves_nothing();
    }
}

#[test]
fn a_failure_of_lambdas_own_ends_the_runtime() {
    for (on_next, status) in [(true, 500), (true, 403), (true, 503), (false, 500)] {
        let lambda = Lambda::start();
        let mut bridge = Bridge::with(&lambda, &tagged("1"));
        if on_next {
            let body = "{\"errorType\":\"Sorry\"}";
            let length = format!("Content-Length: {}\r\n", body.len());
            lambda.deliver(Delivery::raw(http(&format!("{status} X"), &length, body)));
            bridge.logged("Sorry");
        } else {
            lambda.refuse_a_post_with(status);
            lambda.event("1").is_response("1");
        }
        assert_eq!(bridge.ended().code(), Some(1));
        bridge.logged(&format!("the Runtime API answered {status} to "));
        assert_eq!((bridge.descendants(), lambda.answers_now().len()), (vec![], 0));
    }
}

#[test]
fn proxies_are_ignored_and_redirects_not_followed() {
    let lambda = Lambda::start();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}", elsewhere.local_addr().unwrap());
    let mut builder = Bridge::of(&lambda);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        builder = builder.env(name, &url);
    }
    let bridge = builder.shell(&tagged("1")).start();
    lambda.event("1").is_response("1");
    for status in ["301 Moved", "302 Found", "307 Elsewhere"] {
        let headers = format!("Location: {url}/x\r\nContent-Length: 0\r\n");
        lambda.deliver(Delivery::raw(http(status, &headers, "")));
    }
    lambda.event("2").is_response("1");
    assert!(elsewhere.accept().is_err(), "it was asked");
    bridge.leaves_nothing();
}

#[test]
fn an_address_may_have_a_scheme_and_a_path() {
    for (before, behind) in [("", ""), ("http://", ""), ("http://", "/.rt/f"), ("", "/.rt/")] {
        let lambda = Lambda::start();
        let bridge = Bridge::of(&lambda)
            .env("AWS_LAMBDA_RUNTIME_API", &format!("{before}{}{behind}", lambda.address))
            .shell(&tagged("1"))
            .start();
        lambda.event("1").is_response("1");
        let path = behind.trim_end_matches('/');
        let first = format!("GET {path}/2018-06-01/runtime/invocation/next HTTP/1.1\r\n");
        assert!(lambda.next_heads()[0].starts_with(&first), "{:?}", lambda.next_heads());
        bridge.leaves_nothing();
    }
}

#[test]
fn without_lambda_it_says_how_to_try_it() {
    for (address, words) in [
        ("", "this is Lambda's side; to try it here: lambda-stdio invoke -- PROGRAM\n"),
        ("127.0.0.1", "AWS_LAMBDA_RUNTIME_API is \"127.0.0.1\": it names no port"),
        ("https://127.0.0.1:1", "speaks plain http"),
    ] {
        let lambda = Lambda::start();
        let mut bridge =
            Bridge::of(&lambda).env("AWS_LAMBDA_RUNTIME_API", address).shell(&tagged("1")).start();
        assert_eq!(bridge.ended().code(), Some(1));
        bridge.logged(words);
        assert_eq!(bridge.descendants(), [0; 0]);
    }
}

#[test]
fn the_user_agent_is_one_token() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, &tagged("1"));
    lambda.idle();
    let heads = lambda.next_heads();
    let agent = heads[0]
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("user-agent: ").map(str::to_owned));
    assert_eq!(agent.unwrap(), format!("lambda-stdio/{}", env!("CARGO_PKG_VERSION")));
    bridge.leaves_nothing();
}

#[test]
fn a_request_id_of_odd_bytes_stays_one_segment() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, &tagged("1"));
    let answer = |id: &str| -> Answer {
        let mut delivery = Delivery::new("1");
        delivery.request_id = id.to_owned();
        lambda.invoke(delivery)
    };
    assert_eq!(answer("../a b?%#").request_id, "%2E%2E%2Fa%20b%3F%25%23");
    assert_eq!(answer("ä").request_id, "%C3%A4");
    assert_eq!(answer(&"7".repeat(10_000)).request_id.len(), 10_000);
    bridge.leaves_nothing();
}

#[test]
fn invocations_without_an_id_are_passed_over_and_three_in_a_row_end_it() {
    let nameless = || Delivery::raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    let lambda = Lambda::start();
    let mut bridge = Bridge::with(&lambda, &tagged("1"));
    for _ in 0..2 {
        lambda.deliver(nameless());
        lambda.deliver(nameless());
        lambda.event("1").is_response("1");
    }
    for _ in 0..3 {
        lambda.deliver(nameless());
    }
    assert_eq!(bridge.ended().code(), Some(1));
    bridge.logged("3 invocations in a row without a request id");
    assert_eq!((bridge.descendants(), lambda.answers_now().len()), (vec![], 0));
}

#[test]
fn headers_that_are_missing_or_malformed_cost_no_invocation() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!("{COUNT}; {}", telling_context());
    let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    let context = |delivery: Delivery| -> Value {
        let answer = lambda.invoke(delivery);
        assert_eq!(answer.kind, "response", "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    };
    let bare = || Delivery::new("1").without_deadline();
    assert_eq!(context(bare())["deadlineMs"], Value::Null);
    for value in ["", "0", "-1", "soon", "1.5", "9223372036854775808000", "1"] {
        let seen = context(bare().header(&format!("Lambda-Runtime-Deadline-Ms: {value}")));
        assert_eq!(seen["deadlineMs"].is_null(), value != "1", "{value}: {seen}");
    }
    for (header, member) in [
        ("Lambda-Runtime-Client-Context", "clientContext"),
        ("Lambda-Runtime-Cognito-Identity", "identity"),
    ] {
        for value in ["", "{not json", "{} {}"] {
            let seen = context(bare().header(&format!("{header}: {value}")));
            assert_eq!(seen[member], Value::Null, "{value}");
        }
        let seen = context(bare().header(&format!("{header}: {{\"a\":1}}")));
        assert_eq!(seen[member]["a"], 1);
    }
    for (value, member) in [("", Value::Null), ("Root=1-\"x\"", "Root=1-\"x\"".into())] {
        let seen = context(bare().header(&format!("Lambda-Runtime-Trace-Id: {value}")));
        assert_eq!(seen["xRayTraceId"], member);
    }
    for (value, echoed) in [("n-1", Some("n-1")), ("a b", None), ("", None)] {
        let header = format!("Lambda-Runtime-Invocation-Id: {value}");
        let answer = lambda.invoke(bare().header(&header));
        assert_eq!(
            (answer.kind, answer.header("Lambda-Runtime-Invocation-Id")),
            ("response", echoed)
        );
    }
    let arn = Delivery::raw(http("200 OK", "Content-Length: 1\r\n", "1"));
    assert_eq!(context(arn)["invokedFunctionArn"], Value::Null);
    assert_eq!(folder.generations(), 1);
    bridge.leaves_nothing();
}

#[test]
fn an_errors_headers_are_lambdas_form() {
    let lambda = Lambda::start();
    let bridge =
        Bridge::with(&lambda, "while read -r line; do echo \"gr\u{fc}\u{df}e\" >&2; exit 3; done");
    let answer = lambda.event("1");
    answer.is_error("Runtime.HandlerExited");
    let cause = answer.header("Lambda-Runtime-Function-XRay-Error-Cause").unwrap();
    assert!(cause.is_ascii(), "{cause}");
    let cause: Value = serde_json::from_str(cause).unwrap();
    let exception = &cause["exceptions"][0];
    assert_eq!(exception["type"], "Runtime.HandlerExited");
    assert!(exception["message"].as_str().unwrap().contains("gr\u{fc}\u{df}e"), "{cause}");
    lambda.event("2").is_error("Runtime.HandlerExited");
    bridge.leaves_nothing();
}
