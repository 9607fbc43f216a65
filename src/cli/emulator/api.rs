//! The Runtime API over HTTP: which path is which, bodies within their limits, the desk's words as
//! statuses.  The sockets are the server's; what is allowed when is the lifecycle's.

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time;

use super::desk::{Answer, Delivery, Desk, ErrorReport, FunctionResponse, StreamError};
use super::guard;
use super::lifecycle::AnswerKind;
use super::refusal::Refusal;
use crate::runtime_api::wire;

/// How long a buffered body may take.  A streamed one may take as long as its invocation.
const BODY_TIME: Duration = Duration::from_secs(30);

type Reply = Response<Full<Bytes>>;

/// Answers one request of the runtime.
pub async fn handle(desk: &Desk, request: Request<Incoming>) -> Reply {
    serve(desk, request).await.unwrap_or_else(refuse)
}

async fn serve(desk: &Desk, request: Request<Incoming>) -> Result<Reply, Refusal> {
    guard::admit(
        request.uri().authority().map(hyper::http::uri::Authority::as_str),
        request.headers(),
    )?;
    let route = Route::of(request.method(), request.uri().path())?;
    match route {
        Route::Ping => Ok(Response::new(Full::from("pong"))),
        Route::Next => next(desk).await,
        Route::InitError => {
            let headers = request.headers().clone();
            let (body, _) = collect(request.into_body(), Some(BODY_TIME)).await?;
            desk.init_error(error_report(&headers, body))?;
            Ok(accepted())
        }
        Route::Response(id) => {
            let streamed = is_streaming(request.headers())?;
            desk.begin(AnswerKind::Response, &id, invocation_id(request.headers()))?;
            answer(desk, request, Some(streamed)).await
        }
        Route::Error(id) => {
            desk.begin(AnswerKind::Error, &id, invocation_id(request.headers()))?;
            answer(desk, request, None).await
        }
    }
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    Ping,
    Next,
    InitError,
    Response(String),
    Error(String),
}

impl Route {
    fn of(method: &Method, path: &str) -> Result<Self, Refusal> {
        let (expected, route) = match path {
            "/ping" => (Method::GET, Self::Ping),
            wire::NEXT_PATH => (Method::GET, Self::Next),
            wire::INIT_ERROR_PATH => (Method::POST, Self::InitError),
            _ => {
                let rest = path.strip_prefix(wire::INVOCATION_PREFIX).ok_or(Refusal::NotFound)?;
                let (id, what) = rest.split_at(rest.find('/').ok_or(Refusal::NotFound)?);
                let route = match what {
                    wire::RESPONSE_SUFFIX => Self::Response(id.to_owned()),
                    wire::ERROR_SUFFIX => Self::Error(id.to_owned()),
                    _ => return Err(Refusal::NotFound),
                };
                (Method::POST, route)
            }
        };
        if *method == expected { Ok(route) } else { Err(Refusal::MethodNotAllowed) }
    }
}

async fn next(desk: &Desk) -> Result<Reply, Refusal> {
    let (delivery, invocation_id) = desk.next().await?;
    let mut reply = Response::builder().header(CONTENT_TYPE, "application/json");
    for (name, value) in headers_of(&delivery, &invocation_id) {
        reply = reply.header(name, value.as_bytes());
    }
    let reply = reply.body(Full::new(delivery.event.clone()));
    Ok(reply.expect("the front door refuses values that no header can carry"))
}

fn headers_of(delivery: &Delivery, invocation_id: &str) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        (wire::REQUEST_ID, delivery.request_id.clone()),
        (wire::DEADLINE_MS, delivery.deadline_ms.to_string()),
        (wire::INVOKED_FUNCTION_ARN, delivery.function_arn.clone()),
        (wire::INVOCATION_ID, invocation_id.to_owned()),
    ];
    let optional = [
        (wire::TRACE_ID, &delivery.trace_id),
        (wire::CLIENT_CONTEXT, &delivery.client_context),
        (wire::COGNITO_IDENTITY, &delivery.cognito_identity),
        (wire::TENANT_ID, &delivery.tenant_id),
    ];
    for (name, value) in optional {
        headers.extend(value.clone().map(|value| (name, value)));
    }
    headers
}

