//! Stories of headers: those that Lambda sends, well or badly, and those that it gets.

use serde_json::Value;

use crate::support::{Answer, Bridge, COUNT, Delivery, ID, Lambda, Scratch, tagged};

/// The context of the request in `$line`, into `$c`.
const CONTEXT: &str = r#"c=${line#*\"context\":}; c=${c%\}}"#;

fn telling_context() -> String {
    format!(
        r#"while read -r line; do {ID}; {CONTEXT}; printf '{{"id":"%s","result":%s}}\n' "$id" "$c"; done"#
    )
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
    let arn = Delivery::raw(
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r\r\nContent-Length: 1\r\n\r\n1",
    );
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

#[test]
fn every_byte_that_a_header_may_hold_stays_inside_the_context() {
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda).program(&["cat"]).start();
    let odd: Vec<u8> = (0x20..=0xff).filter(|byte| *byte != 0x7f).collect();
    let vast = "x".repeat(60_000).into_bytes();
    let forging = b"\"},\"context\":{\"awsRequestId\":\"forged".to_vec();
    for value in [odd, vast, forging] {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nLambda-Runtime-Aws-Request-Id: r\r\n\
            Lambda-Runtime-Trace-Id: .";
        let delivery = [&head[..], &value, b".\r\n\r\n1"].concat();
        let answer = lambda.invoke(Delivery::raw(delivery));
        let line: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(line.as_object().unwrap().len(), 3, "{line}");
        assert_eq!((&line["event"], &line["context"]["awsRequestId"]), (&1.into(), &"r".into()));
        let expected = format!(".{}.", String::from_utf8_lossy(&value));
        assert_eq!(line["context"]["xRayTraceId"], expected);
    }
    bridge.leaves_nothing();
}

#[test]
fn a_client_context_may_be_deep_and_long() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, &telling_context());
    let deep = [vec!['['; 20_000], vec![']'; 20_000]].concat().iter().collect::<String>();
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(40_000));
    for value in [deep.clone(), long] {
        let answer = lambda
            .invoke(Delivery::new("1").header(&format!("Lambda-Runtime-Client-Context: {value}")));
        assert_eq!(answer.kind, "response", "{}", answer.text());
        assert!(answer.text().contains(&format!("\"clientContext\":{value}")));
    }
    let open = format!("Lambda-Runtime-Client-Context: {}", &deep[..20_000]);
    let answer = lambda.invoke(Delivery::new("1").header(&open));
    assert!(answer.kind == "response" && !answer.text().contains("clientContext"));
    bridge.leaves_nothing();
}

#[test]
fn trace_and_tenant_are_each_requests_own_and_no_variable() {
    let lambda = Lambda::start();
    let folder = Scratch::new();
    let script = format!(
        r#"tr '\0' '\n' </proc/$$/environ >>"$D/environ"
        while read -r line; do {ID}; {CONTEXT}; case $line in *bad*) exit 1;; esac
        printf '{{"id":"%s","result":%s}}\n' "$id" "$c"; done"#
    );
    let bridge = Bridge::of(&lambda).env("D", folder.text()).shell(&script).start();
    let from = |number: u32, event: &str| {
        Delivery::new(event)
            .header(&format!("Lambda-Runtime-Trace-Id: Root=1-secret-{number}"))
            .header(&format!("Lambda-Runtime-Aws-Tenant-Id: tenant-secret-{number}"))
    };
    for number in 1..=3 {
        let seen: Value = serde_json::from_slice(&lambda.invoke(from(number, "1")).body).unwrap();
        assert_eq!(seen["xRayTraceId"], format!("Root=1-secret-{number}"));
        assert_eq!(seen["tenantId"], format!("tenant-secret-{number}"));
        // The next generation is started right behind it.
        lambda.invoke(from(number, "\"bad\"")).is_error("Runtime.HandlerExited");
        let seen: Value = serde_json::from_slice(&lambda.event("1").body).unwrap();
        assert_eq!((&seen["xRayTraceId"], &seen["tenantId"]), (&Value::Null, &Value::Null));
    }
    let environ = folder.read("environ");
    assert!(environ.matches("LAMBDA_STDIO_PROTOCOL=1").count() == 4, "{environ}");
    assert!(!environ.contains("secret") && !environ.contains("TRACE"), "{environ}");
    bridge.leaves_nothing();
}
