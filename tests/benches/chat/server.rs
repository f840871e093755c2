//! A model server whose responses are determined by the name of the requested model.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::header::CONTENT_TYPE;
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// The server's delay before the response of [`Script::Delayed`].
pub const DELAY: Duration = Duration::from_millis(5);

const CHUNK: usize = 8 * 1024;

/// A model's response. The request selects it by its [name](Self::name), in the path or the query.
#[derive(Clone, Copy)]
pub enum Script {
    /// This many deltas, as fast as they are read.
    Deltas(usize),
    /// One delta after [`DELAY`].
    Delayed,
    /// A delta, and another one as soon as this many streams have been requested.
    Held(usize),
}

impl Script {
    pub fn name(self) -> String {
        match self {
            Self::Deltas(count) => format!("deltas-{count}"),
            Self::Delayed => "delayed".to_owned(),
            Self::Held(count) => format!("held-{count}"),
        }
    }

    fn of(target: &str) -> Option<Self> {
        target
            .split(['/', '='])
            .find_map(|name| match name.split_once('-') {
                Some(("deltas", count)) => count.parse().ok().map(Self::Deltas),
                Some(("held", count)) => count.parse().ok().map(Self::Held),
                _ => (name == "delayed").then_some(Self::Delayed),
            })
    }
}

fn delta(word: usize) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-8f3a2b1c9d\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\
         \"model\":\"sandbox-large\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" word{word:05}\"}},\
         \"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
    )
}

/// A barrier for streams that wait for each other.
#[derive(Default)]
struct Gate {
    waiting: AtomicUsize,
    open: Notify,
}

impl Gate {
    /// Waits until `count` streams wait.
    async fn pass(&self, count: usize) {
        let opened = self.open.notified();
        if self.waiting.fetch_add(1, Ordering::SeqCst) + 1 == count {
            self.waiting.store(0, Ordering::SeqCst);
            self.open.notify_waiters();
        } else {
            opened.await;
        }
    }
}

/// Serves the model while the future is polled.
pub async fn serve(listener: TcpListener) {
    let gate = Arc::new(Gate::default());
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let gate = Arc::clone(&gate);
        let service = service_fn(move |request| respond(request, Arc::clone(&gate)));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}

async fn respond(
    request: http::Request<Incoming>,
    gate: Arc<Gate>,
) -> Result<
    http::Response<StreamBody<impl Stream<Item = Result<Frame<Bytes>, Infallible>>>>,
    Infallible,
> {
    let script = Script::of(&request.uri().to_string()).expect("a script");
    let parts = match script {
        Script::Deltas(count) => {
            let text: String = (0..count).map(delta).collect();
            let text = Bytes::from(text);
            let chunks = (0..text.len().div_ceil(CHUNK))
                .map(|at| text.slice(at * CHUNK..text.len().min((at + 1) * CHUNK)));
            stream::iter(chunks.collect::<Vec<_>>()).boxed()
        }
        Script::Delayed => stream::once(async {
            tokio::time::sleep(DELAY).await;
            delta(0).into()
        })
        .boxed(),
        Script::Held(count) => stream::iter([0, 1])
            .then(move |word| {
                let gate = Arc::clone(&gate);
                async move {
                    if word > 0 {
                        gate.pass(count).await;
                    }
                    delta(word).into()
                }
            })
            .boxed(),
    };
    let end = stream::iter([Bytes::from_static(b"data: [DONE]\n\n")]);
    let frames = parts.chain(end).map(|chunk| Ok(Frame::data(chunk)));
    let response = http::Response::builder()
        .header(CONTENT_TYPE, "text/event-stream")
        .body(StreamBody::new(frames));
    Ok(response.expect("a response"))
}
