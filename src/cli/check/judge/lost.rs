//! What it means that no reply came: what came instead, or how the handler was lost.

use super::Seen;
use crate::cli::check::finding::Code;
use crate::cli::check::tape::{Exchange, Line, LineKind, Lost};
use crate::json;
use crate::protocol::{FrameError, Framing};

/// From which event on a handler that answers smaller ones has trouble with the size.
pub(super) const LARGE_BYTES: usize = 4096;

impl Seen<'_> {
    /// Nothing came that was a reply: what came instead says why.
    pub(super) fn silence(
        &mut self,
        exchange: &Exchange,
        unfinished: usize,
        untouched: bool,
        said: &str,
    ) {
        let lines: Vec<&Line> = exchange.beside.iter().filter(|line| !line.is_blank()).collect();
        let seconds = exchange.took.as_secs();
        let last = lines.last();
        let dropped = lines.iter().find_map(|line| match line.kind {
            LineKind::Dropped(other) if other != exchange.id => Some((line, other)),
            LineKind::Dropped(_) | LineKind::Log(_) | LineKind::Ready | LineKind::OutOfStep => None,
        });
        if let Some((line, other)) = dropped {
            self.wrong_id(line, other, exchange.id);
        } else if lines.len() > 1 && is_one_value_together(&lines) {
            let message = format!("its reply is spread over {} lines", lines.len());
            self.find(Code::Pretty, message);
        } else if let Some(line) = last.filter(|line| line.bytes.starts_with(b"\xef\xbb\xbf")) {
            let message = format!("its reply {} begins with a byte order mark", line.shown());
            self.find(Code::ByteOrderMark, message);
        } else if let Some(line) = last.filter(|line| line.is_json()) {
            let message = format!(
                "its replies were tagged, but to the request {} it printed {}",
                exchange.id,
                line.shown()
            );
            self.find(Code::IdLost, message);
        } else if let Some(line) = last {
            let why = match &line.kind {
                LineKind::Log(reason) => reason.to_string(),
                LineKind::Ready | LineKind::Dropped(_) | LineKind::OutOfStep => String::new(),
            };
            let message = format!("it printed {}, which is no reply: {why}", line.shown());
            self.find(Code::NotJson, message);
        } else if unfinished > 0 {
            let message = match self.told.framing {
                Framing::Lines => format!("{unfinished} bytes came without a line end"),
                Framing::Length => {
                    format!("{unfinished} bytes came of a message that was not complete")
                }
            };
            self.find(Code::NoLineEnd, message);
        } else if let Some(number) = self.told.reply_fd.filter(|_| !self.is_about_errors()) {
            let message = format!("nothing came on descriptor {number} within {seconds} s{said}");
            self.find(Code::ReplyDescriptor, message);
        } else if self.is_about_errors() {
            let message = format!("it did not answer {} within {seconds} s{said}", exchange.event);
            self.find(Code::SilentError, message);
        } else if exchange.event_bytes > LARGE_BYTES {
            let read = if untouched { ", of which it read nothing" } else { "" };
            let message = format!(
                "it did not answer an event of {} bytes{read} within {seconds} s{said}",
                exchange.event_bytes
            );
            self.find(Code::LargeEvent, message);
        } else {
            let read = if untouched { ", of which it read nothing," } else { "" };
            let message =
                format!("it did not answer {}{read} within {seconds} s{said}", exchange.event);
            self.find(Code::NoReply, message);
        }
    }

    pub(super) fn lost_over(&mut self, exchange: &Exchange, lost: &Lost) {
        match lost {
            Lost::Exited { how, said } if self.is_about_errors() => {
                let message = format!("it ended over the event {}: {how}{said}", exchange.event);
                self.find(Code::DiesOfError, message);
            }
            Lost::Exited { how, said } if exchange.event_bytes > LARGE_BYTES => {
                let bytes = exchange.event_bytes;
                self.find(
                    Code::LargeEvent,
                    format!("it ended over an event of {bytes} bytes: {how}{said}"),
                );
            }
            Lost::Exited { how, said } => {
                let words: Vec<&Line> =
                    exchange.beside.iter().filter(|line| !line.is_blank()).collect();
                if let Some(line) = words.last().filter(|line| !line.is_json()) {
                    let line = line.shown();
                    self.find(Code::NotJson, format!("it printed {line} and ended: {how}{said}"));
                } else {
                    let message = format!("it ended before its reply: {how}{said}");
                    self.find(Code::Exited, message);
                }
            }
            Lost::NotStarted(_) | Lost::ClosedOutput | Lost::ClosedInput | Lost::Broken(_) => {
                self.lost(lost, "before its reply");
            }
        }
    }

    /// A handler that was lost in a way that means the same whenever it happens.
    pub(super) fn lost(&mut self, lost: &Lost, when: &str) {
        match lost {
            Lost::NotStarted(why) => self.find(Code::NotStarted, why.clone()),
            Lost::Exited { how, said } => {
                self.find(Code::Exited, format!("it ended {when}: {how}{said}"));
            }
            Lost::ClosedOutput => {
                self.find(Code::ClosedPipe, format!("it closed its output {when}, but goes on"));
            }
            Lost::ClosedInput => {
                self.find(Code::ClosedPipe, format!("it closed its input {when}, but goes on"));
            }
            Lost::Broken(error) => self.broken(error, when),
        }
    }

    pub(super) fn broken(&mut self, error: &FrameError, when: &str) {
        let code = match (error, self.told.framing) {
            (FrameError::TooLong { .. }, Framing::Lines) => Code::ReplyTooLarge,
            (FrameError::Truncated { .. }, Framing::Lines) => Code::NoLineEnd,
            (FrameError::Io(_), Framing::Lines) => Code::ClosedPipe,
            (_, Framing::Length) | (FrameError::TextForLength { .. }, Framing::Lines) => {
                Code::Framing
            }
        };
        self.find(code, format!("{error} ({when})"));
    }
}

fn is_one_value_together(lines: &[&Line]) -> bool {
    let lines: Vec<&[u8]> = lines.iter().map(|line| &*line.bytes).collect();
    json::one_value(&lines.join(&b'\n')).is_ok()
}
