//! What holds of handlers' output and callers' events, whatever they are.

use bytes::{Bytes, BytesMut};
use serde_json::value::RawValue;
use tokio_util::codec::Decoder;

use super::framing::{LengthDecoder, LineDecoder};
use super::{
    DeliveryId, Framing, Judge, Judgement, LogReason, MAX_LINE_BYTES, MessageDecoder, Replies,
    Reply, ReplyBody, RequestEncoder,
};
use crate::invocation::{Context, Event, Function, RequestId};
use crate::json;

/// Short, so that random bytes come to it.
const SHORT_BYTES: usize = 20;

/// However the bytes are cut, the messages are the same, and none of their bytes is lost or changed.
pub(crate) fn framing(bytes: &[u8], ways: &[Vec<&[u8]>]) {
    for limit in [SHORT_BYTES, MAX_LINE_BYTES] {
        for framing in [Framing::Lines, Framing::Length] {
            let decoder = || match framing {
                Framing::Lines => MessageDecoder::Lines(LineDecoder::new(limit)),
                Framing::Length => MessageDecoder::Length(LengthDecoder::new(limit)),
            };
            let (messages, ended) = decode(decoder(), &[bytes]);
            for pieces in ways {
                let cut = decode(decoder(), pieces);
                assert_eq!(cut, (messages.clone(), ended.clone()), "in {} pieces", pieces.len());
            }
            let mut encoded = Vec::new();
            for message in messages {
                assert!(message.len() <= limit);
                match framing {
                    Framing::Lines => {
                        assert!(!message.contains(&b'\n'));
                        encoded.extend_from_slice(&message);
                        encoded.push(b'\n');
                    }
                    Framing::Length => {
                        let length = u32::try_from(message.len()).expect("no more than the limit");
                        encoded.extend_from_slice(&length.to_be_bytes());
                        encoded.extend_from_slice(&message);
                    }
                }
            }
            assert!(bytes.starts_with(&encoded), "the messages are the stream's beginning");
            assert_eq!(encoded == bytes, ended.is_ok(), "it is read to its end, or that is told");
        }
    }
}

fn decode(mut decoder: MessageDecoder, pieces: &[&[u8]]) -> (Vec<Bytes>, Result<(), String>) {
    let (mut buffer, mut messages) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Err(error.to_string())),
            }
        }
    }
    let ended = match decoder.decode_eof(&mut buffer) {
        Ok(None) => Ok(()),
        Ok(Some(message)) => panic!("{message:?} was there before"),
        Err(error) => Err(error.to_string()),
    };
    (messages, ended)
}

/// Whatever a handler prints, a caller gets one JSON value that stood in the line, or the handler's error,
/// and only when one is awaited.
pub(crate) fn replies(bytes: &[u8]) {
    for replies in [Replies::Auto, Replies::Tagged, Replies::Text] {
        // From the start, or behind the first line, as after a ready line.
        for lines_before in [0, 1] {
            let (mut judge, mut twin) = (Judge::new(replies), Judge::new(replies));
            let mut ids = ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"].into_iter().cycle();
            let mut open = None;
            let mut is_tagged = judge.is_tagged();
            for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
                // Every second line may be an answer, so that lines come when none is awaited, too.
                if index >= lines_before
                    && (index - lines_before).is_multiple_of(2)
                    && open.is_none()
                {
                    let id = ids.next().and_then(DeliveryId::parse).expect("an id");
                    judge.open(id);
                    twin.open(id);
                    open = Some(id);
                }
                let line = Bytes::copy_from_slice(line);
                let judgement = judge.judge(&line);
                assert_eq!(judgement, twin.judge(&line), "the same line in the same state");
                let seen = Seen { line: &line, replies, open, is_tagged, is_first: index == 0 };
                let is_delivered = index >= lines_before;
                seen.check(&judgement, is_delivered);
                if matches!(judgement, Judgement::Reply(_)) {
                    open = None;
                }
                assert_eq!(judge.is_open(), open.is_some());
                assert!(judge.is_tagged() || !is_tagged, "tagged holds for good");
                is_tagged = judge.is_tagged();
            }
            let hint = judge.strays().hint().unwrap_or_default();
            assert!(hint.len() < 4_096, "{} bytes", hint.len());
        }
    }
}

/// A line and what it came into.
struct Seen<'a> {
    line: &'a [u8],
    replies: Replies,
    open: Option<DeliveryId>,
    is_tagged: bool,
    is_first: bool,
}

