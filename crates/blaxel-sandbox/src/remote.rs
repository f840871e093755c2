//! The sandbox that requests are sent to, and the operations of its API.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "wait")]
use std::sync::atomic::AtomicBool;

use blaxel_core::__private::receive;
use blaxel_core::__private::workload::WorkloadAddress;
use blaxel_core::{
    Body, BoxFuture, CallOptions, Error, HttpService, Operation, OperationInfo, RequestWriter,
    Secret,
};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderName};

use crate::reference::SandboxRef;

/// The header of a session's token.
pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-blaxel-preview-token");

/// An operation of the sandbox API, without the sandbox that it is sent to.
///
/// The path template of its description is the one of the API's document. [`Remote::call`] appends it
/// to the address of a sandbox.
pub(crate) trait DataOperation {
    /// The result of a successful call.
    type Output;

    /// The description of the operation.
    const INFO: &'static OperationInfo;

    /// Maximum size of a successful response, in bytes.
    const RESPONSE_LIMIT: usize = 32 * 1024 * 1024;

    /// Writes the arguments into a request whose address is set.
    fn write(&self, request: &mut RequestWriter) -> Result<(), Error>;

    /// Reads the output from a successful response.
    fn read(response: &http::Response<Bytes>) -> Result<Self::Output, Error>;
}

/// A service and the sandbox that requests on it are sent to. Every handle of this crate has one.
#[derive(Clone)]
pub(crate) struct Remote<S> {
    service: S,
    site: Arc<Site>,
    #[cfg(feature = "wait")]
    learned: Arc<Learned>,
    options: Option<CallOptions>,
}

/// Facts about the server of a sandbox that its responses have shown.
#[cfg(feature = "wait")]
#[derive(Debug, Default)]
pub(crate) struct Learned {
    /// `true` if the server is too old to wait for the end of a process.
    pub(crate) no_process_wait: AtomicBool,
}

/// The address of a sandbox, and the way its requests are authorized.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) name: String,
    /// The sandbox's own address. Without one, the plane's origin with the name as path is used.
    pub(crate) address: Option<WorkloadAddress>,
    /// The token of a session, which replaces the client's credential.
    pub(crate) token: Option<Secret>,
}

impl<S: HttpService> Remote<S> {
    pub(crate) fn new(service: S, site: Site) -> Self {
        Self {
            service,
            site: Arc::new(site),
            #[cfg(feature = "wait")]
            learned: Arc::default(),
            options: None,
        }
    }

    pub(crate) fn service(&self) -> &S {
        &self.service
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    #[cfg(feature = "wait")]
    pub(crate) fn learned(&self) -> &Learned {
        &self.learned
    }

    pub(crate) fn name(&self) -> &str {
        &self.site.name
    }

    pub(crate) fn options(&self) -> Option<CallOptions> {
        self.options
    }

    /// Returns a copy whose requests have these options.
    pub(crate) fn with_options(&self, options: CallOptions) -> Self {
        Self {
            options: Some(options),
            ..self.clone()
        }
    }

    /// Runs an operation and reads its whole response.
    ///
    /// The future is boxed, so that its type does not name the operation, which borrows from its caller: otherwise the
    /// compiler cannot tell that the futures of generic callers are `Send`.
    pub(crate) fn call<O>(&self, operation: &O) -> BoxFuture<Result<O::Output, Error>>
    where
        O: DataOperation,
        O::Output: Send + 'static,
    {
        let request = self.at(operation).encode();
        let service = self.service.clone();
        let decode: fn(http::Response<Bytes>) -> _ = At::<'_, O>::decode;
        let (info, limit) = (O::INFO, O::RESPONSE_LIMIT);
        Box::pin(async move { receive(&service, request?, info, limit, decode).await })
    }

    /// Runs an operation and returns its response as soon as the headers have arrived. The future is boxed as that of
    /// [`call`](Self::call).
    pub(crate) fn open<O: DataOperation>(
        &self,
        operation: &O,
    ) -> BoxFuture<Result<http::Response<Body>, Error>> {
        let request = self.at(operation).encode();
        let service = self.service.clone();
        Box::pin(async move { blaxel_core::open(&service, request?).await })
    }

    /// Starts the request of an operation: its address, authorization and options are set.
    pub(crate) fn start(&self, info: &'static OperationInfo) -> Result<RequestWriter, Error> {
        let mut request = RequestWriter::new(info);
        self.site.write(&mut request)?;
        if let Some(options) = self.options {
            request.options(options);
        }
        Ok(request)
    }

    fn at<'a, O>(&'a self, operation: &'a O) -> At<'a, O> {
        At {
            site: &self.site,
            options: self.options,
            operation,
        }
    }
}

impl Site {
    /// Returns the reference to the sandbox, without the token of a session.
    pub(crate) fn reference(&self) -> SandboxRef {
        let address = self.address.as_ref();
        SandboxRef {
            name: self.name.clone(),
            url: address.map(|address| address.url.expose().to_owned()),
        }
    }

    /// Sets the address and the authorization of a request.
    pub(crate) fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        match &self.address {
            Some(address) => request.address(address.url.expose(), &address.source)?,
            None => request.workload("sandboxes", &self.name)?,
        }
        if let Some(token) = &self.token {
            request.without_credential();
            request.secret_header(TOKEN, token)?;
        }
        // Proxies that recompress responses have broken JSON and streams.
        request.header(CACHE_CONTROL, "no-transform")
    }
}

impl<S> fmt::Debug for Remote<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("sandbox", &self.site.name)
            .finish_non_exhaustive()
    }
}

/// An operation and the sandbox that it is sent to.
struct At<'a, O> {
    site: &'a Site,
    options: Option<CallOptions>,
    operation: &'a O,
}

impl<O: DataOperation> Operation for At<'_, O> {
    type Output = O::Output;
    const INFO: &'static OperationInfo = O::INFO;
    const RESPONSE_LIMIT: usize = O::RESPONSE_LIMIT;

    fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        self.site.write(request)?;
        if let Some(options) = self.options {
            request.options(options);
        }
        self.operation.write(request)
    }

    fn read(response: &http::Response<Bytes>) -> Result<O::Output, Error> {
        O::read(response)
    }
}
