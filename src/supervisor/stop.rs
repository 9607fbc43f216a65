//! The end of the last handler: asked first, then told, then killed, all within half a second.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time;

use super::{Stage, Supervisor};
use crate::handler::{Handler, Happening};

/// How long each of the two polite steps may take.
const STEP: Duration = Duration::from_millis(100);

impl Supervisor {
    /// Ends the present handler, and starts no other.
    pub async fn stop(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::nothing()) {
            Stage::Starting(handler) | Stage::Ready(handler) => stop(handler).await,
            Stage::Ending { handler, .. } => handler.bury(),
            Stage::Pause { .. } | Stage::Exhausted(_) => (),
        }
    }
}

async fn stop(mut handler: Handler) {
    handler.pump_logs();
    // What it prints from here on answers nobody and belongs to no invocation.
    handler.silence();
    handler.close_input();
    if time::timeout(STEP, end_of(&mut handler)).await.is_err() {
        handler.signal(Signal::SIGTERM);
        // A stopped process hears SIGTERM only once it goes on.
        handler.signal(Signal::SIGCONT);
        if time::timeout(STEP, end_of(&mut handler)).await.is_err() {
            handler.signal(Signal::SIGKILL);
            // Killed means gone in an instant, unless the kernel holds it; then we go without it.
            drop(time::timeout(STEP / 2, handler.ended()).await);
        }
    }
    handler.bury();
}

/// Waits for the process's end, and reads what it still prints, so that no full pipe holds it up.
async fn end_of(handler: &mut Handler) {
    loop {
        match handler.happening().await {
            Happening::Ended | Happening::NotStarted(_) => return,
            // Told over and over, but it still lives: its end is what is waited for.
            Happening::Closed(_) => return handler.ended().await,
            Happening::Message(_)
            | Happening::Broken(_)
            | Happening::Running
            | Happening::ReachedRead
            | Happening::NoLauncher => (),
        }
    }
}
