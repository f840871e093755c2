//! Where a call to a workload goes, and what it carries besides its body.

use blaxel_core::{Error, RequestWriter, Source};
use http::header::{CACHE_CONTROL, HeaderName};

/// The workload of a call, and the caller's own additions to the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    name: String,
    /// The workload's own address; the plane's origin and the template's path stand in for it.
    address: Option<Address>,
    path: String,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

/// An address, and where it was taken from.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) url: String,
    pub(crate) source: Source,
}

impl Target {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is known where the workload is.
    pub(crate) fn has_address(&self) -> bool {
        self.address.is_some()
    }

    pub(crate) fn set_address(&mut self, address: Option<Address>) {
        self.address = address;
    }

    pub(crate) fn at(&mut self, url: impl Into<String>) {
        self.address = Some(Address {
            url: url.into(),
            source: Source::Code,
        });
    }

    pub(crate) fn below(&mut self, path: impl Into<String>) {
        self.path = path.into();
    }

    pub(crate) fn header(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.headers.push((name.into(), value.into()));
    }

    pub(crate) fn query(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.query.push((name.into(), value.into()));
    }

    /// Writes address, headers and query. `suffix` is what comes under the address and the path of the
    /// handle.
    pub(crate) fn write(&self, request: &mut RequestWriter, suffix: &str) -> Result<(), Error> {
        match &self.address {
            Some(address) => request.address(&address.url, &address.source)?,
            None => request.path([self.name.as_str()])?,
        }
        request.below(&self.path)?;
        request.below(suffix)?;
        // Proxies that compress anew have broken JSON and streams on the way.
        request.header(CACHE_CONTROL, "no-transform")?;
        let mut written = Vec::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name)
                .map_err(|bad| Error::input("header", &Source::Code, bad))?;
            // The caller's first one takes the place of ours.
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

/// The setters that every handle on a workload has, written once.
macro_rules! target_setters {
    () => {
        /// Calls the workload under this address, its `metadata.url`, instead of the one made of
        /// workspace and name. The platform advises it, for the address says where the workload is.
        /// It goes before every other way to find an address.
        #[must_use]
        pub fn at(mut self, url: impl Into<String>) -> Self {
            self.target.at(url);
            self
        }

        /// Adds a header to all requests of this handle. The second one of a name stands beside the
        /// first.
        #[must_use]
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.target.header(name, value);
            self
        }

        /// Adds a query parameter to all requests of this handle. The value is escaped.
        #[must_use]
        pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.target.query(name, value);
            self
        }
    };
}

pub(crate) use target_setters;
