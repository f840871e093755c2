//! The destination of a call, and the headers, query and options that every request of a handle has.

use http::header::{CACHE_CONTROL, HeaderName};

use super::address::WorkloadAddress;
use crate::error::Error;
use crate::options::CallOptions;
use crate::request::RequestWriter;
use crate::secret::Secret;
use crate::source::Source;

/// The workload of a call, and the caller's additions to the request.
#[derive(Clone, Default)]
pub struct Target {
    name: String,
    /// The workload's own address. Without one, the plane's origin and the template's path are used.
    address: Option<WorkloadAddress>,
    path: String,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    options: Option<CallOptions>,
}

impl Target {
    /// Creates the target of a workload by its name, with its own address if that is known.
    #[must_use]
    pub fn new(name: String, address: Option<WorkloadAddress>) -> Self {
        Self {
            name,
            address,
            ..Self::default()
        }
    }

    /// Returns the name of the workload.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns `true` if the workload's own address is known.
    #[must_use]
    pub fn has_address(&self) -> bool {
        self.address.is_some()
    }

    /// Sets the workload's own address, or none.
    pub fn set_address(&mut self, address: Option<WorkloadAddress>) {
        self.address = address;
    }

    /// Sets the workload's own address as the caller's code gives it.
    pub fn set_url(&mut self, url: impl Into<String>) {
        self.address = Some(WorkloadAddress {
            url: Secret::new(url.into()),
            source: Source::Code,
        });
    }

    /// Sets the path below the address. The default is empty.
    pub fn set_path(&mut self, path: impl Into<String>) {
        self.path = path.into();
    }

    /// Adds a header. The first one of a name replaces the SDK's own; further ones are sent in addition.
    pub fn add_header(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.headers.push((name.into(), value.into()));
    }

    /// Adds a query parameter. The value is escaped when it is written.
    pub fn add_query(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.query.push((name.into(), value.into()));
    }

    /// Sets the options of all requests, which replace those of the client.
    pub fn set_options(&mut self, options: CallOptions) {
        self.options = Some(options);
    }

    /// Returns the options, or `None` for those of the client.
    #[must_use]
    pub fn options(&self) -> Option<CallOptions> {
        self.options
    }

    /// Writes the address, or without one the template's path, then the path below it, the headers and the
    /// query.
    ///
    /// The caller may append to the path afterwards, by [`RequestWriter::below`] and
    /// [`RequestWriter::segment`].
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the address, the path, or the name or value of a header is invalid.
    pub fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        match &self.address {
            Some(address) => request.address(address.url.expose(), &address.source)?,
            None => request.path([self.name.as_str()])?,
        }
        request.below(&self.path)?;
        self.write_additions(request)
    }

    /// Writes the headers and the query alone, into a request whose address is set.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the name or value of a header is invalid.
    pub fn write_additions(&self, request: &mut RequestWriter) -> Result<(), Error> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::description::{OperationInfo, Plane};
    use http::Method;

    static WRITE: OperationInfo =
        OperationInfo::new("WriteFile", Method::PUT, "/sandboxes/{sandboxName}")
            .with_plane(Plane::Run);

    fn written(target: &Target) -> http::Request<crate::Body> {
        let mut request = RequestWriter::new(&WRITE);
        target.write(&mut request).unwrap();
        request.below("filesystem").unwrap();
        request.segment("/data/a b").unwrap();
        request.finish().unwrap()
    }

    #[test]
    fn a_path_is_appended_below_the_template_and_before_the_query() {
        let mut target = Target::new("my-box".into(), None);
        target.add_query("a", "1");
        assert_eq!(
            written(&target).uri(),
            "blaxel://run/sandboxes/my-box/filesystem/%2Fdata%2Fa%20b?a=1"
        );
    }

    #[test]
    fn a_path_is_appended_below_the_address_and_the_path_of_the_handle() {
        let mut target = Target::new("my-box".into(), None);
        target.set_url("https://sbx-x.bl.run/base/");
        target.set_path("api/");
        target.add_query("a", "1");
        target.add_query("a", "2");
        assert_eq!(
            written(&target).uri(),
            "https://sbx-x.bl.run/base/api/filesystem/%2Fdata%2Fa%20b?a=1&a=2"
        );
    }

    #[test]
    fn the_first_header_of_a_name_replaces_the_default() {
        let mut target = Target::new("my-box".into(), None);
        assert_eq!(written(&target).headers()["cache-control"], "no-transform");
        target.add_header("Cache-Control", "no-store");
        target.add_header("cache-control", "private");
        let request = written(&target);
        let values: Vec<_> = request.headers().get_all("cache-control").iter().collect();
        assert_eq!(values, ["no-store", "private"]);
    }
}
