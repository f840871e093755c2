//! The destination of a call, and the headers, query and options that every request of a handle has.

use blaxel_core::{CallOptions, Error, RequestWriter, Secret, Source};
use http::header::{CACHE_CONTROL, HeaderName};

/// The workload of a call, and the caller's additions to the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    name: String,
    /// The workload's own address. Without one, the plane's origin and the template's path are used.
    address: Option<Address>,
    path: String,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    options: Option<CallOptions>,
}

/// An address and its source. It is not checked yet, so it can contain a password or a token.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) url: Secret,
    pub(crate) source: Source,
}

impl Target {
    pub(crate) fn new(name: String, address: Option<Address>) -> Self {
        Self {
            name,
            address,
            ..Self::default()
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns `true` if the workload's own address is known.
    pub(crate) fn has_address(&self) -> bool {
        self.address.is_some()
    }

    pub(crate) fn set_address(&mut self, address: Option<Address>) {
        self.address = address;
    }

    pub(crate) fn set_url(&mut self, url: impl Into<String>) {
        self.address = Some(Address {
            url: Secret::new(url.into()),
            source: Source::Code,
        });
    }

    pub(crate) fn set_path(&mut self, path: impl Into<String>) {
        self.path = path.into();
    }

    pub(crate) fn add_header(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.headers.push((name.into(), value.into()));
    }

    pub(crate) fn add_query(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.query.push((name.into(), value.into()));
    }

    pub(crate) fn set_options(&mut self, options: CallOptions) {
        self.options = Some(options);
    }

    pub(crate) fn options(&self) -> Option<CallOptions> {
        self.options
    }

    /// Writes the address, the headers and the query. `suffix` is the path below the address and the path of
    /// the handle.
    pub(crate) fn write(&self, request: &mut RequestWriter, suffix: &str) -> Result<(), Error> {
        match &self.address {
            Some(address) => request.address(address.url.expose(), &address.source)?,
            None => request.path([self.name.as_str()])?,
        }
        request.below(&self.path)?;
        request.below(suffix)?;
        // Proxies that recompress responses have broken JSON and streams.
        request.header(CACHE_CONTROL, "no-transform")?;
        let mut written = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name)
                .map_err(|problem| Error::input("header", &Source::Code, problem))?;
            // The caller's first header of a name replaces the SDK's own.
            if written.contains(&name) {
                request.add_header(name, value)?;
            } else {
                request.header(name.clone(), value)?;
                written.push(name);
            }
        }
        for (name, value) in &self.query {
            request.query(name, value);
        }
        Ok(())
    }
}

/// Declares the setters that every handle on a workload has.
macro_rules! target_setters {
    () => {
        /// Sets the address of the workload, its `metadata.url`.
        ///
        /// The platform recommends it over the path of workspace, kind and name. It takes precedence over every
        /// other [address](crate::Inference#addresses).
        #[must_use]
        pub fn url(mut self, url: impl Into<String>) -> Self {
            self.target.set_url(url);
            self
        }

        /// Adds a header to all requests of this handle. The first one of a name replaces the SDK's own header;
        /// further ones of the same name are sent in addition.
        #[must_use]
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.target.add_header(name, value);
            self
        }

        /// Adds a query parameter to all requests of this handle. The value is escaped.
        #[must_use]
        pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.target.add_query(name, value);
            self
        }

        /// Sets the options of all requests of this handle, lookups included. They replace those of the client.
        /// By default the client's apply.
        #[must_use]
        pub fn options(mut self, options: blaxel_core::CallOptions) -> Self {
            self.target.set_options(options);
            self
        }
    };
}

pub(crate) use target_setters;
