//! Where a call to a workload goes, and what it carries besides its body.

use blaxel_core::{Error, RequestWriter, Source};
use http::header::{CACHE_CONTROL, HeaderName};

/// The workload of a call, and the caller's own additions to the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    name: String,
    /// The workload's own address; the plane's origin and the template's path stand in for it.
    url: Option<String>,
    path: String,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
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

    pub(crate) fn at(&mut self, url: impl Into<String>) {
        self.url = Some(url.into());
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

    /// Writes address, headers and query. `suffix` is what the protocol of the workload puts under
    /// its address.
    pub(crate) fn write(&self, request: &mut RequestWriter, suffix: &str) -> Result<(), Error> {
        match &self.url {
            Some(url) => request.address(url, &Source::Code)?,
            None => request.path([self.name.as_str()])?,
        }
        request.below(suffix)?;
        request.below(&self.path)?;
        // Proxies that compress anew have broken JSON and streams on the way.
        request.header(CACHE_CONTROL, "no-transform")?;
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name)
                .map_err(|bad| Error::input("header", &Source::Code, bad))?;
            request.header(name, value)?;
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
        #[must_use]
        pub fn at(mut self, url: impl Into<String>) -> Self {
            self.target.at(url);
            self
        }

        /// Adds a header to the request.
        #[must_use]
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.target.header(name, value);
            self
        }

        /// Adds a query parameter to the request. The value is escaped.
        #[must_use]
        pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.target.query(name, value);
            self
        }
    };
}

pub(crate) use target_setters;