impl Seen<'_> {
    fn check(&self, judgement: &Judgement, is_delivered: bool) {
        match judgement {
            Judgement::Reply(reply) => {
                assert!(self.open.is_some(), "nobody waits for it");
                assert!(reply.tagged || !self.is_tagged, "only tagged ones count");
                self.check_reply(reply);
            }
            Judgement::Ready { .. } | Judgement::Log(LogReason::BeforeFirstDelivery) => {
                assert!(!is_delivered);
            }
            Judgement::Log(LogReason::NotJson(_)) => {
                let line = self.line.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.is_first);
                assert!(json::one_value(line.unwrap_or(self.line)).is_err(), "it is JSON");
            }
            Judgement::Log(LogReason::TaggedMode) => assert!(self.is_tagged),
            Judgement::Log(LogReason::Piece) => {
                assert!(self.line.first().is_some_and(u8::is_ascii_whitespace));
            }
            Judgement::Dropped(id) => assert_ne!(self.open, Some(*id), "it is the one awaited"),
            Judgement::OutOfStep => assert!(self.open.is_none() && !self.is_tagged),
        }
    }

    fn check_reply(&self, reply: &Reply) {
        let stood_in_line = |part: &[u8]| memchr::memmem::find(self.line, part).is_some();
        match &reply.body {
            ReplyBody::Response(response) => {
                json::one_value(response).expect("a response is one JSON value");
                let is_text = self.replies == Replies::Text && !reply.tagged;
                assert!(is_text || stood_in_line(response), "it is not carried as it came");
            }
            ReplyBody::Error { error, .. } => {
                assert!(reply.tagged, "errors are tagged");
                json::one_value(&error.to_json()).expect("an error is one JSON value");
                let own = error.verbatim.as_deref();
                assert!(own.is_none_or(stood_in_line), "it is not carried as it came");
            }
        }
    }
}

/// No event forges the line around it, and none is changed but for white space between its tokens; the same
/// of a client context.
pub(crate) fn request(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let client_context = RawValue::from_string(text.clone()).ok();
    let context =
        Context { invoked_function_arn: Some(text.clone()), client_context, ..Context::default() };
    let id = DeliveryId::parse("q7w2m0x4k9c1z5t8").expect("an id");
    let request_id = RequestId::new(&text).or_else(|| RequestId::new("r-1")).expect("not empty");
    for framing in [Framing::Lines, Framing::Length] {
        let encoder = RequestEncoder::new(framing, &Function::default());
        let event = Event::from_bytes(bytes);
        let Ok(request) = encoder.encode(id, &request_id, None, &context, event) else {
            assert!(json::one_value(bytes).is_err(), "it is one JSON value");
            continue;
        };
        let message = match framing {
            Framing::Lines => request.bytes().strip_suffix(b"\n").expect("a line ends"),
            Framing::Length => {
                let (length, message) = request.bytes().split_first_chunk().expect("a length");
                assert_eq!(u32::from_be_bytes(*length) as usize, message.len());
                message
            }
        };
        assert!(!message.contains(&b'\n') && !message.contains(&b'\r'));
        let members = members(message);
        let [("id", got_id), ("event", event), ("context", context)] = [0, 1, 2]
            .map(|at| members.get(at).map(|(name, value)| (name.as_str(), *value)))
            .map(|member| member.expect("three members"))
        else {
            panic!("other members: {members:?}")
        };
        assert_eq!((members.len(), got_id.get()), (3, "\"q7w2m0x4k9c1z5t8\""));
        let blanked = text.replace(['\n', '\r'], " ");
        assert_eq!(event.get(), blanked.trim_matches([' ', '\t']));
        let of_context = self::members(context.get().as_bytes());
        let texts = [("awsRequestId", request_id.as_str()), ("invokedFunctionArn", text.as_str())];
        for (name, text) in texts {
            let (_, value) = of_context.iter().find(|(found, _)| found == name).expect("a member");
            assert_eq!(json::text(value).as_deref(), Some(text));
        }
        let (last, value) = of_context.last().expect("members");
        assert_eq!((of_context.len(), last.as_str()), (3, "clientContext"));
        assert_eq!(value.get(), event.get());
    }
}

fn members(object: &[u8]) -> Vec<(String, &RawValue)> {
    let mut members = Vec::new();
    json::each_member(object, |name, value| members.push((name.to_owned(), value)))
        .expect("an object");
    members
}
