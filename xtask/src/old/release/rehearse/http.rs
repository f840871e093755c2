//! The little of HTTP/1.1 that a proxy for one request a connection needs.

use std::io::{self, BufRead, Read, Write};

/// The most bytes that the head of a request may have.
const HEAD_LIMIT: u64 = 64 << 10;
/// The most bytes that its body may have: well over the largest package that registries take.
const BODY_LIMIT: u64 = 64 << 20;

/// A request, read whole.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    headers: Vec<String>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Reads one. `answers` is where a client that asks before it sends a body is told to go on.
    /// Nothing is what a connection holds that was closed unused.
    pub(super) fn read(
        from: &mut impl BufRead,
        answers: &mut impl Write,
    ) -> io::Result<Option<Self>> {
        let mut head = from.take(HEAD_LIMIT);
        let mut first = String::new();
        if head.read_line(&mut first)? == 0 {
            return Ok(None);
        }
        let mut words = first.split_whitespace().map(str::to_owned);
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            return Err(malformed("no request line"));
        };
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            if head.read_line(&mut line)? == 0 {
                return Err(malformed("a head without an end"));
            }
            match line.trim_end() {
                "" => break,
                header => headers.push(header.to_owned()),
            }
        }
        if value(&headers, "transfer-encoding").is_some() {
            return Err(malformed(
                "a body of unknown length, which cargo never sends",
            ));
        }
        if value(&headers, "expect").is_some() {
            answers.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            answers.flush()?;
        }
        let length = match value(&headers, "content-length") {
            Some(length) => length.parse().map_err(|_| malformed("an odd length"))?,
            None => 0,
        };
        if length > BODY_LIMIT {
            return Err(malformed("a body larger than any package"));
        }
        let mut body = Vec::new();
        from.take(length).read_to_end(&mut body)?;
        if u64::try_from(body.len()) != Ok(length) {
            return Err(malformed("a body cut short"));
        }
        Ok(Some(Self {
            method,
            path,
            headers,
            body,
        }))
    }

    /// Writes it as the last on its connection, so that the end of the connection is that of the
    /// response.
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        write!(to, "{} {} HTTP/1.1\r\n", self.method, self.path)?;
        for header in &self.headers {
            let name = name(header);
            if !["connection", "expect"]
                .iter()
                .any(|own| name.eq_ignore_ascii_case(own))
            {
                write!(to, "{header}\r\n")?;
            }
        }
        to.write_all(b"connection: close\r\n\r\n")?;
        to.write_all(&self.body)?;
        to.flush()
    }
}

/// The status that a response begins with.
pub(super) fn status(response: &[u8]) -> Option<u16> {
    let line = response.split(|byte| *byte == b'\r').next()?;
    let status = std::str::from_utf8(line).ok()?.split(' ').nth(1)?;
    status.parse().ok()
}

fn name(header: &str) -> &str {
    header.split(':').next().unwrap_or_default().trim()
}

fn value<'a>(headers: &'a [String], wanted: &str) -> Option<&'a str> {
    let header = headers
        .iter()
        .find(|header| name(header).eq_ignore_ascii_case(wanted))?;
    Some(header.split_once(':')?.1.trim())
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<Option<Request>> {
        Request::read(&mut text.as_bytes(), &mut Vec::new())
    }

    #[test]
    fn a_request_goes_on_as_it_came_but_as_the_last() {
        let came = "PUT /a?b HTTP/1.1\r\nHost: kite\r\nCONNECTION: keep-alive\r\n\
                    Content-Length: 3\r\n\r\nabcdef";
        let request = read(came).unwrap().unwrap();
        assert_eq!(request.body, b"abc");
        let mut goes = Vec::new();
        request.write(&mut goes).unwrap();
        let goes = String::from_utf8(goes).unwrap();
        assert_eq!(
            goes,
            "PUT /a?b HTTP/1.1\r\nHost: kite\r\nContent-Length: 3\r\nconnection: close\r\n\r\nabc"
        );
    }

    #[test]
    fn a_client_that_asks_first_is_told_to_go_on() {
        let mut answers = Vec::new();
        let mut came = "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\n\r\n".as_bytes();
        Request::read(&mut came, &mut answers).unwrap();
        assert_eq!(answers, b"HTTP/1.1 100 Continue\r\n\r\n");
    }

    #[test]
    fn what_is_no_request_is_an_error_and_nothing_is_nothing() {
        assert!(read("").unwrap().is_none());
        for text in [
            "PUT\r\n\r\n",
            "PUT /a HTTP/1.1\r\nHost: kite\r\n",
            "PUT /a HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
            "PUT /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "PUT /a HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_response_begins_with_its_status() {
        assert_eq!(status(b"HTTP/1.1 429 Too Many Requests\r\n\r\n"), Some(429));
        assert_eq!(status(b""), None);
        assert_eq!(status(b"HTTP/1.1\r\n"), None);
    }
}
