//! Who may talk to a server on a developer's machine: programs, not web pages.  Values only.
//!
//! A page in the developer's browser can send requests to loopback addresses, directly or after its
//! host name was rebound to 127.0.0.1.  The one names itself in `Origin`, the other in `Host`.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};

use super::refusal::Refusal;

/// Whether a request may be served, judged by its head alone, before its body is read.
///
/// # Errors
/// For any host but this machine, and for whatever a web page sent.
pub fn admit(authority: Option<&str>, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().and_then(as_text).ok_or(Refusal::ForeignHost)?;
    if hosts.next().is_some() || !is_loopback(host) {
        return Err(Refusal::ForeignHost);
    }
    if authority.is_some_and(|authority| !is_loopback(authority)) {
        return Err(Refusal::ForeignHost);
    }
    if headers.contains_key(ORIGIN) {
        return Err(Refusal::ForeignOrigin);
    }
    // Browsers say `none` for what the user typed and send no Origin with it; nothing typed is a runtime.
    if headers.contains_key("sec-fetch-site") {
        return Err(Refusal::ForeignOrigin);
    }
    Ok(())
}

fn as_text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

/// Whether `host[:port]` names this machine: `localhost` or a loopback address in its usual form.
fn is_loopback(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) => {
                return name.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
                    && is_port_or_nothing(port);
            }
            None => return false,
        },
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_this_machine = name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    is_this_machine && is_port_or_nothing(port)
}

fn is_port_or_nothing(port: &str) -> bool {
    port.is_empty()
        || port.strip_prefix(':').is_some_and(|digits| {
            digits.bytes().all(|digit| digit.is_ascii_digit()) && digits.parse::<u16>().is_ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(headers: &[(&'static str, &str)]) -> Result<(), Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect("a header's value"));
        }
        admit(None, &map)
    }

    #[test]
    fn this_machine_by_its_usual_names_is_served() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9001",
            "127.1.2.3:80",
            "localhost",
            "LocalHost:65535",
            "[::1]",
            "[::1]:9001",
        ] {
            assert_eq!(judge(&[("host", host)]), Ok(()), "{host}");
        }
    }

    #[test]
    fn other_hosts_are_not_served_however_they_are_spelled() {
        for host in [
            "",
            "example.com",
            "evil.localhost.com",
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "localhost.",
            "localhost@evil.com",
            "evil@localhost",
            "evil.com:80",
            "0.0.0.0",
            "192.168.0.1",
            "10.0.0.1:9001",
            "169.254.100.1:9001",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "127.0.0.01",
            "[::]",
            "[::ffff:127.0.0.1]",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "localhost:",
            "localhost:x",
            "localhost:65536",
            "localhost:80:80",
            "localhost:+80",
            "localhost /",
            "127.0.0.1, evil.com",
            "metadata.google.internal",
            "xn--localhost-",
        ] {
            assert_eq!(judge(&[("host", host)]), Err(Refusal::ForeignHost), "{host}");
        }
        assert_eq!(judge(&[]), Err(Refusal::ForeignHost));
        let two = [("host", "localhost"), ("host", "evil.com")];
        assert_eq!(judge(&two), Err(Refusal::ForeignHost));
        let mut map = HeaderMap::new();
        map.append(HOST, HeaderValue::from_static("localhost"));
        assert_eq!(admit(Some("evil.com"), &map), Err(Refusal::ForeignHost));
    }

    #[test]
    fn web_pages_are_not_served() {
        for header in [
            ("origin", "http://evil.com"),
            ("origin", "null"),
            ("origin", "http://localhost:3000"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "none"),
        ] {
            let headers = [("host", "localhost"), header];
            assert_eq!(judge(&headers), Err(Refusal::ForeignOrigin), "{header:?}");
        }
    }
}
