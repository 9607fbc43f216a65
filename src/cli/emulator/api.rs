//! The Runtime API over HTTP: which path is which, and the desk's words as statuses.  The sockets are the server's; what is allowed when is the lifecycle's.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, EXPECT, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Method, Request, Response, StatusCode};

mod body;
mod said;

use super::desk::{Answer, Delivery, Desk};
use super::guard;
use super::lifecycle::AnswerKind;
use super::refusal::Refusal;
use crate::runtime_api::wire;

/// How long a buffered body may take.  A streamed one may take as long as its invocation.
const BODY_TIME: Duration = Duration::from_secs(30);

type Reply = Response<Full<Bytes>>;

/// Answers one request of the runtime.
pub async fn handle(desk: &Desk, request: Request<Incoming>) -> Reply {
    let (head, mut body) = request.into_parts();
    match serve(desk, &head, &mut body).await {
        Ok(reply) => reply,
        Err(refusal) => {
            // A client that asked first (Expect) has sent nothing yet, and learns here that it need not.
            if refusal.is_heard_behind_the_body() && !head.headers.contains_key(EXPECT) {
                body::discard(&mut body).await;
            }
            refuse(refusal)
        }
    }
}

async fn serve(desk: &Desk, head: &Parts, body: &mut Incoming) -> Result<Reply, Refusal> {
    let headers = &head.headers;
    guard::admit(head.uri.authority().map(Authority::as_str), headers)?;
    match Route::of(&head.method, head.uri.path())? {
        Route::Ping => Ok(Response::new(Full::from("pong"))),
        Route::Next => next(desk).await,
        Route::InitError => {
            let (body, _) = body::collect(body, Some(BODY_TIME)).await?;
            desk.init_error(said::error_report(headers, body))?;
            Ok(accepted())
        }
        Route::Response(id) => {
            let streamed = is_streaming(headers)?;
            desk.begin(AnswerKind::Response, &id, invocation_id(headers))?;
            answer(desk, headers, body, Some(streamed)).await
        }
        Route::Error(id) => {
            desk.begin(AnswerKind::Error, &id, invocation_id(headers))?;
            answer(desk, headers, body, None).await
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
    headers: &HeaderMap,
    body: &mut Incoming,
    streamed: Option<bool>,
) -> Result<Reply, Refusal> {
    let time = (streamed != Some(true)).then_some(BODY_TIME);
    let collected = body::collect(body, time).await;
    let (answer, reply) = match (collected, streamed) {
        (Ok((body, trailers)), Some(streamed)) => (
            Answer::Response(said::response(headers, body, streamed, trailers.as_ref())),
            Ok(accepted()),
        ),
        (Ok((body, _)), None) => (Answer::Error(said::error_report(headers, body)), Ok(accepted())),
        (Err(Refusal::RequestEntityTooLarge), _) => {
            let announced = said::number_of_bytes(headers);
            (Answer::Error(said::too_large(announced)), Err(Refusal::RequestEntityTooLarge))
        }
        (Err(refusal), _) => (Answer::Error(said::truncated()), Err(refusal)),
    };
    desk.finish(answer);
    reply
}

fn is_streaming(headers: &HeaderMap) -> Result<bool, Refusal> {
    match headers.get(wire::RESPONSE_MODE).map(HeaderValue::as_bytes) {
        None | Some(b"") => Ok(false),
        Some(b"streaming") => Ok(true),
        Some(_) => Err(Refusal::InvalidFunctionResponseMode),
    }
}

fn invocation_id(headers: &HeaderMap) -> Option<&str> {
    said::text(headers, wire::INVOCATION_ID)
}

fn accepted() -> Reply {
    json(StatusCode::ACCEPTED, "{\"status\":\"OK\"}\n".to_owned())
}

fn refuse(refusal: Refusal) -> Reply {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut reply = json(status, refusal.to_json());
    // What must not be here does not keep a connection: they are limited in number.
    if refusal.is_foreign() {
        reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

fn json(status: StatusCode, body: String) -> Reply {
    let mut reply = Response::new(Full::from(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
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
}
