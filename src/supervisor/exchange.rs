//! One invocation with the handler: encode, offer, and wait for its reply, its end or the deadline.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{self, Instant};

use super::allotment::{Allotment, allot};
use super::{KILL_PATIENCE, Stage, Supervisor, millis};
use crate::handler::{Fault, Handler, Happening};
use crate::interrupt::Interrupt;
use crate::invocation::Invocation;
use crate::protocol::{Framing, Judgement, MAX_RESULT_BYTES, Reply, ReplyBody, RequestLine};
use crate::verdict::Outcome;

/// What an invocation in flight is given once the runtime was told to end.
const SHUTDOWN_TIME: Duration = Duration::from_millis(200);

impl Supervisor {
    /// Gives the invocation to a handler and waits for what comes of it.
    ///
    /// A second handler gets it, once, if the first ended and had not read, and never will read, one byte.
    ///
    /// # Errors
    /// When there is no reply that the caller may have.
    ///
    /// Not cancel safe: a dropped exchange leaves half a conversation behind.
    pub async fn exchange(&mut self, invocation: Invocation, received: Instant) -> Outcome {
        let allotment = allot(invocation.deadline, self.margin, SystemTime::now());
        let until = received + allotment.time;
        let request_id: Arc<str> = invocation.request_id.as_str().into();
        let mut line = self.encode(invocation)?;
        let ending = told_to_end(self.interrupt.clone());
        tokio::pin!(ending);
        let mut second = false;
        loop {
            self.ready_for_offer(until, ending.as_mut()).await?;
            self.offer(line, &request_id);
            let outcome = self.reply(until, allotment, ending.as_mut()).await;
            line = match outcome {
                Err(fault) if !second && fault.leaves_the_event() => {
                    match self.take_back(&fault).await {
                        Some(untouched) => untouched,
                        None => return self.answered(Err(fault)),
                    }
                }
                outcome => return self.answered(outcome),
            };
            second = true;
        }
    }

    fn encode(&mut self, invocation: Invocation) -> Result<RequestLine, Fault> {
        let Invocation { request_id, deadline, context, event, .. } = invocation;
        self.encoder
            .encode(self.ids.next_id(), &request_id, deadline, &context, event)
            .map_err(|refusal| Fault::InvalidEvent(refusal.to_string()))
    }

