//! [`Exchange`]: a request gets a permit and a connection, is sent, gives the connection back, and becomes a
//! response.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use blaxel_core::__private::ErrorParts as _;
use blaxel_core::{Body, BoxError, CallContext, Error};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;

use super::Shared;
use super::connection::{Connection, Outcome};
use super::failure;
use super::origin::Target;
use super::origin_limiter::{Acquire, Permit};
use super::pool::{CheckOut, Connecting, Host, Waiter};
use super::request_body::RequestBody;
use super::response::{self, Decoding};
use super::route::Route;
use super::unsent::Unsent;
use super::upgrade;

/// A request that is ready to be sent, and all that its response needs.
pub(super) struct Exchange {
    pub(super) shared: Arc<Shared>,
    pub(super) request: Request<RequestBody>,
    pub(super) target: Target,
    pub(super) decoding: Decoding,
    /// The context of the call, if it asks for an upgrade.
    pub(super) upgrade: Option<CallContext>,
    /// The permit or the wait for it, if one is needed.
    pub(super) acquire: Option<Acquire>,
    pub(super) unsent: Option<Unsent>,
}

impl Exchange {
    /// Sends the request, and returns its response. It borrows the exchange, because an async block that moved
    /// out of it would have room for the request twice.
    pub(super) async fn run(&mut self) -> Result<Response<Body>, Error> {
        let permit = self.permit().await;
        let host = self.shared.pools.host(&self.target)?;
        // What is rare and large is in a box of its own here.
        let mut response = match self.upgrade {
            None => self.send(host).await?,
            Some(_) => Box::pin(self.send_alone(&host)).await?,
        };
        let origin = &self.target.origin;
        let agreed = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if let Some(context) = self.upgrade.take().filter(|_| agreed) {
            let handed = upgrade::hand_over(response, context, origin, permit);
            return Box::pin(handed).await;
        }
        // Nobody asked for it: the connection is closed, and not left in the extensions.
        drop(hyper::upgrade::on(&mut response));
        Ok(response::from_hyper(
            response,
            origin,
            self.decoding,
            permit,
        ))
    }

    /// Waits for the permit, if one is needed.
    async fn permit(&mut self) -> Option<Permit> {
        match self.acquire.take()? {
            Acquire::Ready(permit) => Some(permit),
            Acquire::Waiting(permit) => {
                let permit = permit.await;
                self.unsent = self.unsent.take().and_then(Unsent::with_permit);
                Some(permit)
            }
        }
    }

    /// Sends the request on a connection of the pool. If a connection that was used before turns out to be closed
    /// before anything was written, another one is taken.
    async fn send(&mut self, host: Arc<Host>) -> Result<Response<Incoming>, Error> {
        loop {
            let taken = take(&self.shared.route, &host).await;
            let (mut connection, is_reused) = self.begin(taken)?;
            match self.send_on(&mut connection, &host).await {
                Ok(response) => {
                    give_back(connection, host);
                    return Ok(response);
                }
                Err(mut refused) => match is_reused.then(|| refused.take_message()).flatten() {
                    // Such a connection is not ready any more, so it is not taken again.
                    Some(request) => self.request = request,
                    None => return Err(failure::before_headers(refused, &host.origin)),
                },
            }
        }
    }

    /// Sends the request on a new HTTP/1.1 connection, which never gets into a pool.
    async fn send_alone(&mut self, host: &Host) -> Result<Response<Incoming>, Error> {
        let made = self.shared.upgrades.clone().connect(&host.origin).await;
        let mut connection = self.begin(made)?;
        let sent = self.send_on(&mut connection, host).await;
        sent.map_err(|refused| failure::before_headers(refused, &host.origin))
    }

    /// Records that the wait for a connection has ended, and converts its error.
    fn begin<T>(&mut self, made: Result<T, BoxError>) -> Result<T, Error> {
        if let Some(unsent) = self.unsent.take() {
            unsent.begin();
        }
        made.map_err(|cause| Error::connect(&self.target.origin.to_string(), cause))
    }

    /// Hands the request to a connection.
    fn send_on(
        &mut self,
        connection: &mut Connection,
        host: &Host,
    ) -> impl Future<Output = Outcome> + Send + use<> {
        let request = &mut self.request;
        connection.address(request, &host.origin, &host.name);
        connection.send(std::mem::take(request))
    }
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
