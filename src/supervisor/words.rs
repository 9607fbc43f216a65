//! What the state of a generation is told as: to the caller, to Lambda, to the log.

use tokio::time::Instant;

use super::stage::Stage;
use super::{Supervisor, millis};
use crate::config::Readiness;
use crate::handler::{Closed, Fault};
use crate::protocol::FrameError;

impl Supervisor {
    pub(super) fn why_not_ready(&self) -> Fault {
        let why = match &self.stage {
            Stage::Pause { cause: Fault::SpawnFailed(unstarted), .. } => {
                return Fault::SpawnFailed(unstarted.clone());
            }
            Stage::Pause { until, cause } => format!(
                "after failures in a row it may be started again in {} ms; the last was: {cause}",
                millis(until.saturating_duration_since(Instant::now()))
            ),
            Stage::Starting(_) => format!(
                "it has been starting for {} ms and {}",
                millis(self.born.elapsed()),
                match self.readiness {
                    Readiness::Read => "has not read its input yet (LAMBDA_STDIO_READY=read)",
                    Readiness::Line =>
                        "has not printed its ready line yet (LAMBDA_STDIO_READY=line)",
                    Readiness::None => "is not running yet",
                }
            ),
            Stage::Ending { .. } => "the one before it has not ended yet".to_owned(),
            Stage::Ready(_) | Stage::Exhausted(_) => "it is not serving".to_owned(),
        };
        Fault::NotReady { why }
    }

    /// What the end of the present process is told as.
    pub(super) fn exited(&self) -> Fault {
        let (how, said) = match &self.stage {
            Stage::Starting(handler) | Stage::Ready(handler) => {
                (handler.how_it_ended(), handler.last_written())
            }
            Stage::Pause { .. } | Stage::Ending { .. } | Stage::Exhausted(_) => Default::default(),
        };
        Fault::Exited { when: self.when(), how, said }
    }

    /// What output that can no longer be told into messages is told as.
    pub(super) fn broken(&mut self, error: FrameError) -> Fault {
        match error {
            FrameError::TooLong { .. } => Fault::TooLarge,
            FrameError::Truncated { held } => {
                let said = self.stage.handler().map(|handler| {
                    handler.pump_logs();
                    handler.last_written()
                });
                Fault::Truncated { held, said: said.unwrap_or_default() }
            }
            error @ (FrameError::TextForLength { .. } | FrameError::Io(_)) => {
                Fault::Protocol(error.to_string())
            }
        }
    }

    pub(super) fn closed(&self, closed: Closed) -> Fault {
        let said = match &self.stage {
            Stage::Starting(handler) | Stage::Ready(handler) => handler.last_written(),
            Stage::Pause { .. } | Stage::Ending { .. } | Stage::Exhausted(_) => String::new(),
        };
        match closed {
            Closed::Output => Fault::ClosedOutput { when: self.when(), said },
            Closed::Input => Fault::ClosedInput { when: self.when(), said },
        }
    }

    pub(super) fn when(&self) -> &'static str {
        match &self.stage {
            Stage::Starting(_) => "before it was ready",
            Stage::Ready(_) if self.judge.is_open() => "before its reply",
            Stage::Ready(_) | Stage::Pause { .. } | Stage::Ending { .. } | Stage::Exhausted(_) => {
                "while it had nothing to do"
            }
        }
    }
}
