//! An invocation to its line: `{"id":…,"event":<the event's own bytes>,"context":{…}}` and LF.

use super::{DeliveryId, Framing};
use crate::invocation::{Context, Deadline, EVENT_HEADROOM, Event, Function, RequestId};
use crate::json::{self, NotJson};

/// What stands in front of the id, and between the id and the event.
const BEFORE_ID: &[u8] = br#"{"id":""#;
const BEFORE_EVENT: &[u8] = br#"","event":"#;
const BEFORE_CONTEXT: &[u8] = br#","context":{"#;

/// Builds the lines of one environment.
#[derive(Debug)]
pub struct RequestEncoder {
    framing: Framing,
    /// The members of the context that are the same for all invocations, as JSON.
    function: Vec<u8>,
}

/// One request as the handler reads it.
#[derive(Debug)]
pub struct RequestLine {
    buffer: Vec<u8>,
    /// Where the message begins: what the event's headroom left free lies before it.
    start: usize,
    id: DeliveryId,
    /// Where the id stands, so that a second delivery gets one of its own.
    id_at: usize,
    /// How many bytes at its end a handler may leave unread and still have read the whole request.
    slack: usize,
}

impl RequestEncoder {
    /// An encoder for one function.
    #[must_use]
    pub fn new(framing: Framing, function: &Function) -> Self {
        let mut members = Vec::new();
        for (name, value) in [
            ("functionName", &function.name),
            ("functionVersion", &function.version),
            ("memoryLimitInMB", &function.memory_limit_in_mb),
            ("logGroupName", &function.log_group_name),
            ("logStreamName", &function.log_stream_name),
        ] {
            write_text_member(&mut members, name, value.as_deref());
        }
        Self { framing, function: members }
    }

    /// The line of one delivery.  The event's buffer becomes the line's: its bytes are not copied.
    ///
    /// # Errors
    /// When the event is not exactly one JSON value, which could forge the line around it.
    pub fn encode(
        &self,
        id: DeliveryId,
        request_id: &RequestId,
        deadline: Option<Deadline>,
        context: &Context,
        event: Event,
    ) -> Result<RequestLine, NotJson> {
        json::one_value(event.bytes())?;
        let mut buffer = event.into_buffer();
        json::blank_line_ends(buffer.get_mut(EVENT_HEADROOM..).unwrap_or_default());
        buffer.extend_from_slice(BEFORE_CONTEXT);
        self.write_context(&mut buffer, request_id, deadline, context);
        buffer.extend_from_slice(b"}}");
        let slack = match self.framing {
            // Readers of JSON streams stop at the last brace and leave the LF for the next round.
            Framing::Lines => {
                buffer.push(b'\n');
                1
            }
            Framing::Length => 0,
        };
        Ok(self.with_head(buffer, id, slack))
    }