    /// Waits for a handler that can be given something: ready, and in step.
    async fn ready_for_offer(
        &mut self,
        until: Instant,
        mut ending: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<(), Fault> {
        loop {
            tokio::select! {
                biased;
                () = ending.as_mut() => return Err(Fault::ShuttingDown),
                ready = self.until_ready(until) => ready?,
            }
            if self.is_in_step() {
                return Ok(());
            }
        }
    }

    /// Whether the handler is still ready once all it has printed so far was looked at: a late line must
    /// not become the answer to what it is given next.  Where replies are tagged, none can.
    fn is_in_step(&mut self) -> bool {
        if self.judge.is_tagged() {
            return true;
        }
        if let Stage::Ready(handler) = &mut self.stage {
            handler.catch_up();
        }
        while let Stage::Ready(handler) = &mut self.stage {
            let Some(happening) = handler.known() else { return true };
            self.happened(happening);
        }
        false
    }

    fn offer(&mut self, line: RequestLine, request_id: &Arc<str>) {
        self.judge.open(line.id());
        if let Some(handler) = self.stage.handler() {
            handler.offer(line, request_id.clone());
        }
    }

    /// Waits for the reply to what was offered, or for why there will be none.
    async fn reply(
        &mut self,
        until: Instant,
        allotment: Allotment,
        mut ending: Pin<&mut impl Future<Output = ()>>,
    ) -> Outcome {
        if let Some(outcome) = self.glance(until) {
            return outcome;
        }
        let timeout = time::sleep_until(until);
        tokio::pin!(timeout);
        loop {
            let Some(handler) = self.stage.handler() else { return Err(Fault::ShuttingDown) };
            let happening = tokio::select! {
                biased;
                () = ending.as_mut() => return self.last_look().unwrap_or(Err(Fault::ShuttingDown)),
                () = &mut timeout => {
                    return self.last_look().unwrap_or_else(|| Err(self.too_late(allotment)));
                }
                happening = handler.happening() => happening,
            };
            if let Some(outcome) = self.heard(happening) {
                // A signal that came meanwhile is heard before the next event is asked for.
                tokio::task::yield_now().await;
                return outcome;
            }
        }
    }

    /// Whether the reply comes at once.
    fn glance(&mut self, until: Instant) -> Option<Outcome> {
        self.stage.handler()?.glance(until);
        self.known_outcome()
    }

    /// What happened in time counts, however late we come to look: data before the end, and the end before
    /// the timer.
    fn last_look(&mut self) -> Option<Outcome> {
        self.stage.handler()?.look_once_more();
        self.known_outcome()
    }

    /// What comes of all that is known to have happened.
    fn known_outcome(&mut self) -> Option<Outcome> {
        while let Some(happening) = self.stage.handler().and_then(Handler::known) {
            if let Some(outcome) = self.heard(happening) {
                return Some(outcome);
            }
        }
        None
    }

    /// What a happening means for the open delivery; none if it goes on.
    fn heard(&mut self, happening: Happening) -> Option<Outcome> {
        match happening {
            Happening::Message(message) => match self.judge.judge(&message) {
                Judgement::Reply(reply) => Some(self.accept(reply)),
                judgement @ (Judgement::Log(_)
                | Judgement::Ready { .. }
                | Judgement::Dropped(_)
                | Judgement::OutOfStep) => {
                    self.unasked(&message, judgement);
                    None
                }
            },
            Happening::Ended => Some(Err(self.with_hint(self.exited()))),
            Happening::Closed(closed) => Some(Err(self.with_hint(self.closed(closed)))),
            Happening::Broken(error) => Some(Err(self.broken(error))),
            Happening::NotStarted(unstarted) => Some(Err(Fault::SpawnFailed(unstarted))),
            Happening::NoLauncher | Happening::Running | Happening::ReachedRead => None,
        }
    }

    /// A reply is good at once if it is tagged; a plain one must have come after its whole request was
    /// read, with nothing behind it.
    fn accept(&mut self, reply: Reply) -> Outcome {
        if matches!(&reply.body, ReplyBody::Response(bytes) if bytes.len() > MAX_RESULT_BYTES) {
            return Err(Fault::TooLarge);
        }
        if reply.tagged {
            return Ok(reply);
        }
        let Some(handler) = self.stage.handler() else { return Err(Fault::ShuttingDown) };
        if !handler.has_read_the_request() {
            return Err(Fault::Protocol(
                "the handler printed a reply before it had read the whole request, so it answers \
                 something else. Tag replies with the id of their request"
                    .to_owned(),
            ));
        }
        while let Some(behind) = self.stage.handler().and_then(Handler::message_behind) {
            match self.judge.judge(&behind) {
                Judgement::OutOfStep => {
                    self.life.out_of_step_at_first = self.life.answered == 0;
                    return Err(Fault::Protocol(format!(
                        "the handler printed a second line, of {} bytes, that could be its reply: \
                         which of the two is meant cannot be known. Print one line for each request, or \
                         tag replies with the id of their request",
                        behind.len()
                    )));
                }
                judgement @ (Judgement::Log(_)
                | Judgement::Ready { .. }
                | Judgement::Dropped(_)
                | Judgement::Reply(_)) => self.unasked(&behind, judgement),
            }
        }
        Ok(reply)
    }

    /// The delivery is over: what it leaves is put away.
    fn answered(&mut self, outcome: Outcome) -> Outcome {
        self.judge.close();
        if let Some(handler) = self.stage.handler() {
            handler.finish_request();
            handler.pump_logs();
        }
        if outcome.is_ok() {
            self.life.answered += 1;
        }
        self.life.killed_at_deadline = matches!(outcome, Err(Fault::DeadlineExceeded { .. }));
        outcome
    }

    /// Kills who failed; the request, if nobody read or will read a byte of it.
    async fn take_back(&mut self, fault: &Fault) -> Option<RequestLine> {
        self.judge.close();
        self.end(fault.clone());
        let Stage::Ending { handler, .. } = &mut self.stage else { return None };
        if time::timeout(KILL_PATIENCE, handler.ended()).await.is_err() {
            return None;
        }
        let untouched = handler.request_stays_untouched();
        let mut line = handler.withdraw().filter(|_| untouched)?;
        line.renew(self.ids.next_id());
        Some(line)
    }

    /// An end without a reply, with what was almost one.
    fn with_hint(&self, fault: Fault) -> Fault {
        let Some(hint) = self.judge.strays().hint() else { return fault };
        fault.with_hint(&hint)
    }

    fn too_late(&mut self, allotment: Allotment) -> Fault {
        let hint = self.judge.strays().hint();
        let Some(handler) = self.stage.handler() else { return Fault::ShuttingDown };
        handler.pump_logs();
        let mut said = format!(
            "no reply within {} ms, and the function's deadline is {} ms later",
            millis(allotment.time),
            millis(allotment.margin)
        );
        if handler.request_is_untouched() {
            said.push_str(
                "; the request is wholly unread: is the handler still starting? See \
                 LAMBDA_STDIO_READY",
            );
        } else if let Some(hint) = hint {
            said.push_str("; ");
            said.push_str(&hint);
        } else {
            let bytes = handler.unfinished_bytes();
            let unfinished = match self.settings.framing {
                Framing::Lines => format!(
                    "; {bytes} bytes came without a line end (did you end the reply's line, and flush \
                     standard output?)"
                ),
                Framing::Length => format!(
                    "; {bytes} bytes came of a message that is not complete (is its length that of its \
                     bytes, and was it flushed?)"
                ),
            };
            said.push_str(&unfinished);
        }
        said.push_str(&handler.last_written());
        Fault::DeadlineExceeded { said }
    }
}

/// Ends when an invocation in flight has had its time after the runtime was told to end.
async fn told_to_end(interrupt: Interrupt) {
    time::sleep_until(interrupt.signalled().await + SHUTDOWN_TIME).await;
}
