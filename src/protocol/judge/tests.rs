//! Sequences of lines and what they are judged to be; protocol/cases has many more.

use super::*;
use proptest::prelude::*;

const ID: &str = "q7w2m0x4k9c1z5t8";

fn open(replies: Replies) -> Judge {
    let mut judge = Judge::new(replies);
    judge.open(DeliveryId::parse(ID).expect("an id"));
    judge
}

fn judged(judge: &mut Judge, line: &str) -> Judgement {
    judge.judge(&Bytes::from(line.to_owned()))
}

fn response(text: &str, tagged: bool) -> Judgement {
    let body = ReplyBody::Response(Bytes::from(text.to_owned()));
    Judgement::Reply(Reply { body, tagged })
}

#[test]
fn a_plain_reply_is_the_values_exact_bytes() {
    assert_eq!(
        judged(&mut open(Replies::Auto), " {\"a\": 1.0}\r"),
        response("{\"a\": 1.0}", false)
    );
}

#[test]
fn a_tagged_result_starts_tagged_mode_for_good() {
    let mut judge = open(Replies::Auto);
    assert_eq!(
        judged(&mut judge, &format!("{{\"id\":\"{ID}\",\"result\":null}}")),
        response("null", true)
    );
    judge.new_generation();
    judge.open(DeliveryId::parse("aaaaaaaaaaaaaaa1").expect("an id"));
    assert_eq!(judged(&mut judge, "{\"a\":1}"), Judgement::Log(LogReason::TaggedMode));
}

#[test]
fn a_tagged_error_does_not_start_tagged_mode() {
    let mut judge = open(Replies::Auto);
    let line = format!("{{\"id\":\"{ID}\",\"error\":\"no\",\"fatal\":true,\"result\":1}}");
    assert!(matches!(
        judged(&mut judge, &line),
        Judgement::Reply(Reply { body: ReplyBody::Error { fatal: true, .. }, tagged: true })
    ));
    judge.open(DeliveryId::parse(ID).expect("an id"));
    assert_eq!(judged(&mut judge, "2"), response("2", false));
}

#[test]
fn a_line_nobody_asked_for_is_out_of_step_and_an_old_answer_is_dropped() {
    let mut judge = open(Replies::Auto);
    judge.close();
    assert_eq!(judged(&mut judge, "{\"a\":1}"), Judgement::OutOfStep);
    let old = format!("{{\"id\":\"{ID}\",\"result\":1}}");
    assert_eq!(judged(&mut judge, &old), Judgement::Dropped(DeliveryId::parse(ID).expect("an id")));
}

#[test]
fn text_replies_are_json_strings() {
    let mut judge = open(Replies::Text);
    assert_eq!(judged(&mut judge, "data: \"x\" é\r"), response("\"data: \\\"x\\\" é\"", false));
    assert_eq!(judged(&mut judge, "more"), Judgement::OutOfStep);
    assert_eq!(judged(&mut open(Replies::Text), "{\"a\":1}"), response("\"{\\\"a\\\":1}\"", false));
    assert_eq!(
        judged(&mut Judge::new(Replies::Text), "hello"),
        Judgement::Log(LogReason::BeforeFirstDelivery)
    );
}

proptest! {
    #[test]
    fn every_message_has_a_judgement(
        messages in proptest::collection::vec(prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            "[ {}\\[\\]\":,a-z0-9\\\\]{0,40}".prop_map(String::into_bytes),
            Just(format!("{{\"id\":\"{ID}\",\"result\":{{}}}}").into_bytes()),
            Just(format!("{{\"id\":\"{ID}\",\"error\":[]}}").into_bytes()),
            Just(b"{\"ready\":{\"features\":[\"x\"]}}".to_vec()),
        ], 0..8),
        replies in prop_oneof![Just(Replies::Auto), Just(Replies::Tagged), Just(Replies::Text)],
        delivered in any::<bool>(),
    ) {
        let mut judge = if delivered { open(replies) } else { Judge::new(replies) };
        let mut answers = 0;
        for message in messages {
            if matches!(judge.judge(&Bytes::from(message)), Judgement::Reply(_)) {
                answers += 1;
            }
        }
        prop_assert!(answers <= usize::from(delivered), "a delivery is answered once");
    }
}