    /// A message that is no request, as it would come of one, for a handler to be tried with.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn no_request(&self, id: DeliveryId, message: &[u8]) -> RequestLine {
        let (mut buffer, slack) = match self.framing {
            Framing::Lines => (Vec::new(), 1),
            Framing::Length => {
                (u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec(), 0)
            }
        };
        buffer.extend_from_slice(message);
        buffer.extend(std::iter::repeat_n(b'\n', slack));
        RequestLine { buffer, start: 0, id, id_at: 0, slack }
    }

    fn write_context(
        &self,
        buffer: &mut Vec<u8>,
        request_id: &RequestId,
        deadline: Option<Deadline>,
        context: &Context,
    ) {
        buffer.extend_from_slice(br#""awsRequestId":"#);
        json::write_string(buffer, request_id.as_str());
        if let Some(deadline) = deadline {
            buffer.extend_from_slice(br#","deadlineMs":"#);
            buffer.extend_from_slice(deadline.epoch_ms().to_string().as_bytes());
        }
        write_text_member(buffer, "invokedFunctionArn", context.invoked_function_arn.as_deref());
        buffer.extend_from_slice(&self.function);
        write_text_member(buffer, "xRayTraceId", context.trace_id.as_deref());
        write_text_member(buffer, "tenantId", context.tenant_id.as_deref());
        for (name, value) in
            [("identity", &context.identity), ("clientContext", &context.client_context)]
        {
            if let Some(value) = value {
                write_member_name(buffer, name);
                json::splice(buffer, value);
            }
        }
    }

    /// Puts what precedes the event into its headroom.
    fn with_head(&self, mut buffer: Vec<u8>, id: DeliveryId, slack: usize) -> RequestLine {
        let head_bytes = BEFORE_ID.len() + id.as_bytes().len() + BEFORE_EVENT.len();
        let first = EVENT_HEADROOM - head_bytes;
        let id_at = first + BEFORE_ID.len();
        write_at(&mut buffer, first, BEFORE_ID);
        write_at(&mut buffer, id_at, id.as_bytes());
        write_at(&mut buffer, id_at + id.as_bytes().len(), BEFORE_EVENT);
        let start = match self.framing {
            Framing::Lines => first,
            Framing::Length => {
                let length = u32::try_from(buffer.len() - first).unwrap_or(u32::MAX).to_be_bytes();
                write_at(&mut buffer, first - length.len(), &length);
                first - length.len()
            }
        };
        RequestLine { buffer, start, id, id_at, slack }
    }
}

impl RequestLine {
    /// The bytes the handler reads.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// How many bytes may lie unread when the whole request was read: the final LF.
    #[must_use]
    pub fn slack(&self) -> usize {
        self.slack
    }

    /// The delivery's id.
    #[must_use]
    pub fn id(&self) -> DeliveryId {
        self.id
    }

    /// Takes the bytes out, once nobody will ask for them again.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Gives the line the id of another delivery.
    pub fn renew(&mut self, id: DeliveryId) {
        self.id = id;
        write_at(&mut self.buffer, self.id_at, id.as_bytes());
    }
}

fn write_at(buffer: &mut [u8], at: usize, bytes: &[u8]) {
    let place = buffer.get_mut(at..at + bytes.len()).expect("the headroom holds a line's head");
    place.copy_from_slice(bytes);
}

fn write_member_name(buffer: &mut Vec<u8>, name: &str) {
    buffer.push(b',');
    json::write_string(buffer, name);
    buffer.push(b':');
}

fn write_text_member(buffer: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        write_member_name(buffer, name);
        json::write_string(buffer, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    fn id() -> DeliveryId {
        DeliveryId::parse("q7w2m0x4k9c1z5t8").expect("an id")
    }

    fn encode(framing: Framing, event: &[u8], context: &Context) -> Result<RequestLine, NotJson> {
        let function = Function { name: Some("greet".to_owned()), ..Function::default() };
        RequestEncoder::new(framing, &function).encode(
            id(),
            &RequestId::new("r-1").expect("not empty"),
            Some(Deadline::from_epoch_ms(1_700_000_000_123)),
            context,
            Event::from_bytes(event),
        )
    }

    fn line(event: &[u8]) -> Vec<u8> {
        encode(Framing::Lines, event, &Context::default()).expect("one value").bytes().to_vec()
    }

    const TAIL: &str =
        r#","context":{"awsRequestId":"r-1","deadlineMs":1700000000123,"functionName":"greet"}}"#;

    #[test]
    fn the_events_bytes_stand_in_the_line_as_they_came() {
        for event in ["1", r#"{"a":1.0,"a":-0,"n":1e400,"s":"\ud800\u0000"}"#, "9007199254740993"] {
            let expected = format!("{{\"id\":\"q7w2m0x4k9c1z5t8\",\"event\":{event}{TAIL}\n");
            assert_eq!(String::from_utf8(line(event.as_bytes())).expect("UTF-8"), expected);
        }
    }

    #[test]
    fn with_length_framing_the_line_has_its_length_and_no_end() {
        let request = encode(Framing::Length, b"[1,\n2]", &Context::default()).expect("one value");
        let text = format!("{{\"id\":\"q7w2m0x4k9c1z5t8\",\"event\":[1, 2]{TAIL}");
        let mut expected = u32::try_from(text.len()).expect("short").to_be_bytes().to_vec();
        expected.extend_from_slice(text.as_bytes());
        assert_eq!(request.bytes(), expected);
        assert_eq!(request.slack(), 0);
    }

    #[test]
    fn the_context_has_nodes_names_and_only_what_lambda_sent() {
        let context = Context {
            invoked_function_arn: Some("arn:\"quoted\"\n".to_owned()),
            trace_id: Some("Root=1".to_owned()),
            tenant_id: Some("blue".to_owned()),
            identity: RawValue::from_string("{\"cognitoIdentityId\":\n1}".to_owned()).ok(),
            client_context: RawValue::from_string("{}".to_owned()).ok(),
        };
        let request = encode(Framing::Lines, b"1", &context).expect("one value");
        let text = String::from_utf8(request.bytes().to_vec()).expect("UTF-8");
        assert!(
            text.ends_with(
                "\"deadlineMs\":1700000000123,\"invokedFunctionArn\":\"arn:\\\"quoted\\\"\\n\",\
                 \"functionName\":\"greet\",\"xRayTraceId\":\"Root=1\",\"tenantId\":\"blue\",\
                 \"identity\":{\"cognitoIdentityId\": 1},\"clientContext\":{}}}\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_second_delivery_has_an_id_of_its_own() {
        let mut request = encode(Framing::Length, b"1", &Context::default()).expect("one value");
        request.renew(DeliveryId::parse("aaaaaaaaaaaaaaa1").expect("an id"));
        let expected = br#"{"id":"aaaaaaaaaaaaaaa1","event":1,"#;
        assert_eq!(&request.bytes()[4..4 + expected.len()], expected);
    }

    #[test]
    fn what_is_not_one_value_never_becomes_a_line() {
        for event in [&b""[..], b"{} {}", b"1},\"context\":{", b"text", b"\"a\nb\"", b"\"\xff\""] {
            assert!(encode(Framing::Lines, event, &Context::default()).is_err());
        }
    }

    /// The event as the line holds it, found by a parser that knows nothing of how the line was built.
    fn event_and_context(line: &[u8]) -> (String, serde_json::Value) {
        let members: std::collections::BTreeMap<String, Box<RawValue>> =
            serde_json::from_slice(line).expect("a line is one JSON object");
        assert_eq!(members.keys().collect::<Vec<_>>(), ["context", "event", "id"]);
        let context = serde_json::from_str(members["context"].get()).expect("a context");
        (members["event"].get().to_owned(), context)
    }

    proptest! {
        #[test]
        fn no_event_forges_the_line_and_none_is_changed(
            pieces in proptest::collection::vec(prop_oneof![
                Just("{"), Just("}"), Just("["), Just("]"), Just("\""), Just(":"), Just(","), Just("\n"),
                Just("\r"), Just(" "), Just("1"), Just("-0"), Just("1e9"), Just("\\"), Just("\"context\""),
                Just("{\"a\":"), Just("\"x\""), Just("null"), Just("\u{2028}"), Just("\"\\ud800\""),
            ], 0..12)
        ) {
            let event = pieces.concat();
            if let Ok(request) = encode(Framing::Lines, event.as_bytes(), &Context::default()) {
                let line = request.bytes();
                prop_assert_eq!(memchr::memchr_iter(b'\n', line).count(), 1);
                prop_assert!(line.ends_with(b"}}\n"));
                let (spliced, context) = event_and_context(line);
                let expected = event.replace(['\n', '\r'], " ");
                prop_assert_eq!(&spliced, expected.trim_matches([' ', '\t']));
                prop_assert_eq!(context["awsRequestId"].as_str(), Some("r-1"));
            } else {
                prop_assert!(serde_json::from_str::<&RawValue>(&event).is_err());
            }
        }
    }
}
