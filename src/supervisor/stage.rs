//! Where a generation is in its life.

use tokio::time::Instant;

use crate::handler::{Fault, Handler};

/// Where the present generation is in its life.
#[derive(Debug)]
pub(super) enum Stage {
    /// The next one may start then.
    Pause { until: Instant, cause: Fault },
    /// It was started, and is not ready.
    Starting(Handler),
    /// It waits for, or works at, an invocation.
    Ready(Handler),
    /// It was killed, or ended, and is not yet reaped.
    Ending { handler: Handler, until: Instant, cause: Fault },
    /// None will follow.
    Exhausted(Fault),
}

impl Stage {
    /// What stands in while a stage is taken apart.
    pub(super) fn nothing() -> Self {
        Self::Exhausted(Fault::ShuttingDown)
    }

    pub(super) fn handler(&mut self) -> Option<&mut Handler> {
        match self {
            Self::Starting(handler) | Self::Ready(handler) | Self::Ending { handler, .. } => {
                Some(handler)
            }
            Self::Pause { .. } | Self::Exhausted(_) => None,
        }
    }

    pub(super) fn into_handler(self) -> Option<Handler> {
        match self {
            Self::Starting(handler) | Self::Ready(handler) | Self::Ending { handler, .. } => {
                Some(handler)
            }
            Self::Pause { .. } | Self::Exhausted(_) => None,
        }
    }
}
