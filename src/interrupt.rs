//! The one thing that may cut a wait for the next event short.

use tokio::sync::watch;

/// Why the runtime comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// SIGTERM or SIGINT.
    Signal,
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

    /// Raises it, unless it was raised before.
    pub fn raise(&self, reason: Reason) {
        self.0.send_if_modified(|raised| {
            let first = raised.is_none();
            raised.get_or_insert(reason);
            first
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
}

impl Default for Interrupt {
    fn default() -> Self {
        Self::new()
    }
}
