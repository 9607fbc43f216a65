//! The signals by which people and supervisors end a command.

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Exit;

/// Heard from the moment they are listened for; until then each ends the companion at once.
#[derive(Debug)]
pub(super) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Interrupts {
    pub(super) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("could not listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted(2),
            _ = self.terminate.recv() => Exit::Interrupted(15),
            _ = self.hangup.recv() => Exit::Interrupted(1),
        }
    }
}
