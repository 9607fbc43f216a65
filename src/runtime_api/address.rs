//! Where the Runtime API is: the value of `AWS_LAMBDA_RUNTIME_API` to the beginning of its URLs.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use super::http::RequestHead;

/// One token: Lambda takes the first word as the runtime's name and version.
const USER_AGENT: &str = concat!("lambda-stdio/", env!("CARGO_PKG_VERSION"));

/// Where the Runtime API is: host and port, and a path where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    authority: String,
    path: String,
}

/// What is wrong with an address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("AWS_LAMBDA_RUNTIME_API is {value:?}: {reason}; allowed is HOST:PORT, as 127.0.0.1:9001")]
pub struct AddressError {
    value: String,
    reason: &'static str,
}

impl Address {
    /// Lambda says `host:port`; local tools put a scheme before it and a path behind it.
    ///
    /// # Errors
    /// When there is no host or port, or another scheme than http.
    pub fn parse(value: &str) -> Result<Self, AddressError> {
        let refuse = |reason| Err(AddressError { value: value.to_owned(), reason });
        let rest = match value.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return refuse("the Runtime API speaks plain http"),
            None => value,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let odd = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'@' | b'?' | b'#' | b'\\');
        if rest.bytes().any(odd) {
            return refuse("it holds characters that no address has");
        }
        let Some((host, port)) = authority.rsplit_once(':') else {
            return refuse("it names no port");
        };
        if port.parse::<u16>().map_or(true, |port| port == 0) {
            return refuse("its port is no number from 1 to 65535");
        }
        if host.is_empty()
            || (host.contains(':') && !(host.starts_with('[') && host.ends_with(']')))
        {
            return refuse("it names no host (an IPv6 address stands in brackets)");
        }
        Ok(Self { authority: authority.to_owned(), path: path.trim_end_matches('/').to_owned() })
    }

    /// The head of a request to the Runtime API; its path is given in pieces.
    pub(super) fn request(&self, method: &str, path: &[&str]) -> RequestHead {
        let whole: Vec<&str> = [self.path.as_str()].iter().chain(path).copied().collect();
        RequestHead::new(method, &whole, &self.authority).field("User-Agent", USER_AGENT)
    }

    /// The addresses behind the name, or the one it is.
    pub(super) fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(self.authority.to_socket_addrs()?.collect())
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "http://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_is_understood() {
        for (value, url) in [
            ("127.0.0.1:9001", "http://127.0.0.1:9001/x"),
            ("169.254.100.1:9001", "http://169.254.100.1:9001/x"),
            ("http://127.0.0.1:9000/.rt", "http://127.0.0.1:9000/.rt/x"),
            ("HTTP://localhost:9000/", "http://localhost:9000/x"),
            ("localhost:9000/.rt/fn/", "http://localhost:9000/.rt/fn/x"),
            ("[::1]:9001", "http://[::1]:9001/x"),
        ] {
            let address = Address::parse(value).expect("an address");
            assert_eq!(format!("{address}/x"), url);
            let head = address.request("GET", &["/x", "/y"]).finish();
            let (host, path) = (&address.authority, &address.path);
            let line = format!("GET {path}/x/y HTTP/1.1\r\nHost: {host}\r\n");
            assert!(head.starts_with(line.as_bytes()), "{value}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        for (value, reason) in [
            ("", "it names no port"),
            ("127.0.0.1", "it names no port"),
            ("127.0.0.1:", "its port is no number"),
            ("127.0.0.1:99999", "its port is no number"),
            ("127.0.0.1:0", "its port is no number"),
            (":9001", "it names no host"),
            ("::1:9001", "it names no host"),
            ("https://127.0.0.1:9001", "the Runtime API speaks plain http"),
            ("user@127.0.0.1:9001", "characters that no address has"),
            ("127.0.0.1:9001/a b", "characters that no address has"),
        ] {
            let said = Address::parse(value).expect_err("refused").to_string();
            assert!(said.contains(reason) && said.contains("HOST:PORT"), "{value}: {said}");
        }
    }
}
