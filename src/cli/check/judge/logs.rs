//! What it means how a handler bore logs that are long, or read late.

use super::Seen;
use super::lost::LARGE_BYTES;
use crate::cli::check::finding::Code;
use crate::cli::check::tape::{Answer, Exchange, Lost, Tape};
use crate::protocol::ReplyBody;

impl Seen<'_> {
    /// Findings of the whole scenario.  Before each request whose logs are long or read late it sends one
    /// that is like it otherwise: where that is not answered, other scenarios tell why.
    pub(super) fn logs(&mut self, tape: &Tape) {
        let exchanges: Vec<&Exchange> = tape.exchanges().collect();
        for pair in exchanges.windows(2) {
            if let [before, exchange] = pair
                && matches!(before.answer, Answer::Reply(_))
            {
                self.logs_of(before, exchange);
            }
        }
    }

    fn logs_of(&mut self, before: &Exchange, exchange: &Exchange) {
        let when = match (exchange.logs_after, before.logs_after) {
            (Some(pause), _) => {
                format!("its standard error was not read for {} ms", pause.as_millis())
            }
            (None, Some(_)) => "its standard error was read again".to_owned(),
            (None, None) if exchange.event_bytes > LARGE_BYTES => {
                let bytes = exchange.event_bytes;
                format!("it answered a short event, and then came one like it of {bytes} bytes")
            }
            (None, None) => return,
        };
        let did = match &exchange.answer {
            Answer::Reply(reply) => match (&reply.body, before.answer.response()) {
                (ReplyBody::Error { error, .. }, Some(_)) if exchange.logs_after.is_some() => {
                    format!("it answered with the error {:?}", error.error_message)
                }
                (ReplyBody::Error { .. } | ReplyBody::Response(_), _) => return,
            },
            Answer::Early => "it answered before it had read the request".to_owned(),
            Answer::AtEndOfInput => "its reply came only when its input was closed".to_owned(),
            Answer::Silence { said, .. } => {
                format!("it did not answer within {} s{said}", exchange.took.as_secs())
            }
            Answer::Lost(Lost::Exited { how, said }) => format!("it ended: {how}{said}"),
            Answer::Lost(Lost::NotStarted(why)) => format!("it could not be started: {why}"),
            Answer::Lost(Lost::ClosedOutput) => "it closed its output".to_owned(),
            Answer::Lost(Lost::ClosedInput) => "it closed its input".to_owned(),
            Answer::Lost(Lost::Broken(error)) => error.to_string(),
        };
        self.find(Code::LogsBlock, format!("{when}: {did} (the event is {})", exchange.event));
    }
}
