//! One connection to the scripted Lambda: what is asked, and what is answered.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex};
use std::time::Instant;

use super::{Answer, CUT, Delivery, REMEMBERED, SWALLOWED, State};

/// One connection: requests one after another, until it ends.
pub(super) fn serve(stream: TcpStream, shared: &(Mutex<State>, Condvar)) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some((head, length)) = read_head(&mut reader) {
        let at = Instant::now();
        let cut = if length > 0 { shared.0.lock().unwrap().cuts.pop_front() } else { None };
        let Some(body) = read_body(&mut reader, cut.unwrap_or(length).min(length)) else { return };
        if cut.is_some() {
            drop(writer.shutdown(Shutdown::Both));
            return;
        }
        let first = head.lines().next().unwrap_or_default().to_owned();
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        if first.starts_with("GET ") && path.ends_with("/2018-06-01/runtime/invocation/next") {
            let Some(delivery) = wait_for_delivery(shared, head, at) else { return };
            if !write_and_stay(&delivery, &mut writer, shared) {
                return;
            }
        } else {
            let (status, answer) = record_answer(shared, &path, &head, body, at);
            if let Some(answer) = answer {
                if !write_and_stay(&answer, &mut writer, shared) {
                    return;
                }
                continue;
            }
            if status == CUT {
                drop(writer.shutdown(Shutdown::Both));
                return;
            }
            if status == SWALLOWED {
                continue;
            }
            let text =
                if status == 202 { "{\"status\":\"OK\"}\n" } else { "{\"errorType\":\"X\"}" };
            let response =
                format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{text}", text.len());
            if writer.write_all(response.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// Writes what was delivered; whether the connection goes on.
fn write_and_stay(
    delivery: &Delivery,
    writer: &mut TcpStream,
    shared: &(Mutex<State>, Condvar),
) -> bool {
    if delivery.write_to(writer).is_err() {
        return false;
    }
    if delivery.stalls {
        wait_for_the_end(shared);
    }
    if delivery.raw.is_some() {
        drop(writer.shutdown(Shutdown::Both));
    }
    delivery.raw.is_none()
}

fn wait_for_delivery(
    shared: &(Mutex<State>, Condvar),
    head: String,
    at: Instant,
) -> Option<Delivery> {
    let mut state = shared.0.lock().unwrap();
    if state.nexts.len() == REMEMBERED {
        state.nexts.clear();
        state.next_heads.clear();
    }
    state.nexts.push(at);
    state.next_heads.push(head);
    state.waiting = state.deliveries.is_empty();
    shared.1.notify_all();
    loop {
        if state.ended {
            return None;
        }
        if let Some(delivery) = state.deliveries.pop_front() {
            state.waiting = false;
            return Some(delivery);
        }
        state = shared.1.wait(state).unwrap();
    }
}

fn record_answer(
    shared: &(Mutex<State>, Condvar),
    path: &str,
    head: &str,
    body: Vec<u8>,
    at: Instant,
) -> (u16, Option<Delivery>) {
    let mut parts = path.rsplit('/');
    let (last, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (kind, request_id) = match (last, path.ends_with("/2018-06-01/runtime/init/error")) {
        (_, true) => ("init error", ""),
        ("response", false) => ("response", id),
        ("error", false) => ("error", id),
        _ => panic!("unknown path {path}"),
    };
    let headers = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut state = shared.0.lock().unwrap();
    state.answers.push_back(Answer { kind, request_id: request_id.to_owned(), body, headers, at });
    shared.1.notify_all();
    (state.statuses.pop_front().unwrap_or(202), state.post_answers.pop_front())
}

/// The head of a request, without its last empty line, and the length of its body.
fn read_head(reader: &mut BufReader<TcpStream>) -> Option<(String, usize)> {
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            return Some((head, length));
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
}

fn read_body(reader: &mut BufReader<TcpStream>, length: usize) -> Option<Vec<u8>> {
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

fn wait_for_the_end(shared: &(Mutex<State>, Condvar)) {
    let mut state = shared.0.lock().unwrap();
    while !state.ended {
        state = shared.1.wait(state).unwrap();
    }
}
