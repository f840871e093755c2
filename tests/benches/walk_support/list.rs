//! The list and the server that serves it. The address describes the list: its number of pages, and
//! the server's delay for each page. All pages hold the same agents; only the cursor differs, so
//! that the server has almost nothing to do but to send.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::buf::Chain;
use bytes::{Buf, Bytes};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use super::document::DOCUMENT;
use super::process::serve_all;

/// Number of agents on a page: the server's maximum.
pub const PAGE: u32 = 200;

#[derive(Clone, Copy)]
pub struct List {
    pub server: SocketAddr,
    pub pages: u32,
    /// The server's delay for each page.
    pub delay: Duration,
}

impl List {
    /// Creates a list of `pages` pages, served without a delay.
    pub fn of_pages(server: SocketAddr, pages: u32) -> Self {
        let delay = Duration::ZERO;
        Self {
            server,
            pages,
            delay,
        }
    }

    pub fn items(&self) -> u32 {
        self.pages * PAGE
    }

    /// Returns the base URL of the API that serves this list of agents.
    pub fn url(&self) -> String {
        format!("http://{}{}", self.server, self.path())
    }

    /// Returns the path of that URL.
    pub fn path(&self) -> String {
        format!("/{}/{}", self.pages, self.delay.as_millis())
    }
}

/// Serves the list while the future is polled.
pub async fn serve(listener: TcpListener) {
    let page = Arc::new(Page::of(PAGE));
    let service = service_fn(move |request| respond(request, Arc::clone(&page)));
    serve_all(listener, service).await;
}

async fn respond(
    request: Request<Incoming>,
    page: Arc<Page>,
) -> Result<Response<Full<Text>>, Infallible> {
    let requested = PageRequest::read(request.uri()).expect("a page of a list");
    if !requested.delay.is_zero() {
        tokio::time::sleep(requested.delay).await;
    }
    let mut response = Response::new(Full::new(page.before(requested.next)));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

/// The requested page.
struct PageRequest {
    delay: Duration,
    /// The number of the next page; `None` on the last one.
    next: Option<u32>,
}

impl PageRequest {
    /// Parses `/{pages}/{milliseconds}/agents?...&cursor={page}`.
    fn read(uri: &Uri) -> Option<Self> {
        let mut path = uri.path().split('/').skip(1);
        let pages: u32 = path.next()?.parse().ok()?;
        let delay = path.next()?.parse().ok()?;
        let mut parameters = uri.query().unwrap_or_default().split('&');
        let cursor = parameters.find_map(|parameter| parameter.strip_prefix("cursor="));
        let page: u32 = cursor.unwrap_or("0").parse().ok()?;
        Some(Self {
            delay: Duration::from_millis(delay),
            next: Some(page + 1).filter(|next| *next < pages),
        })
    }
}

/// The text of a page, in three parts.
pub type Text = Chain<Chain<Bytes, Bytes>, Bytes>;

/// The text that all pages have in common.
pub struct Page {
    start: Bytes,
}

impl Page {
    /// Creates the text of pages of so many agents.
    pub fn of(agents: u32) -> Self {
        let name = |number| format!("support-assistant-{number:03}");
        let agents = (0..agents).map(|number| DOCUMENT.replace("support-assistant", &name(number)));
        let agents: Vec<String> = agents.collect();
        let start = format!(r#"{{"data":[{}],"meta":{{"hasMore":"#, agents.join(","));
        Self {
            start: start.into(),
        }
    }

    /// Returns the text of a page that is followed by page `next`.
    pub fn before(&self, next: Option<u32>) -> Text {
        let (middle, end) = match next {
            Some(next) => (format!(r#"true,"nextCursor":"{next}"#).into(), r#""}}"#),
            None => (Bytes::new(), "false}}"),
        };
        let end = Bytes::from_static(end.as_bytes());
        self.start.clone().chain(middle).chain(end)
    }
}
