//! What the handler is told beside the event.

use crate::support::{Bridge, Builder, Delivery, Lambda};

/// A bridge, not yet started, whose handler gives back its context.
fn tells_context(lambda: &Lambda) -> Builder {
    Bridge::of(lambda).program(&["jq", "-c", "--unbuffered", "{id, result: .context}"])
}

#[test]
fn the_context_is_what_lambda_and_the_environment_say() {
    let lambda = Lambda::start();
    let bridge = tells_context(&lambda)
        .env("AWS_LAMBDA_FUNCTION_NAME", "greet")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .start();
    let answer = lambda.invoke(
        Delivery::new("{}")
            .without_deadline()
            .header("Lambda-Runtime-Deadline-Ms: 4102444800000")
            .header("Lambda-Runtime-Trace-Id: Root=\"1\\2\";é")
            .header("Lambda-Runtime-Client-Context: {\"custom\": {\"a\":\t1}}"),
    );
    answer.is_response(
        "{\"awsRequestId\":\"r-1\",\"deadlineMs\":4102444800000,\
         \"invokedFunctionArn\":\"arn:aws:lambda:eu-west-1:123456789012:function:f\",\
         \"functionName\":\"greet\",\"memoryLimitInMB\":\"128\",\
         \"xRayTraceId\":\"Root=\\\"1\\\\2\\\";é\",\"clientContext\":{\"custom\":{\"a\":1}}}",
    );
    bridge.leaves_nothing();
}

#[test]
fn a_header_that_is_not_usable_is_left_out_and_ends_nothing() {
    let lambda = Lambda::start();
    let bridge = tells_context(&lambda).start();
    for header in [
        "Lambda-Runtime-Client-Context: {\"custom\":",
        "Lambda-Runtime-Client-Context: 1},\"forged\":{\"a\":1",
        "Lambda-Runtime-Cognito-Identity: hello",
        "Lambda-Runtime-Cognito-Identity:",
        "Lambda-Runtime-Trace-Id:",
        "Lambda-Runtime-Aws-Tenant-Id:",
        "Lambda-Runtime-Deadline-Ms: soon",
    ] {
        let delivery = Delivery { request_id: "r".to_owned(), ..Delivery::new("{}") };
        lambda.invoke(delivery.without_deadline().header(header)).is_response(
            "{\"awsRequestId\":\"r\",\
             \"invokedFunctionArn\":\"arn:aws:lambda:eu-west-1:123456789012:function:f\"}",
        );
    }
    bridge.leaves_nothing();
}

#[test]
fn a_request_id_stays_one_segment_of_the_path() {
    let lambda = Lambda::start();
    let bridge = Bridge::of(&lambda)
        .program(&["jq", "-c", "--unbuffered", "{id, result: .context.awsRequestId}"])
        .start();
    for (id, segment) in [
        ("8476a536-e9f4-11e8-9739-2dfe598c3fcd", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("../next?a=b&c#d%", "%2E%2E%2Fnext%3Fa%3Db%26c%23d%25"),
        ("a b\"", "a%20b%22"),
    ] {
        let answer = lambda.invoke(Delivery { request_id: id.to_owned(), ..Delivery::new("{}") });
        assert_eq!((answer.kind, answer.request_id.as_str()), ("response", segment));
        assert_eq!(serde_json::from_slice::<String>(&answer.body).unwrap(), id);
    }
    bridge.leaves_nothing();
}

#[test]
fn an_invocation_without_an_id_is_passed_over() {
    let lambda = Lambda::start();
    let bridge = Bridge::with(&lambda, "while read -r line; do echo $$; done");
    lambda.deliver(Delivery::raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"));
    let answer = lambda.event("2");
    assert_eq!((answer.kind, answer.request_id.as_str()), ("response", "r-2"));
    bridge.logged("an invocation came without a request id: it cannot be answered");
    bridge.leaves_nothing();
}