/// Takes in the body of an answer whose head was granted; `streamed` is none for an error.
///
/// Whatever becomes of the body, the invocation has its outcome: a body over the limit is Lambda's own
/// error for the caller, and one that breaks off is a truncated response.
async fn answer(
    desk: &Desk,
    request: Request<Incoming>,
    streamed: Option<bool>,
) -> Result<Reply, Refusal> {
    let headers = request.headers().clone();
    let announced = number_of_bytes(&headers);
    let time = (streamed != Some(true)).then_some(BODY_TIME);
    let collected = collect(request.into_body(), time).await;
    let (answer, reply) = match (collected, streamed) {
        (Ok((body, trailers)), Some(streamed)) => (
            Answer::Response(response(&headers, body, streamed, trailers.as_ref())),
            Ok(accepted()),
        ),
        (Ok((body, _)), None) => (Answer::Error(error_report(&headers, body)), Ok(accepted())),
        (Err(Refusal::RequestEntityTooLarge), _) => {
            (Answer::Error(too_large(announced)), Err(Refusal::RequestEntityTooLarge))
        }
        (Err(refusal), _) => (Answer::Error(truncated()), Err(refusal)),
    };
    desk.finish(answer);
    reply
}

fn response(
    headers: &HeaderMap,
    body: Bytes,
    streamed: bool,
    trailers: Option<&HeaderMap>,
) -> FunctionResponse {
    let stream_error = trailers.and_then(|trailers| {
        Some(StreamError {
            error_type: text(trailers, wire::ERROR_TYPE)?.to_owned(),
            body_base64: text(trailers, wire::ERROR_BODY).unwrap_or_default().to_owned(),
        })
    });
    let content_type = text(headers, CONTENT_TYPE.as_str()).map(str::to_owned);
    FunctionResponse { body, content_type, streamed, stream_error }
}

fn error_report(headers: &HeaderMap, body: Bytes) -> ErrorReport {
    let posted = text(headers, wire::ERROR_TYPE).unwrap_or_default();
    let error_type = as_lambda_reads_it(posted);
    if !body.is_empty() {
        return ErrorReport { error_type, body };
    }
    let stand_in = serde_json::json!({ "errorType": error_type, "errorMessage": "" });
    ErrorReport { error_type, body: Bytes::from(stand_in.to_string()) }
}

/// The error type as it ends in logs: the emulator of AWS looks for the pattern anywhere in the header.
fn as_lambda_reads_it(posted: &str) -> String {
    let is_known = ["Runtime.", "Function."].iter().any(|prefix| {
        posted.match_indices(prefix).any(|(at, _)| {
            let mut reason = posted.bytes().skip(at + prefix.len());
            reason.next().is_some_and(|first| first.is_ascii_uppercase())
                && reason.next().is_some_and(|second| second.is_ascii_alphabetic())
        })
    });
    if is_known {
        posted.to_owned()
    } else if posted.starts_with("Function.") {
        "Function.Unknown".to_owned()
    } else {
        "Runtime.Unknown".to_owned()
    }
}

fn too_large(announced: Option<u64>) -> ErrorReport {
    let limit = wire::MAX_PAYLOAD_BYTES;
    // Without an announced length nobody counted further than the limit.
    let size = announced.map_or_else(|| format!("more than {limit}"), |bytes| bytes.to_string());
    let error_type = "Function.ResponseSizeTooLarge";
    let message = format!(
        "Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes)."
    );
    let body = serde_json::json!({ "errorType": error_type, "errorMessage": message });
    ErrorReport { error_type: error_type.to_owned(), body: Bytes::from(body.to_string()) }
}

