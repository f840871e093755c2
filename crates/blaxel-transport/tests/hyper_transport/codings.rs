//! The content codings that are asked for, with and without the feature `gzip`.

use blaxel_core::HttpService;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};

use crate::server::{Server, response};
use crate::{RUN, builder, described, plain, text};

#[tokio::test]
async fn every_request_asks_for_codings_that_can_be_read() {
    let server = Server::responding(response("yes")).await;
    for request in [plain(&server.url()), described(&RUN, &server.url())] {
        text(&builder().build(), request).await.unwrap();
    }
    let lines = server.log.lines();
    let asked = |codings: &str| {
        let line = format!("accept-encoding: {codings}\r\n");
        lines.iter().filter(|head| head.contains(&line)).count()
    };
    let gzip = usize::from(cfg!(feature = "gzip"));
    assert_eq!((asked("gzip"), asked("identity")), (gzip, 2 - gzip));
}

#[tokio::test]
async fn a_caller_that_chooses_the_codings_gets_the_bytes_as_sent() {
    let raw = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nraw";
    let server = Server::responding(raw).await;
    let mut request = described(&RUN, &server.url());
    let codings = "br, gzip".parse().unwrap();
    request.headers_mut().insert(ACCEPT_ENCODING, codings);
    let response = builder().build().send(request).await.unwrap();
    assert_eq!(response.headers()[CONTENT_ENCODING], "gzip");
    let found = blaxel_core::response::collect(response.into_body(), 1 << 20).await;
    assert_eq!(found.unwrap(), "raw");
    assert!(
        server
            .log
            .lines()
            .concat()
            .contains("accept-encoding: br, gzip\r\n")
    );
}
