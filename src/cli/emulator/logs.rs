//! What a runtime prints, line by line and as it comes.
//!
//! Both of its streams lead into one pipe, as in Lambda: only so do their lines stay in order.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, JoinHandle};
use tokio::time;

/// A longer line leaves in pieces, as CloudWatch cuts events.
const MAX_LINE_BYTES: usize = 256 * 1024;
/// What a pipe holds on Linux.
const PIPE_BYTES: usize = 64 * 1024;
/// How much is read at a time.  It may all be empty lines, so it is little enough to be printed in a moment.
const CHUNK_BYTES: usize = 16 * 1024;
/// How long a drain may take: a runtime that prints without end must not hold up an invocation.
const DRAIN_TIME: Duration = Duration::from_millis(100);

/// Where log lines go, without their line ends; those that came together, together.
pub type LogSink = Arc<dyn Fn(&[&[u8]]) + Send + Sync>;

/// The task that reads what a runtime prints.
pub struct Logs {
    drains: mpsc::Sender<oneshot::Sender<()>>,
    pump: JoinHandle<()>,
}

impl fmt::Debug for Logs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Logs").finish_non_exhaustive()
    }
}

impl Logs {
    /// Reads a pipe until it ends.
    ///
    /// # Errors
    /// Where the descriptor is not the reading end of a pipe.
    pub fn read(pipe: OwnedFd, sink: LogSink) -> io::Result<Self> {
        let stream = Stream::new(pipe)?;
        let (drains, asked) = mpsc::channel(1);
        let pump = tokio::spawn(pump(stream, sink, asked));
        Ok(Self { drains, pump })
    }

    /// Waits until what lies in the pipe now has reached the sink; at most 100 ms.
    pub async fn drain(&self) {
        let (done, drained) = oneshot::channel();
        let asking = async {
            // An error of either means that the pump has ended, and then nothing lies in the pipe.
            if self.drains.send(done).await.is_ok() {
                drop(drained.await);
            }
        };
        drop(time::timeout(DRAIN_TIME, asking).await);
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

async fn pump(mut stream: Stream, sink: LogSink, mut asked: mpsc::Receiver<oneshot::Sender<()>>) {
    while stream.open {
        tokio::select! {
            () = stream.fill() => {
                stream.emit(&sink);
                // A runtime that prints without end keeps the pipe full: whoever waits beside us, for an answer
                // or for the deadline, has a turn after each chunk.
                task::yield_now().await;
            }
            asked = asked.recv() => {
                stream.drain(&sink);
                match asked {
                    // The receiver may have given up waiting; the lines are out all the same.
                    Some(done) => drop(done.send(())),
                    None => return,
                }
            }
        }
    }
}

/// The pipe and its unfinished line.
struct Stream {
    pipe: pipe::Receiver,
    open: bool,
    held: Vec<u8>,
    /// Up to here `held` has no line end: it is searched once.
    searched: usize,
}

impl Stream {
    fn new(descriptor: OwnedFd) -> io::Result<Self> {
        let pipe = pipe::Receiver::from_owned_fd(descriptor)?;
        Ok(Self { pipe, open: true, held: Vec::new(), searched: 0 })
    }

    /// Cancel safe: bytes are either still in the pipe or held.
    async fn fill(&mut self) {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let read = self.pipe.read_buf(&mut chunk).await;
        self.open = read.is_ok_and(|bytes| bytes > 0);
        self.held.append(&mut chunk);
    }

    fn drain(&mut self, sink: &LogSink) {
        // As much as the pipe holds, and no more: a writer that never stops must not keep us here.
        for _ in 0..PIPE_BYTES / CHUNK_BYTES {
            let mut chunk = vec![0; CHUNK_BYTES];
            match self.pipe.try_read(&mut chunk) {
                Ok(bytes) if bytes > 0 => {
                    chunk.truncate(bytes);
                    self.held.append(&mut chunk);
                }
                Ok(_) | Err(_) => break,
            }
            self.emit(sink);
        }
    }

    fn emit(&mut self, sink: &LogSink) {
        let mut lines = Vec::new();
        let mut start = 0;
        while let Some(length) = self.line_end(start) {
            let line = self.held.get(start..start + length).unwrap_or_default();
            lines.push(line.strip_suffix(b"\r").unwrap_or(line));
            start += length + 1;
        }
        let rest = self.held.get(start..).unwrap_or_default();
        if rest.len() >= MAX_LINE_BYTES || !self.open && !rest.is_empty() {
            lines.push(rest);
            start = self.held.len();
        }
        if !lines.is_empty() {
            sink(&lines);
        }
        self.held.drain(..start);
        self.searched = self.held.len();
    }

    fn line_end(&self, start: usize) -> Option<usize> {
        let from = self.searched.max(start);
        let found = memchr::memchr(b'\n', self.held.get(from..)?)?;
        Some(from + found - start)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;

    use super::*;

    fn lines_of(write: impl FnOnce(&mut io::PipeWriter) + Send + 'static) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (pipe, mut out) = io::pipe().expect("a pipe");
            let lines = Arc::new(Mutex::new(Vec::new()));
            let heard = Arc::clone(&lines);
            let sink: LogSink = Arc::new(move |lines| {
                let lines = lines.iter().map(|line| String::from_utf8_lossy(line).into_owned());
                heard.lock().expect("not poisoned").extend(lines);
            });
            let mut logs = Logs::read(pipe.into(), sink).expect("readable");
            let writer = std::thread::spawn(move || write(&mut out));
            (&mut logs.pump).await.expect("the pump ends with its pipe");
            writer.join().expect("written");
            let lines = lines.lock().expect("not poisoned");
            lines.clone()
        })
    }

    #[test]
    fn lines_come_out_whole_and_the_last_one_needs_no_end() {
        let lines = lines_of(|out| out.write_all(b"one\ntwo\r\n\nlast").expect("written"));
        assert_eq!(lines, ["one", "two", "", "last"]);
    }

    #[test]
    fn whoever_prints_without_end_does_not_stop_the_clock() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (pipe, mut out) = io::pipe().expect("a pipe");
            let sink: LogSink = Arc::new(|lines| {
                // A slow terminal.
                std::thread::sleep(Duration::from_micros(lines.len() as u64 / 10));
            });
            let logs = Logs::read(pipe.into(), sink).expect("readable");
            let writer = std::thread::spawn(move || while out.write_all(&[b'\n'; 4096]).is_ok() {});
            let begun = time::Instant::now();
            for _ in 0..5 {
                time::sleep(Duration::from_millis(20)).await;
                logs.drain().await;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
            drop(logs);
            // The pump's end of the pipe goes with its task.
            task::yield_now().await;
            writer.join().expect("the writer ends with its reader");
        });
    }

    #[test]
    fn an_endless_line_leaves_in_pieces() {
        let lines = lines_of(|out| out.write_all(&vec![b'x'; 600 * 1024]).expect("written"));
        assert_eq!(lines.iter().map(String::len).sum::<usize>(), 600 * 1024);
        assert!(lines.iter().all(|line| line.len() <= MAX_LINE_BYTES + CHUNK_BYTES));
    }
}
