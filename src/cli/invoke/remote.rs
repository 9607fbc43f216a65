//! `lambda-stdio invoke --remote URL`: events for a function that is served elsewhere, by Lambda's Invoke API:
//! AWS's emulator in a container, cargo-lambda, or another of our own.

use std::time::Duration;

use anyhow::{Context, bail};
use ureq::Agent;
use ureq::http::Uri;

use super::events::Events;
use crate::cli::Exit;
use crate::cli::ui::{self, Reader, Ui};

/// Where an Invoke API is asked if the URL names no path: the one name that AWS's emulator knows.
const INVOKE_PATH: &str = "/2015-03-31/functions/function/invocations";
/// Lambda's longest timeout, and a moment for the way.
const TIME: Duration = Duration::from_secs(905);
/// A streamed response may be so long.
const MAX_BYTES: u64 = 200 * 1024 * 1024;
/// Set by Lambda where the body is the function's error.
const FUNCTION_ERROR: &str = "x-amz-function-error";

/// Where a remote function is invoked.
///
/// # Errors
/// When the text is no URL that can be asked from here.
pub fn parse_url(text: &str) -> Result<Uri, String> {
    let has_scheme = text.contains("://");
    let whole = if has_scheme { text.to_owned() } else { format!("http://{text}") };
    let url: Uri = whole.parse().map_err(|error| format!("it is no URL: {error}"))?;
    if url.scheme_str() != Some("http") {
        return Err("only http:// is spoken here; for a deployed function use `aws lambda invoke`"
            .to_owned());
    }
    if url.host().is_none_or(str::is_empty) {
        return Err("it names no host; as in http://127.0.0.1:9000".to_owned());
    }
    if !matches!(url.path(), "" | "/") {
        return Ok(url);
    }
    let with_path = format!("{}{INVOKE_PATH}", whole.trim_end_matches('/'));
    with_path.parse().map_err(|error| format!("it is no URL: {error}"))
}

/// Sends all events and prints what comes back.
///
/// # Errors
/// For an event that cannot be read, and where nobody answers.
pub fn run(url: &Uri, mut events: Events, repeat: u32, ui: Ui) -> anyhow::Result<Exit> {
    let agent: Agent = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(TIME))
        .build()
        .into();
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let executor = executor.context("this machine gives no event queue (epoll)")?;
    let mut worst = Exit::Done;
    while let Some(event) = executor.block_on(events.next())? {
        for _ in 0..repeat {
            let exit = invoke(&agent, url, &event, ui)?;
            match exit {
                None => return Ok(worst),
                Some(exit) if exit.code() > worst.code() => worst = exit,
                Some(_) => (),
            }
        }
    }
    Ok(worst)
}

/// One invocation; none where nobody reads what it said.
fn invoke(agent: &Agent, url: &Uri, event: &[u8], ui: Ui) -> anyhow::Result<Option<Exit>> {
    let request = agent.post(url.clone()).content_type("application/json");
    let mut response = request
        .send(event)
        .with_context(|| format!("{url} does not answer; is a function served there?"))?;
    let status = response.status();
    let error = response.headers().get(FUNCTION_ERROR).is_some();
    let body = response.body_mut().with_config().limit(MAX_BYTES).read_to_vec();
    let body = body.with_context(|| format!("{url} broke off in its answer"))?;
    if status.is_redirection() {
        bail!("{url} answers {status}: nothing was sent on; give the URL that it names");
    }
    if matches!(ui::print(&[&body[..], b"\n"].concat())?, Reader::Gone) {
        return Ok(None);
    }
    if !status.is_success() {
        ui.error(&format!("{url} answered {status}"));
        return Ok(Some(Exit::FunctionError));
    }
    if error {
        ui.error("the function answered with an error");
        return Ok(Some(Exit::FunctionError));
    }
    Ok(Some(Exit::Done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_be_short() {
        let whole = "http://127.0.0.1:9000/2015-03-31/functions/function/invocations";
        for text in ["127.0.0.1:9000", "http://127.0.0.1:9000", "http://127.0.0.1:9000/"] {
            assert_eq!(parse_url(text).expect(text).to_string(), whole);
        }
        let other = "http://h:1/2015-03-31/functions/mine/invocations";
        assert_eq!(parse_url(other).expect(other).to_string(), other);
    }

    #[test]
    fn what_is_no_url_is_refused_with_its_reason() {
        for (text, reason) in [
            ("https://x.lambda-url.eu-west-1.on.aws", "only http://"),
            ("ftp://h", "only http://"),
            ("", "it is no URL"),
            ("http://", "it is no URL"),
            ("a b", "it is no URL"),
        ] {
            let said = parse_url(text).expect_err(text);
            assert!(said.starts_with(reason), "{text}: {said}");
        }
    }
}
