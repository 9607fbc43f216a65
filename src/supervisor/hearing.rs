//! What a handler does while no reply is awaited, and what it says that answers nothing.

use bytes::Bytes;

use super::Supervisor;
use crate::config::Readiness;
use crate::handler::{Fault, Happening};
use crate::json::NotJson;
use crate::protocol::{FrameError, Judgement, LogReason, VERSION};

impl Supervisor {
    /// What the handler does while no reply is awaited.
    pub(super) fn happened(&mut self, happening: Happening) {
        match happening {
            Happening::Message(message) => {
                let judgement = self.judge.judge(&message);
                self.unasked(&message, judgement);
            }
            Happening::Running if self.readiness == Readiness::None => self.became_ready(),
            Happening::Running => (),
            Happening::ReachedRead => self.became_ready(),
            Happening::Broken(FrameError::Truncated { .. }) if !self.judge.is_open() => {
                // Nobody waits for it: last words without a line end, and the end itself is told next.
                if let Some(handler) = self.stage.handler() {
                    let words = handler.take_unfinished();
                    handler.log_stray(&words);
                }
            }
            Happening::Broken(error) => {
                let cause = self.broken(error);
                self.end(cause);
            }
            Happening::Closed(closed) => self.end(self.closed(closed)),
            Happening::Ended => self.end(self.exited()),
            Happening::NotStarted(unstarted) => self.never_ran(unstarted),
            Happening::NoLauncher => self.start_directly(),
        }
    }

    /// A message that answers nothing.
    pub(super) fn unasked(&mut self, message: &Bytes, judgement: Judgement) {
        match judgement {
            Judgement::Log(reason) => self.log_stray(message, &reason),
            Judgement::Ready { protocol, .. } => {
                if let Some(other) = protocol.filter(|protocol| *protocol != VERSION) {
                    tracing::warn!(
                        theirs = other,
                        ours = VERSION,
                        "handler speaks another protocol"
                    );
                }
                if self.readiness == Readiness::Line {
                    self.became_ready();
                }
            }
            Judgement::Dropped(id) => {
                tracing::info!(%id, bytes = message.len(), "late reply dropped");
            }
            Judgement::Reply(_) | Judgement::OutOfStep => {
                self.life.out_of_step_at_first = self.life.answered <= 1;
                self.end(Fault::Protocol(format!(
                    "the handler printed a line of {} bytes that nobody asked for",
                    message.len()
                )));
            }
        }
    }

    pub(super) fn log_stray(&mut self, message: &Bytes, reason: &LogReason) {
        if let Some(handler) = self.stage.handler() {
            handler.log_stray(message);
        }
        let words =
            matches!(reason, LogReason::NotJson(NotJson::Syntax { .. } | NotJson::NotUtf8 { .. }));
        if words && !std::mem::replace(&mut self.warned, true) {
            tracing::warn!(
                %reason,
                bytes = message.len(),
                "a line on standard output is no reply and was logged; print logs on standard error, or \
                 move replies with LAMBDA_STDIO_REPLY_FD; if plain words are the reply, set \
                 LAMBDA_STDIO_REPLIES=text"
            );
        }
    }
}
