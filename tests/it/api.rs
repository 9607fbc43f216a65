//! Stories of Lambda's side going wrong: refusals, resets, silence, odd headers.

mod forms;
mod posts;

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Bridge, COUNT, Delivery, ID, LATE, Lambda, Scratch, tagged};

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
    // Of an address that no other test listens at, so that its port is not given out again meanwhile.
    let address = TcpListener::bind("127.0.0.2:0").unwrap().local_addr().unwrap().to_string();
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
    // Of an address that no other test listens at, so that its port is not given out again meanwhile.
    let address = TcpListener::bind("127.0.0.2:0").unwrap().local_addr().unwrap().to_string();
    let nobody = Lambda::start();
    let began = Instant::now();
    let mut bridge =
        Bridge::of(&nobody).env("AWS_LAMBDA_RUNTIME_API", &address).shell(&tagged("1")).start();
    assert_eq!(bridge.ended().code(), Some(1));
    let took = began.elapsed();
    assert!(took > Duration::from_secs(5) && took < LATE, "{took:?}");
    bridge.logged(&format!("the Runtime API at http://{address} does not answer: "));
    bridge.logged("refused");
    assert_eq!(bridge.descendants(), [0; 0]);
}

#[test]
fn an_address_that_takes_no_connection_ends_the_runtime() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = deaf.local_addr().unwrap();
    // Once its queue is full, the kernel answers nobody who knocks.
    let moment = Duration::from_millis(500);
    let queue: Vec<_> =
        std::iter::from_fn(|| TcpStream::connect_timeout(&address, moment).ok()).collect();
    let nobody = Lambda::start();
    let began = Instant::now();
    let mut bridge = Bridge::of(&nobody)
        .env("AWS_LAMBDA_RUNTIME_API", &address.to_string())
        .shell(&tagged("1"))
        .start();
    assert_eq!(bridge.ended().code(), Some(1), "{} knock before it", queue.len());
    let took = began.elapsed();
    assert!(took > Duration::from_secs(5) && took < LATE, "{took:?}");
    bridge.logged(&format!("the Runtime API at http://{address} does not answer: timed out"));
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
    assert!(took > Duration::from_secs(4) && took < LATE, "{took:?}");
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
