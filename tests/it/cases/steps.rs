//! Cases of what a handler prints: decoded and judged, whole and byte by byte.

use bytes::{Bytes, BytesMut};
use lambda_stdio::json::NotJson;
use lambda_stdio::protocol::{
    DeliveryId, FrameError, Framing, Judge, Judgement, LogReason, MessageDecoder, Replies,
    ReplyBody,
};
use serde_json::{Value, json};
use tokio_util::codec::Decoder;

use super::{Case, all, bytes};

/// A judge and a decoder, as the bridge has them.
struct Bridge {
    framing: Framing,
    judge: Judge,
    decoder: MessageDecoder,
    buffer: BytesMut,
    /// Nothing more is read of a stream that broke: its generation is over.
    broken: bool,
}

impl Bridge {
    fn new(settings: &Value) -> Self {
        let replies = match settings["replies"].as_str() {
            Some("tagged") => Replies::Tagged,
            Some("text") => Replies::Text,
            _ => Replies::Auto,
        };
        let framing = match settings["framing"].as_str() {
            Some("length") => Framing::Length,
            _ => Framing::Lines,
        };
        Self {
            framing,
            judge: Judge::new(replies),
            decoder: MessageDecoder::new(framing),
            buffer: BytesMut::new(),
            broken: false,
        }
    }

    fn new_generation(&mut self) {
        self.judge.new_generation();
        self.decoder = MessageDecoder::new(self.framing);
        self.buffer.clear();
        self.broken = false;
    }

    /// What becomes of bytes, and of the stream's end behind them.
    fn hears(&mut self, bytes: &[u8], ends: bool) -> Vec<Value> {
        self.buffer.extend_from_slice(bytes);
        let mut judged = Vec::new();
        while !self.broken {
            let decoded = if ends {
                self.decoder.decode_eof(&mut self.buffer)
            } else {
                self.decoder.decode(&mut self.buffer)
            };
            match decoded {
                Ok(Some(message)) => judged.push(told(&message, self.judge.judge(&message))),
                Ok(None) => return judged,
                Err(error) => {
                    judged.push(json!({ "fault": fault(&error) }));
                    self.broken = true;
                }
            }
        }
        judged
    }
}

fn fault(error: &FrameError) -> &'static str {
    match error {
        FrameError::TooLong { .. } => "Function.ResponseSizeTooLarge",
        FrameError::Truncated { .. } => "Runtime.TruncatedReply",
        FrameError::TextForLength { .. } | FrameError::Io(_) => "Runtime.ProtocolError",
    }
}

/// A judgement as the cases write it.
fn told(message: &Bytes, judgement: Judgement) -> Value {
    match judgement {
        Judgement::Log(reason) => json!({ "log": match reason {
            LogReason::NotJson(NotJson::Blank) => "blank",
            LogReason::NotJson(NotJson::NotUtf8 { .. }) => "not-utf8",
            LogReason::NotJson(NotJson::Syntax { .. }) => "not-json",
            LogReason::BeforeFirstDelivery => "before-first-delivery",
            LogReason::TaggedMode => "tagged-mode",
            LogReason::Piece => "piece",
        } }),
        Judgement::Ready { features, .. } => json!({ "ready": features }),
        Judgement::Dropped(id) => {
            json!({ "dropped": { "id": id.to_string(), "bytes": message.len() } })
        }
        Judgement::OutOfStep => json!({ "out_of_step": message.len() }),
        Judgement::Reply(reply) => match reply.body {
            ReplyBody::Response(bytes) => {
                json!({ "response": String::from_utf8(bytes.to_vec()).unwrap() })
            }
            ReplyBody::Error { error, fatal } => {
                let mut told = json!({
                    "error": { "errorType": error.error_type, "errorMessage": error.error_message },
                    "fatal": fatal,
                    "stackTrace": error.stack_trace,
                });
                if let Some(verbatim) = error.verbatim {
                    told["verbatim"] = String::from_utf8(verbatim.to_vec()).unwrap().into();
                }
                told
            }
        },
    }
}

/// Whether a judgement is the expected one; a stack trace counts where the case gives one.
fn is_as_expected(told: &Value, expected: &Value) -> bool {
    let mut told = told.clone();
    if let Some(object) = told.as_object_mut() {
        if expected.get("stackTrace").is_none() && expected["error"].get("stackTrace").is_none() {
            object.remove("stackTrace");
        } else if expected["error"].get("stackTrace").is_some() {
            let stack = object.remove("stackTrace").unwrap();
            object["error"]["stackTrace"] = stack;
        }
    }
    told == *expected
}

fn play(case: &Case, in_pieces: bool) -> Result<(), String> {
    let mut bridge = Bridge::new(&case.json["settings"]);
    for (number, step) in case.json["steps"].as_array().unwrap().iter().enumerate() {
        if let Some(delivery) = step.get("to_handler") {
            bridge.judge.open(DeliveryId::parse(delivery["id"].as_str().unwrap()).unwrap());
        } else if step.get("answered").is_some() {
            bridge.judge.close();
        } else if step.get("new_generation").is_some() {
            bridge.new_generation();
        } else {
            let ends = step.get("output_ends").is_some();
            let printed = bytes(step, "from_handler").unwrap_or_default();
            let mut judged = Vec::new();
            if in_pieces {
                for byte in &printed {
                    judged.extend(bridge.hears(&[*byte], false));
                }
                judged.extend(bridge.hears(b"", ends));
            } else {
                judged = bridge.hears(&printed, ends);
            }
            let expected = step["judged"].as_array().unwrap();
            let same = judged.len() == expected.len()
                && judged
                    .iter()
                    .zip(expected)
                    .all(|(told, expected)| is_as_expected(told, expected));
            if !same {
                return Err(format!(
                    "{} step {number}:\n  expected {}\n  judged   {}",
                    case.name,
                    Value::from(expected.clone()),
                    Value::from(judged)
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn what_handlers_print_is_judged_as_the_cases_say() {
    let cases: Vec<Case> =
        all().into_iter().filter(|case| case.json.get("steps").is_some()).collect();
    assert!(cases.len() > 100, "there are cases with steps");
    let wrong: Vec<String> = cases
        .iter()
        .flat_map(|case| [play(case, false), play(case, true)])
        .filter_map(Result::err)
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
