//! The setters that every handle has, over [`Target`](blaxel_core::__private::workload::Target).

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
