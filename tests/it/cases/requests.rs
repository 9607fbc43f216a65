//! Cases of request lines: the real bridge is given the headers and the event, and its handler sends back
//! the line that it read.

use base64::Engine as _;
use serde_json::Value;

use super::{Case, all, bytes};
use crate::support::{Bridge, Delivery, Lambda};

/// Which variable a member of the context comes from.
const VARIABLES: [(&str, &str); 5] = [
    ("functionName", "AWS_LAMBDA_FUNCTION_NAME"),
    ("functionVersion", "AWS_LAMBDA_FUNCTION_VERSION"),
    ("memoryLimitInMB", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    ("logGroupName", "AWS_LAMBDA_LOG_GROUP_NAME"),
    ("logStreamName", "AWS_LAMBDA_LOG_STREAM_NAME"),
];

/// The answer of `next` with the case's own headers and event, byte for byte.
fn http(request: &Value) -> Vec<u8> {
    let event = bytes(request, "event").unwrap_or_default();
    let mut http = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", event.len()).into_bytes();
    let mut header = |name: &str, value: &[u8]| {
        http.extend_from_slice(name.as_bytes());
        http.extend_from_slice(b": ");
        http.extend_from_slice(value);
        http.extend_from_slice(b"\r\n");
    };
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        header(name, value.as_str().unwrap().as_bytes());
    }
    for (name, value) in request["headers_base64"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap();
        header(name, &base64::engine::general_purpose::STANDARD.decode(value).unwrap());
    }
    http.extend_from_slice(b"\r\n");
    http.extend_from_slice(&event);
    http
}

/// The line with the id of the case in place of the bridge's own.
fn with_id(line: &[u8], id: &str) -> Vec<u8> {
    let mut line = line.to_vec();
    let at = r#"{"id":""#.len();
    line[at..at + id.len()].copy_from_slice(id.as_bytes());
    line
}

fn play(case: &Case) -> Result<(), String> {
    let request = &case.json["request"];
    let lambda = Lambda::start();
    let mut bridge = Bridge::of(&lambda).program(&["cat"]);
    for (member, variable) in VARIABLES {
        if let Some(value) = request["function"].get(member) {
            bridge = bridge.env(variable, value.as_str().unwrap());
        }
    }
    let bridge = bridge.start();
    let answer = lambda.invoke(Delivery::raw(http(request)));
    bridge.leaves_nothing();
    if let Some(error_type) = case.json.get("refused") {
        answer.is_error(error_type.as_str().unwrap());
        return Ok(());
    }
    if answer.kind != "response" {
        return Err(format!("{}: {}", case.name, answer.text()));
    }
    let got = with_id(&answer.body, request["id"].as_str().unwrap());
    // `cat` sends the whole line back, and a reply is without the white space around it.
    let expected = bytes(&case.json, "line").unwrap();
    if [&got[..], b"\n"].concat() == expected {
        return Ok(());
    }
    Err(format!(
        "{}:\n  expected {}\n  got      {}",
        case.name,
        expected.escape_ascii(),
        got.escape_ascii()
    ))
}

#[test]
fn request_lines_are_as_the_cases_say() {
    let cases: Vec<Case> =
        all().into_iter().filter(|case| case.json.get("request").is_some()).collect();
    assert!(cases.len() > 20, "there are cases with requests");
    let wrong: Vec<String> = cases.iter().map(play).filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
