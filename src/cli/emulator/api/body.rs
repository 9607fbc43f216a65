//! The bodies of a runtime's posts: within their limits, or read to their end for nobody.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::HeaderMap;
use tokio::time;

use crate::cli::emulator::refusal::Refusal;
use crate::runtime_api::wire;

/// How long a refused body may take, how long it may pause, and how much of it is read.
const DISCARD_PAUSE: Duration = Duration::from_millis(500);
const DISCARD_TIME: Duration = Duration::from_secs(5);
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;

/// A body within the limit, and its trailers.
pub(super) async fn collect(
    body: &mut Incoming,
    time: Option<Duration>,
) -> Result<(Bytes, Option<HeaderMap>), Refusal> {
    match time {
        Some(time) => {
            time::timeout(time, collect_all(body)).await.unwrap_or(Err(Refusal::SlowHttpRequest))
        }
        None => collect_all(body).await,
    }
}

async fn collect_all(body: &mut Incoming) -> Result<(Bytes, Option<HeaderMap>), Refusal> {
    let limit = wire::MAX_PAYLOAD_BYTES;
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Refusal::RequestEntityTooLarge);
    }
    let mut bytes = Vec::with_capacity(announced);
    let mut trailers = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_cut| Refusal::TruncatedHttpRequest)?;
        match frame.into_data() {
            Ok(data) if bytes.len() + data.len() > limit => {
                return Err(Refusal::RequestEntityTooLarge);
            }
            Ok(data) => bytes.extend_from_slice(&data),
            Err(other) => trailers = other.into_trailers().ok(),
        }
    }
    Ok((Bytes::from(bytes), trailers))
}

/// Reads what is left of a refused body: many clients look at the answer only once they have sent all, and
/// would see a broken pipe instead.
pub(super) async fn discard(body: &mut Incoming) {
    let reading = async {
        let mut discarded = 0;
        while let Ok(Some(Ok(frame))) = time::timeout(DISCARD_PAUSE, body.frame()).await {
            discarded += frame.data_ref().map_or(0, Bytes::len);
            if discarded > MAX_DISCARDED_BYTES {
                break;
            }
        }
    };
    // Either way the answer goes out now; behind a body that is not at its end the connection is closed.
    drop(time::timeout(DISCARD_TIME, reading).await);
}
