//! A request on its way: it gets a connection, is sent, and gives the connection back.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use blaxel_core::BoxError;
use http::{Request, Response};
use hyper::body::Incoming;

use super::connection::Connection;
use super::origin::Origin;
use super::pool::{CheckOut, Connecting, Host, Waiter};
use super::request_body::RequestBody;
use super::route::Route;
use super::unsent::Unsent;

/// The reason why there is no response.
pub(super) enum Failure {
    /// No connection was made.
    Connect(BoxError),
    /// The connection failed. It is certain that nothing was written if the request is `unsent`.
    Send { error: hyper::Error, unsent: bool },
}

/// Sends a request on a connection of the pool. If a connection that was used before turns out to be closed before
/// anything was written, another one is taken.
pub(super) async fn send(
    route: Route,
    host: Arc<Host>,
    mut request: Request<RequestBody>,
    mut unsent: Option<Unsent>,
) -> Result<Response<Incoming>, Failure> {
    loop {
        let taken = take(&route, &host).await;
        if let Some(unsent) = unsent.take() {
            unsent.begin();
        }
        let (mut connection, is_reused) = taken.map_err(Failure::Connect)?;
        connection.address(&mut request, &host.origin, &host.name);
        match connection.send(request).await {
            Ok(response) => {
                give_back(connection, host);
                return Ok(response);
            }
            Err(mut refused) => match refused.take_message() {
                // Such a connection is not ready any more, so it is not taken again.
                Some(message) if is_reused => request = message,
                message => {
                    return Err(Failure::Send {
                        unsent: message.is_some(),
                        error: refused.into_error(),
                    });
                }
            },
        }
    }
}

/// Sends a request on a connection of its own, which is in no pool.
pub(super) async fn send_alone(
    route: Route,
    origin: Origin,
    mut request: Request<RequestBody>,
    unsent: Option<Unsent>,
) -> Result<Response<Incoming>, Failure> {
    let made = route.connect(&origin).await;
    if let Some(unsent) = unsent {
        unsent.begin();
    }
    let mut connection = made.map_err(Failure::Connect)?;
    connection.address(&mut request, &origin, &origin.host_header());
    let sent = connection.send(request).await;
    sent.map_err(|mut refused| Failure::Send {
        unsent: refused.take_message().is_some(),
        error: refused.into_error(),
    })
}

/// Returns a connection, and whether it was used before.
async fn take(route: &Route, host: &Arc<Host>) -> Result<(Connection, bool), BoxError> {
    let mut shared = route.is_shared();
    loop {
        let (waiter, connecting) = match host.check_out(shared) {
            CheckOut::Idle(connection) => return Ok((connection, true)),
            CheckOut::Connect(waiter, connecting) => (waiter, connecting),
            CheckOut::Wait(waiter) => {
                if let Ok(connection) = waiter.await {
                    return Ok((connection, true));
                }
                // It finds out the reason by itself.
                shared = false;
                continue;
            }
        };
        let made = make(route.clone(), Arc::clone(host), connecting);
        if !shared {
            return first_of(waiter, Box::pin(made), host).await;
        }
        // All depend on this connection, whatever becomes of the request that needed it first.
        drop(waiter);
        let made = tokio::spawn(made).await;
        let connection = made.unwrap_or_else(|gone| Err(gone.into()))?;
        return Ok((connection, false));
    }
}

/// Waits for a new connection, or for one that becomes idle before.
async fn first_of<M>(
    mut waiter: Waiter,
    mut made: Pin<Box<M>>,
    host: &Arc<Host>,
) -> Result<(Connection, bool), BoxError>
where
    M: Future<Output = Result<Connection, BoxError>> + Send + 'static,
{
    let mut is_waiting = true;
    let handed = poll_fn(|cx| {
        if is_waiting && let Poll::Ready(handed) = Pin::new(&mut waiter).poll(cx) {
            is_waiting = false;
            if let Ok(connection) = handed {
                return Poll::Ready(Ok(connection));
            }
        }
        made.as_mut().poll(cx).map(Err)
    });
    match handed.await {
        Err(made) => Ok((made?, false)),
        Ok(connection) => {
            // The new one is finished for others, unless all share this one.
            if !connection.is_shared() {
                let host = Arc::clone(host);
                tokio::spawn(async move {
                    if let Ok(connection) = made.await {
                        host.put(connection);
                    }
                });
            }
            Ok((connection, true))
        }
    }
}

/// Makes a connection. If it can be shared, those who wait get copies.
async fn make(
    route: Route,
    host: Arc<Host>,
    connecting: Connecting,
) -> Result<Connection, BoxError> {
    let connection = route.connect(&host.origin).await?;
    if let Some(copy) = connection.share() {
        host.put(copy);
    }
    drop(connecting);
    Ok(connection)
}

/// Gives a connection back as soon as it can carry another request.
fn give_back(mut connection: Connection, host: Arc<Host>) {
    // The pool has a copy.
    if connection.is_shared() {
        return;
    }
    if connection.is_ready() {
        host.put(connection);
        return;
    }
    // The body of the response has not been read yet.
    tokio::spawn(async move {
        if connection.ready().await.is_ok() {
            host.put(connection);
        }
    });
}