fn truncated() -> ErrorReport {
    let error_type = "Runtime.TruncatedResponse";
    let body = serde_json::json!({
        "errorType": error_type,
        "errorMessage": "the runtime's answer broke off before its end",
    });
    ErrorReport { error_type: error_type.to_owned(), body: Bytes::from(body.to_string()) }
}

/// A body within the limit, and its trailers.
async fn collect(
    body: Incoming,
    time: Option<Duration>,
) -> Result<(Bytes, Option<HeaderMap>), Refusal> {
    match time {
        Some(time) => {
            time::timeout(time, collect_all(body)).await.unwrap_or(Err(Refusal::SlowHttpRequest))
        }
        None => collect_all(body).await,
    }
}

async fn collect_all(mut body: Incoming) -> Result<(Bytes, Option<HeaderMap>), Refusal> {
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

fn is_streaming(headers: &HeaderMap) -> Result<bool, Refusal> {
    match headers.get(wire::RESPONSE_MODE).map(hyper::header::HeaderValue::as_bytes) {
        None | Some(b"") => Ok(false),
        Some(b"streaming") => Ok(true),
        Some(_) => Err(Refusal::InvalidFunctionResponseMode),
    }
}

fn invocation_id(headers: &HeaderMap) -> Option<&str> {
    text(headers, wire::INVOCATION_ID)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn number_of_bytes(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH.as_str())?.parse().ok()
}

fn accepted() -> Reply {
    json(StatusCode::ACCEPTED, "{\"status\":\"OK\"}\n".to_owned())
}

fn refuse(refusal: Refusal) -> Reply {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    json(status, refusal.to_json())
}

fn json(status: StatusCode, body: String) -> Reply {
    let mut reply = Response::new(Full::from(body));
    *reply.status_mut() = status;
    let name: HeaderName = CONTENT_TYPE;
    reply.headers_mut().insert(name, hyper::header::HeaderValue::from_static("application/json"));
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_the_documentation_says() {
        let route = |method: &Method, path: &str| Route::of(method, path);
        assert_eq!(route(&Method::GET, "/ping"), Ok(Route::Ping));
        assert_eq!(route(&Method::GET, "/2018-06-01/runtime/invocation/next"), Ok(Route::Next));
        assert_eq!(route(&Method::POST, "/2018-06-01/runtime/init/error"), Ok(Route::InitError));
        assert_eq!(
            route(&Method::POST, "/2018-06-01/runtime/invocation/a-1/response"),
            Ok(Route::Response("a-1".to_owned()))
        );
        assert_eq!(
            route(&Method::POST, "/2018-06-01/runtime/invocation/a-1/error"),
            Ok(Route::Error("a-1".to_owned()))
        );
        assert_eq!(route(&Method::POST, wire::NEXT_PATH), Err(Refusal::MethodNotAllowed));
        assert_eq!(
            route(&Method::GET, "/2018-06-01/runtime/invocation/a/response"),
            Err(Refusal::MethodNotAllowed)
        );
        for nowhere in
            ["/", "/2018-06-01/runtime/restore/next", "/2018-06-01/runtime/invocation/a/b/c"]
        {
            assert_eq!(route(&Method::GET, nowhere), Err(Refusal::NotFound), "{nowhere}");
        }
    }

    #[test]
    fn error_types_end_in_logs_as_lambda_reads_them() {
        for (posted, read) in [
            ("Runtime.HandlerExited", "Runtime.HandlerExited"),
            ("Function.Error", "Function.Error"),
            ("Some.Runtime.Thing", "Some.Runtime.Thing"),
            ("unhandled", "Runtime.Unknown"),
            ("", "Runtime.Unknown"),
            ("Function.x", "Function.Unknown"),
            ("Runtime.x", "Runtime.Unknown"),
        ] {
            assert_eq!(as_lambda_reads_it(posted), read, "{posted}");
        }
    }
}
