//! Operations of each kind, to call against a [`FaultServer`](super::FaultServer).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use blaxel_core::{
    Body, Error, HttpService, Idempotency, Operation, OperationInfo, Plane, RequestWriter, response,
};
use bytes::Bytes;
use http::Method;
use http_body::Frame;

/// A kind of operation, by what retries may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `GET`: safe.
    Get,
    /// `PUT`: idempotent.
    Put,
    /// `POST`: not idempotent.
    Post,
    /// `POST` that creates a resource whose name the client chose.
    ClientNamed,
    /// `POST`: not idempotent, with a streamed body that cannot be sent again.
    Streamed,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Get,
        Self::Put,
        Self::Post,
        Self::ClientNamed,
        Self::Streamed,
    ];

    /// Returns `true` if the operation may be sent again after it may have been processed.
    pub fn is_idempotent(self) -> bool {
        matches!(self, Self::Get | Self::Put)
    }

    /// Returns `true` if the operation changes anything.
    pub fn changes(self) -> bool {
        self != Self::Get
    }
}

const GET: OperationInfo = OperationInfo::new("GetThing", Method::GET, "/things/{id}");
const PUT: OperationInfo = OperationInfo::new("PutThing", Method::PUT, "/things/{id}");
const POST: OperationInfo = OperationInfo::new("DoThing", Method::POST, "/things/{id}");
const CLIENT_NAMED: OperationInfo = OperationInfo::new("MakeThing", Method::POST, "/things/{id}")
    .with_idempotency(Idempotency::ClientNamed);
const STREAMED: OperationInfo = OperationInfo::new("SendThing", Method::POST, "/things/{id}");

/// By kind, on the control plane and then on the plane of workloads.
static OPERATIONS: [OperationInfo; 10] = [
    GET,
    PUT,
    POST,
    CLIENT_NAMED,
    STREAMED,
    GET.with_plane(Plane::Run),
    PUT.with_plane(Plane::Run),
    POST.with_plane(Plane::Run),
    CLIENT_NAMED.with_plane(Plane::Run),
    STREAMED.with_plane(Plane::Run),
];

struct Thing<'a, const N: usize> {
    id: &'a str,
}

impl<const N: usize> Operation for Thing<'_, N> {
    type Output = Option<serde_json::Value>;
    const INFO: &'static OperationInfo = &OPERATIONS[N];
    const RESPONSE_LIMIT: usize = 64 * 1024;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        request.path([self.id])?;
        match N % 5 {
            0 => Ok(()),
            4 => {
                let body = Body::new(Chunks::new(["{\"a\":", "1}"]));
                request.body(body, http::HeaderValue::from_static("application/json"));
                Ok(())
            }
            _ => request.json(&serde_json::json!({"a": 1})),
        }
    }

    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error> {
        if response.status() == http::StatusCode::NO_CONTENT {
            return Ok(None);
        }
        response::json(response).map(Some)
    }
}

/// Calls an operation of the given kind for the resource `id`.
///
/// # Errors
///
/// Returns any error of the call.
///
/// # Panics
///
/// If the response belongs to another request.
pub async fn call<S: HttpService>(
    service: &S,
    kind: Kind,
    plane: Plane,
    id: &str,
) -> Result<(), Error> {
    macro_rules! thing {
        ($n:literal) => {
            blaxel_core::call(service, &Thing::<$n> { id }).await
        };
    }
    let response = match (plane, kind) {
        (Plane::Run, Kind::Get) => thing!(5),
        (Plane::Run, Kind::Put) => thing!(6),
        (Plane::Run, Kind::Post) => thing!(7),
        (Plane::Run, Kind::ClientNamed) => thing!(8),
        (Plane::Run, Kind::Streamed) => thing!(9),
        (_, Kind::Get) => thing!(0),
        (_, Kind::Put) => thing!(1),
        (_, Kind::Post) => thing!(2),
        (_, Kind::ClientNamed) => thing!(3),
        (_, Kind::Streamed) => thing!(4),
    };
    if let Some(response) = response? {
        let path = response["path"].as_str().unwrap_or_default();
        assert!(path.ends_with(&format!("/{id}")), "{path} answers {id}");
    }
    Ok(())
}

/// A body of several chunks that cannot be cloned.
struct Chunks(VecDeque<&'static str>);

impl Chunks {
    fn new(chunks: impl IntoIterator<Item = &'static str>) -> Self {
        Self(chunks.into_iter().collect())
    }
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.pop_front();
        Poll::Ready(next.map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes())))))
    }
}
