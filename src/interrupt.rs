//! The one thing that may cut short whatever is waited for.

use tokio::sync::watch;
use tokio::time::Instant;

/// Why the runtime comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// SIGTERM or SIGINT, heard then: half a second is left, for everything.
    Signal(Instant),
    /// The restart policy gave up.
    GaveUp,
}

/// Raised once, by whoever is first; seen by all who hold it.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Sender<Option<Reason>>);

impl Interrupt {
    /// One that is not raised.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Raises it, unless it was raised before; a signal counts for more than a policy.
    pub fn raise(&self, reason: Reason) {
        self.0.send_if_modified(|raised| match (&*raised, reason) {
            (None, _) | (Some(Reason::GaveUp), Reason::Signal(_)) => {
                *raised = Some(reason);
                true
            }
            (Some(Reason::Signal(_) | Reason::GaveUp), _) => false,
        });
    }

    /// Why it was raised, if it was.
    #[must_use]
    pub fn raised(&self) -> Option<Reason> {
        *self.0.borrow()
    }

    /// Waits until it is raised.  Cancel safe.
    pub async fn wait(&self) -> Reason {
        let mut raised = self.0.subscribe();
        match raised.wait_for(Option::is_some).await.map(|reason| *reason) {
            Ok(Some(reason)) => reason,
            // We hold a sender ourselves, so the channel never closes.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Waits until a signal is heard; when it was.  Cancel safe.
    pub async fn signalled(&self) -> Instant {
        let mut raised = self.0.subscribe();
        let signal = raised.wait_for(|reason| matches!(reason, Some(Reason::Signal(_)))).await;
        match signal.map(|reason| *reason) {
            Ok(Some(Reason::Signal(at))) => at,
            Ok(Some(Reason::GaveUp) | None) | Err(_) => std::future::pending().await,
        }
    }
}

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}
