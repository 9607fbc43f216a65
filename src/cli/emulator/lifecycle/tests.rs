use super::*;

/// Tells a story in words and compares what each step said: `ok`, or the refusal's status and type.
fn check(story: &str, expected: &str) {
    let mut life = Lifecycle::default();
    let mut heard = Vec::new();
    for step in story.split(", ") {
        let words: Vec<&str> = step.split(' ').collect();
        let result = match words.as_slice() {
            ["next"] => life.ask().map(|next| if next == Next::Again { "again" } else { "ok" }),
            ["deliver", id, token] => {
                life.deliver(DeliveryIds {
                    request_id: (*id).to_owned(),
                    invocation_id: (*token).to_owned(),
                });
                Ok("ok")
            }
            ["response", id] => life.begin(AnswerKind::Response, id, None).map(|()| "ok"),
            ["response", id, t] => life.begin(AnswerKind::Response, id, Some(t)).map(|()| "ok"),
            ["error", id] => life.begin(AnswerKind::Error, id, None).map(|()| "ok"),
            ["sent"] => {
                life.response_sent();
                Ok("ok")
            }
            ["init-error"] => life.init_error().map(|()| "ok"),
            ["expire"] => {
                life.expire();
                Ok("ok")
            }
            other => panic!("no such step: {other:?}"),
        };
        heard.push(match result {
            Ok(word) => word.to_owned(),
            Err(refusal) => format!("{} {}", refusal.status(), refusal.error_type()),
        });
    }
    heard.push(life.state().name().to_owned());
    assert_eq!(heard.join(", "), expected, "{story}");
}

#[test]
fn one_invocation_after_another() {
    check("next", "ok, Ready");
    check("next, deliver a t", "ok, ok, Running");
    check("next, deliver a t, response a t", "ok, ok, ok, InvocationResponse");
    check("next, deliver a t, error a", "ok, ok, ok, InvocationErrorResponse");
    check("next, deliver a t, response a, sent, next", "ok, ok, ok, ok, ok, Ready");
    check("next, next", "ok, ok, Ready");
}

#[test]
fn a_second_next_while_running_gets_the_event_again() {
    check("next, deliver a t, next", "ok, ok, again, Running");
    check(
        "next, deliver a t, next, deliver a u, response a t, response a u",
        "ok, ok, again, ok, 410 InvokeTimeout, ok, InvocationResponse",
    );
}

#[test]
fn the_id_is_judged_before_the_state() {
    check("response a", "400 InvalidRequestID, Started");
    check("next, error a", "ok, 400 InvalidRequestID, Ready");
    check("next, deliver a t, response b", "ok, ok, 400 InvalidRequestID, Running");
    check(
        "next, deliver a t, response a, sent, response b, response a",
        "ok, ok, ok, ok, 400 InvalidRequestID, 403 InvalidStateTransition, RuntimeResponseSentState",
    );
}

#[test]
fn a_second_answer_is_refused_and_unknown_after_the_next() {
    check(
        "next, deliver a t, response a, sent, error a, next, error a",
        "ok, ok, ok, ok, 403 InvalidStateTransition, ok, 400 InvalidRequestID, Ready",
    );
    check(
        "next, deliver a t, response a, response a",
        "ok, ok, ok, 403 InvalidStateTransition, InvocationResponse",
    );
    check(
        "next, deliver a t, response a, next",
        "ok, ok, ok, 403 InvalidStateTransition, InvocationResponse",
    );
}

#[test]
fn an_init_error_comes_before_the_first_next_or_never() {
    check("init-error", "ok, InitError");
    check(
        "init-error, init-error, next",
        "ok, 403 InvalidStateTransition, 403 InvalidStateTransition, InitError",
    );
    check("next, init-error", "ok, 403 InvalidStateTransition, Ready");
    check("next, deliver a t, init-error", "ok, ok, 403 InvalidStateTransition, Running");
}

#[test]
fn an_answer_after_the_timeout_is_stale() {
    check(
        "next, deliver a t, expire, response a t",
        "ok, ok, ok, 410 InvokeTimeout, RuntimeResponseSentState",
    );
    check(
        "next, deliver a t, expire, response a",
        "ok, ok, ok, 400 InvalidRequestID, RuntimeResponseSentState",
    );
    // A retry carries the same request id: only the delivery's own id tells the late answer.
    check(
        "next, deliver a t, expire, next, deliver a u, response a t, response a u",
        "ok, ok, ok, ok, ok, 410 InvokeTimeout, ok, InvocationResponse",
    );
    check("expire, next", "ok, ok, Ready");
    check("next, deliver a t, response a x", "ok, ok, 410 InvokeTimeout, Running");
}

#[test]
fn a_refused_step_says_from_where_to_where() {
    let mut life = Lifecycle::default();
    life.ask().expect("allowed");
    assert_eq!(
        life.init_error().expect_err("refused").message(),
        "State transition from Ready to InitError failed for runtime. \
         Error: State transition is not allowed"
    );
}
