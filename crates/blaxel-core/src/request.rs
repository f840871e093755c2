//! [`RequestWriter`]: path, query, headers and body of a request.

use std::borrow::Cow;
use std::fmt::{self, Display};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::Serialize;

use crate::address::Address;
use crate::base_url::{BaseUrl, with_target};
use crate::body::Body;
use crate::context::{CallContext, Traits};
use crate::description::OperationInfo;
use crate::error::Error;
use crate::framing::check_name;
use crate::options::CallOptions;
use crate::plane_uri::uri_on;
use crate::raw::attach;
use crate::relative::relative;
use crate::secret::Secret;
use crate::source::Source;
#[cfg(feature = "upgrade")]
use crate::upgraded::UpgradeRequest;

/// The characters that are escaped in a path segment or query value: all but the unreserved ones.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The characters that are escaped in a path below an address: only those that a path cannot
/// contain. Servers that give `:` or `@` a meaning, such as Google's, need to receive them
/// unescaped.
const ESCAPED_BELOW: &AsciiSet = &ESCAPED
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// Escapes a text for a path segment or query value.
fn escape(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ESCAPED)
}

/// Writes the request of an operation, argument by argument.
///
/// ```
/// use blaxel_core::{Error, OperationInfo, RequestWriter};
/// use http::Method;
///
/// static LIST: OperationInfo =
///     OperationInfo::new("ListPreviews", Method::GET, "/sandboxes/{sandboxName}/previews");
///
/// let mut writer = RequestWriter::new(&LIST);
/// writer.path(["my sandbox"])?;
/// writer.query("limit", 5);
/// let request = writer.finish()?;
/// assert_eq!(request.uri(), "blaxel://control/sandboxes/my%20sandbox/previews?limit=5");
/// # Ok::<(), Error>(())
/// ```
pub struct RequestWriter {
    info: &'static OperationInfo,
    target: Cow<'static, str>,
    base: Option<Uri>,
    /// The path that the template's path is appended to.
    root: String,
    traits: Traits,
    /// The query, apart from the path so that either can be appended to at any time.
    query: String,
    options: Option<CallOptions>,
    request: http::Request<Body>,
}

impl RequestWriter {
    /// Starts a request with the operation's method and path template.
    #[must_use]
    pub fn new(info: &'static OperationInfo) -> Self {
        let mut request = http::Request::new(Body::empty());
        *request.method_mut() = info.method().clone();
        Self {
            info,
            target: Cow::Borrowed(info.path()),
            base: None,
            root: String::new(),
            traits: Traits::default(),
            query: String::new(),
            options: None,
            request,
        }
    }

    /// Returns the description of the operation.
    #[must_use]
    pub fn operation(&self) -> &'static OperationInfo {
        self.info
    }

    /// Fills in the parameters of the path template, in order. Each value is escaped, so it stays
    /// one segment whatever it contains. After [`address`](Self::address) or
    /// [`workload`](Self::workload), the path is appended to the one that they have set.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for an empty value, for `.` and `..`, which would change the path, and
    /// if the number of values is not that of the template's parameters.
    pub fn path<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
        let mut values = values.into_iter();
        let root = self.root.trim_end_matches('/');
        let mut target = root.to_owned();
        let mut rest = self.info.path();
        while let Some((before, parameter, after)) = next_parameter(rest) {
            let value = values.next().ok_or_else(|| self.wrong_count())?;
            // With exactly the capacity that it needs, the text becomes the path without another allocation. That is
            // so with a single parameter, without escapes and without a query.
            target.reserve_exact(before.len() + value.len() + after.len());
            target.push_str(before);
            push_segment(&mut target, parameter, value)?;
            rest = after;
        }
        if values.next().is_some() {
            return Err(self.wrong_count());
        }
        target.push_str(rest);
        self.target = Cow::Owned(target);
        Ok(())
    }

    /// Appends path segments that are not part of the template: the path that a workload serves
    /// below its own address.
    ///
    /// `path` is plain text; only characters that a path cannot contain are escaped. Leading
    /// slashes and empty segments are dropped. A trailing slash is kept, because some servers
    /// distinguish `a` from `a/`.
    ///
    /// ```
    /// use blaxel_core::{Error, OperationInfo, Plane, RequestWriter, Source};
    /// use http::Method;
    ///
    /// static CALL: OperationInfo =
    ///     OperationInfo::new("CallAgent", Method::POST, "/agents/{agentName}").with_plane(Plane::Run);
    ///
    /// let mut writer = RequestWriter::new(&CALL);
    /// writer.address("https://agt-x.us-pdx-1.bl.run", &Source::Code)?;
    /// writer.below("v1/chat")?;
    /// assert_eq!(writer.finish()?.uri(), "https://agt-x.us-pdx-1.bl.run/v1/chat");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for the segments `.` and `..`.
    pub fn below(&mut self, path: &str) -> Result<(), Error> {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let Some(first) = segments.next() else {
            return Ok(());
        };
        let target = self.open_path();
        for segment in std::iter::once(first).chain(segments) {
            target.push('/');
            push_escaped(target, "path", segment, ESCAPED_BELOW)?;
        }
        if path.ends_with('/') {
            target.push('/');
        }
        Ok(())
    }

    /// Appends a value as one path segment that is not part of the template, such as the path of a
    /// file in a sandbox. The value is escaped, so it stays one segment whatever it contains; a `/`
    /// in it becomes `%2F`.
    ///
    /// ```
    /// use blaxel_core::{Error, OperationInfo, Plane, RequestWriter, Source};
    /// use http::Method;
    ///
    /// static READ: OperationInfo =
    ///     OperationInfo::new("ReadFile", Method::GET, "/sandboxes/{sandboxName}").with_plane(Plane::Run);
    ///
    /// let mut writer = RequestWriter::new(&READ);
    /// writer.address("https://sbx-x.us-pdx-1.bl.run", &Source::Code)?;
    /// writer.below("filesystem")?;
    /// writer.segment("/tmp/a b")?;
    /// assert_eq!(writer.finish()?.uri(), "https://sbx-x.us-pdx-1.bl.run/filesystem/%2Ftmp%2Fa%20b");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for an empty value, and for `.` and `..`, which would change the path.
    pub fn segment(&mut self, value: &str) -> Result<(), Error> {
        let target = self.open_path();
        target.push('/');
        push_segment(target, "path segment", value)
    }

    /// Appends a path and a query as they stand in a URL, such as `/search?q=a%20b`: a request to the
    /// program that a workload runs.
    ///
    /// A missing leading slash is added. Escapes, empty segments and a trailing slash are kept; characters
    /// that a URL cannot contain are escaped, and so is `#`. The parameters of [`query`](Self::query) are
    /// added to the query.
    ///
    /// ```
    /// use blaxel_core::{Error, OperationInfo, Plane, RequestWriter, Source};
    /// use http::Method;
    ///
    /// static CALL: OperationInfo =
    ///     OperationInfo::new("CallPort", Method::GET, "/port/{port}").with_plane(Plane::Run);
    ///
    /// let mut writer = RequestWriter::new(&CALL);
    /// writer.address("https://sbx-x.us-pdx-1.bl.run", &Source::Code)?;
    /// writer.path(["3000"])?;
    /// writer.relative("/a//b%2Fc?q=1")?;
    /// assert_eq!(writer.finish()?.uri(), "https://sbx-x.us-pdx-1.bl.run/port/3000/a//b%2Fc?q=1");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for the segments `.` and `..`, escaped ones included, because they can lead to
    /// another resource.
    pub fn relative(&mut self, url: &str) -> Result<(), Error> {
        let (path, query) = relative(url)?;
        self.open_path().push_str(&path);
        if !query.is_empty() {
            self.query
                .push(if self.query.is_empty() { '?' } else { '&' });
            self.query.push_str(&query);
        }
        Ok(())
    }

    /// Returns the path without its trailing slashes, for a further segment.
    fn open_path(&mut self) -> &mut String {
        let target = self.target.to_mut();
        target.truncate(target.trim_end_matches('/').len());
        target
    }

    /// Sets the address that the request is sent to instead of the plane's origin: the
    /// `metadata.url` of a workload. The template's path is dropped, unless [`path`](Self::path)
    /// fills it in afterwards; the path of [`below`](Self::below) and the parameters of
    /// [`query`](Self::query) are appended to the address.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the text is not an absolute `https` address, or an `http` address on
    /// the loopback interface.
    pub fn address(&mut self, url: &str, source: &Source) -> Result<(), Error> {
        let base = source.parse::<BaseUrl>(url)?;
        base.path().clone_into(&mut self.root);
        self.target = Cow::Owned(self.root.clone());
        self.base = Some(base.uri().clone());
        Ok(())
    }

    /// Sends the request below the path of a workload on its plane, such as `/sandboxes/{name}`.
    /// The template's path is dropped, unless [`path`](Self::path) fills it in afterwards.
    ///
    /// ```
    /// use blaxel_core::{Error, OperationInfo, Plane, RequestWriter};
    /// use http::Method;
    ///
    /// static GET_PROCESS: OperationInfo =
    ///     OperationInfo::new("GetProcess", Method::GET, "/process/{identifier}").with_plane(Plane::Run);
    ///
    /// let mut writer = RequestWriter::new(&GET_PROCESS);
    /// writer.workload("sandboxes", "dev")?;
    /// writer.path(["web"])?;
    /// assert_eq!(writer.finish()?.uri(), "blaxel://run/sandboxes/dev/process/web");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] for a name that is empty, `.` or `..`.
    pub fn workload(&mut self, kind: &'static str, name: &str) -> Result<(), Error> {
        let mut root = format!("/{kind}/");
        push_segment(&mut root, "name", name)?;
        self.target = Cow::Owned(root.clone());
        self.root = root;
        Ok(())
    }

    /// Sets the presigned URL that the request is sent to, unchanged and with its query. The URL is
    /// the permission. For operations of [`Plane::Presigned`](crate::Plane::Presigned).
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the text is not an absolute `https` address, or an `http` address on
    /// the loopback interface.
    pub fn presigned(&mut self, url: &str, source: &Source) -> Result<(), Error> {
        let address = Address::read_secure(url)
            .map_err(|problem| Error::input("presigned URL", source, problem))?;
        let target = address.uri().path_and_query();
        let target = target.map_or("/", PathAndQuery::as_str);
        self.target = Cow::Owned(target.to_owned());
        self.base = Some(address.into());
        Ok(())
    }

    /// Appends a query parameter. The name and the value are escaped.
    pub fn query(&mut self, name: &str, value: impl Display) {
        let separator = if self.query.is_empty() { '?' } else { '&' };
        self.query.push(separator);
        self.query.extend(escape(name));
        self.query.push('=');
        self.query.extend(escape(&value.to_string()));
    }

    /// Appends a query parameter if there is a value.
    pub fn query_opt(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.query(name, value);
        }
    }

    /// Sets a header, replacing earlier values.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the value contains characters that a header cannot contain, and for
    /// headers that describe the connection or the length of the body, such as `Content-Length`.
    pub fn header(&mut self, name: HeaderName, value: &str) -> Result<(), Error> {
        let value = header_value(&name, value)?;
        self.request.headers_mut().insert(name, value);
        Ok(())
    }

    /// Sets a header to a secret, replacing an earlier value. The value is marked as sensitive: it is not
    /// formatted by `Debug`, and not added to the compression tables of HTTP/2.
    ///
    /// # Errors
    ///
    /// Those of [`header`](Self::header).
    pub fn secret_header(&mut self, name: HeaderName, value: &Secret) -> Result<(), Error> {
        let mut value = header_value(&name, value.expose())?;
        value.set_sensitive(true);
        self.request.headers_mut().insert(name, value);
        Ok(())
    }

    /// Appends a header, keeping earlier values of the same name.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the value contains characters that a header cannot contain, and for
    /// headers that describe the connection or the length of the body, such as `Content-Length`.
    pub fn add_header(&mut self, name: HeaderName, value: &str) -> Result<(), Error> {
        let value = header_value(&name, value)?;
        self.request.headers_mut().append(name, value);
        Ok(())
    }

    /// Sets the body to `value` serialized as JSON, and the content type to match.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the value cannot be serialized as JSON.
    pub fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let json = serde_json::to_vec(value)
            .map_err(|problem| Error::input("request body", &Source::Code, problem))?;
        self.body(json.into(), HeaderValue::from_static("application/json"));
        Ok(())
    }

    /// Sets the body and its content type.
    pub fn body(&mut self, body: Body, content_type: HeaderValue) {
        self.request
            .headers_mut()
            .insert(CONTENT_TYPE, content_type);
        *self.request.body_mut() = body;
    }

    /// Sets the options of the call, which override those of the client.
    pub fn options(&mut self, options: CallOptions) {
        self.options = Some(options);
    }

    /// Sends the request without the headers that a client adds to every request: its credential,
    /// its workspace, its API version and its user agent. Headers of the request itself are kept,
    /// except for credentials of the platform.
    ///
    /// It is for an address with a permission of its own, such as a preview of a sandbox with its
    /// token. So the request needs an [`address`](Self::address). Any `https` address is accepted,
    /// also one that the client may not send its credential to. Time limits and retries are those
    /// of the operation's plane.
    ///
    /// ```
    /// use blaxel_core::{CallContext, Error, OperationInfo, Plane, RequestWriter, Source};
    /// use http::{HeaderName, Method};
    ///
    /// static LIST: OperationInfo =
    ///     OperationInfo::new("ListProcesses", Method::GET, "/process").with_plane(Plane::Run);
    ///
    /// let mut writer = RequestWriter::new(&LIST);
    /// writer.address("https://preview.example", &Source::Code)?;
    /// writer.below("process")?;
    /// writer.header(HeaderName::from_static("x-blaxel-preview-token"), "secret")?;
    /// writer.without_credential();
    /// let request = writer.finish()?;
    /// let context = CallContext::of(request.extensions());
    /// assert!(context.is_some_and(|context| !context.carries_credential()));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn without_credential(&mut self) {
        self.traits.credential = false;
    }

    /// Asks the server to speak another protocol on the connection, such as `websocket`. Send the request
    /// with [`upgrade`](crate::upgrade()).
    ///
    /// The transport sets the headers `Connection` and `Upgrade`. Headers of the protocol, such as
    /// `Sec-WebSocket-Key`, are set with [`header`](Self::header).
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if the protocol is not a single token.
    #[cfg(feature = "upgrade")]
    #[cfg_attr(docsrs, doc(cfg(feature = "upgrade")))]
    pub fn upgrade(&mut self, protocol: &str) -> Result<(), Error> {
        let Some(upgrade) = UpgradeRequest::new(protocol) else {
            let problem = "it is not a single token, such as `websocket`";
            return Err(Error::input("protocol", &Source::Code, problem));
        };
        self.traits.upgrade = Some(Box::new(upgrade));
        Ok(())
    }

    /// Returns the finished request, with the context of the call in its extensions.
    ///
    /// Its URI names the plane of the operation, as in `blaxel://control/agents/a`, unless an
    /// address was set; a transport replaces the plane with its origin.
    ///
    /// # Errors
    ///
    /// [`Error::is_input`] if a parameter of the path was not filled in, if the address is too long, if
    /// a request [without a credential](Self::without_credential) has no address, or if a request for an
    /// upgrade has a body.
    pub fn finish(mut self) -> Result<http::Request<Body>, Error> {
        self.complete()?;
        Ok(self.into_request())
    }

    /// Returns the request as it is: without an address and a context before [`complete`](Self::complete).
    pub(crate) fn into_request(self) -> http::Request<Body> {
        self.request
    }

    /// Gives the request its address and its context. In place, because a request is large to move.
    pub(crate) fn complete(&mut self) -> Result<(), Error> {
        if self.target.as_bytes().contains(&b'{') && next_parameter(&self.target).is_some() {
            return Err(self.wrong_count());
        }
        if !self.target.starts_with('/') {
            self.target.to_mut().insert(0, '/');
        }
        if !self.traits.credential && self.base.is_none() {
            // If a layer drops the context, the plane in the URI would be all that is left, and the
            // request would get the credential.
            let problem = "a request without a credential needs an address of its own";
            return Err(Error::input("address", &Source::Code, problem));
        }
        #[cfg(feature = "upgrade")]
        if self.traits.upgrade.is_some()
            && !self
                .request
                .body()
                .bytes()
                .is_some_and(|bytes| bytes.is_empty())
        {
            // The server could take the body for the first bytes of the other protocol.
            let problem = "a request for an upgrade has none";
            return Err(Error::input("request body", &Source::Code, problem));
        }
        if !self.query.is_empty() {
            self.target.to_mut().push_str(&self.query);
        }
        let bad = |problem: &dyn Display| Error::input("request path", &Source::Code, problem);
        let target = match std::mem::take(&mut self.target) {
            Cow::Borrowed(template) => {
                PathAndQuery::from_maybe_shared(Bytes::from_static(template.as_bytes()))
            }
            Cow::Owned(target) => PathAndQuery::from_maybe_shared(Bytes::from(target)),
        }
        .map_err(|problem| bad(&problem))?;
        *self.request.uri_mut() = match self.base.take() {
            None => uri_on(self.info.plane(), target),
            Some(base) => with_target(&base, target),
        }
        .map_err(|problem| bad(&problem))?;
        let traits = std::mem::take(&mut self.traits);
        let context = CallContext::with_traits(self.info, traits);
        attach(
            &mut self.request,
            match self.options {
                Some(options) => context.with_options(options),
                None => context,
            },
        );
        Ok(())
    }

    /// Creates the error of a number of path values that does not match the template.
    fn wrong_count(&self) -> Error {
        let template = self.info.path();
        Error::input(
            "path",
            &Source::Code,
            fmt::format(format_args!(
                "the number of values does not match the template `{template}`"
            )),
        )
    }
}

/// Returns the value of a header that a caller may set.
fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, Error> {
    check_name(name)?;
    HeaderValue::try_from(value)
        .map_err(|problem| Error::input(name.as_str(), &Source::Code, problem))
}

impl fmt::Debug for RequestWriter {
    /// Omits the address, the headers and the body, which can contain secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestWriter")
            .field("operation", &self.info.name())
            .finish_non_exhaustive()
    }
}

/// Splits a template at its first parameter into the text before, the name, and the text after.
fn next_parameter(template: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = split_at_byte(template, b'{')?;
    let (name, after) = split_at_byte(rest, b'}')?;
    Some((before, name, after))
}

/// Splits a text at an ASCII character. For texts as short as paths it is faster than `str::split_once`.
fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|it| it == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Appends a value as one escaped segment.
fn push_segment(target: &mut String, parameter: &str, value: &str) -> Result<(), Error> {
    push_escaped(target, parameter, value, ESCAPED)
}

/// Appends a value with the given characters escaped. Fails if it is empty, `.` or `..`.
fn push_escaped(
    target: &mut String,
    parameter: &str,
    value: &str,
    escaped: &'static AsciiSet,
) -> Result<(), Error> {
    let problem = match value {
        "" => "it is empty",
        "." | ".." => "`.` and `..` would lead to another resource",
        _ => {
            target.extend(utf8_percent_encode(value, escaped));
            return Ok(());
        }
    };
    Err(Error::input(parameter, &Source::Code, problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;
    use proptest::prelude::*;

    static PREVIEW: OperationInfo = OperationInfo::new(
        "GetPreview",
        Method::GET,
        "/sandboxes/{sandbox}/previews/{preview}",
    );

    fn target(request: &http::Request<Body>) -> String {
        request.uri().path_and_query().unwrap().to_string()
    }

    fn path(values: &[&str]) -> Result<String, Error> {
        let mut writer = RequestWriter::new(&PREVIEW);
        writer.path(values.iter().copied())?;
        Ok(target(&writer.finish()?))
    }

    #[test]
    fn segments_are_escaped() {
        assert_eq!(
            path(&["a b/c", "é?#%"]).unwrap(),
            "/sandboxes/a%20b%2Fc/previews/%C3%A9%3F%23%25"
        );
        assert_eq!(
            path(&["{x}", "y"]).unwrap(),
            "/sandboxes/%7Bx%7D/previews/y"
        );
    }

    #[test]
    fn segments_that_change_the_path_are_rejected() {
        for bad in ["", ".", ".."] {
            let error = path(&["a", bad]).unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains("preview"),
                "{error}"
            );
        }
        assert!(path(&["a"]).unwrap_err().is_input());
        assert!(path(&["a", "b", "c"]).unwrap_err().is_input());
        assert!(
            RequestWriter::new(&PREVIEW)
                .finish()
                .unwrap_err()
                .is_input()
        );
    }

    #[test]
    fn a_template_is_filled_in_below_an_address_or_a_workload() {
        let fill = |start: &dyn Fn(&mut RequestWriter) -> Result<(), Error>| {
            let mut writer = RequestWriter::new(&PREVIEW);
            start(&mut writer).unwrap();
            writer.path(["a/b", "c"]).unwrap();
            writer.query("limit", 5);
            writer.finish().unwrap().uri().to_string()
        };
        let address = |writer: &mut RequestWriter| {
            writer.address("https://sbx-dev.us.bl.run/base/", &Source::Code)
        };
        assert_eq!(
            fill(&address),
            "https://sbx-dev.us.bl.run/base/sandboxes/a%2Fb/previews/c?limit=5"
        );
        assert_eq!(
            fill(&|writer| writer.workload("sandboxes", "my/dev")),
            "blaxel://control/sandboxes/my%2Fdev/sandboxes/a%2Fb/previews/c?limit=5"
        );
        let mut writer = RequestWriter::new(&PREVIEW);
        assert!(writer.workload("sandboxes", "..").unwrap_err().is_input());
    }

    #[test]
    fn a_secret_header_is_marked_as_sensitive() {
        let mut writer = RequestWriter::new(&PREVIEW);
        let name = HeaderName::from_static("x-token");
        writer.path(["a", "b"]).unwrap();
        writer
            .secret_header(name.clone(), &Secret::from("s3cret"))
            .unwrap();
        let broken = writer
            .secret_header(name, &Secret::from("s3cret\n"))
            .unwrap_err();
        assert!(!broken.to_string().contains("s3cret"), "{broken}");
        let request = writer.finish().unwrap();
        assert!(request.headers()["x-token"].is_sensitive());
    }

    #[test]
    fn query_values_are_escaped() {
        let mut writer = RequestWriter::new(&PREVIEW);
        writer.path(["a", "b"]).unwrap();
        writer.query("cursor", "x+/=&y");
        writer.query_opt("none", None::<u32>);
        writer.query("limit", 5);
        let uri = target(&writer.finish().unwrap());
        assert_eq!(uri, "/sandboxes/a/previews/b?cursor=x%2B%2F%3D%26y&limit=5");
    }

    #[test]
    fn query_names_are_escaped() {
        let mut writer = RequestWriter::new(&PREVIEW);
        writer.path(["a", "b"]).unwrap();
        writer.query("a&admin=true", 1);
        writer.query("b#c", 2);
        writer.query("d", 3);
        let uri = target(&writer.finish().unwrap());
        assert_eq!(
            uri,
            "/sandboxes/a/previews/b?a%26admin%3Dtrue=1&b%23c=2&d=3"
        );
    }

    #[test]
    fn headers_of_the_connection_are_rejected() {
        use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
        let mut writer = RequestWriter::new(&PREVIEW);
        for name in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION] {
            assert!(writer.header(name.clone(), "3").unwrap_err().is_input());
            assert!(writer.add_header(name, "3").unwrap_err().is_input());
        }
    }

    #[test]
    fn an_address_replaces_the_origin_and_the_template() {
        let mut writer = RequestWriter::new(&PREVIEW);
        writer
            .address("https://agt-x.us-pdx-1.bl.run/base/", &Source::Code)
            .unwrap();
        writer.below("/v1//chat").unwrap();
        writer.query("a", 1);
        let uri = writer.finish().unwrap().uri().to_string();
        assert_eq!(uri, "https://agt-x.us-pdx-1.bl.run/base/v1/chat?a=1");
    }

    #[test]
    fn no_text_shows_the_token_of_an_address() {
        let source = Source::Response("metadata.url".into());
        for url in [
            "https://a.bl.run/x?bl_preview_token=canary",
            "https://a.bl.run:canary/",
            "https://me:can#canary@a.bl.run/",
            "http://a.bl.run/canary",
        ] {
            let mut writer = RequestWriter::new(&PREVIEW);
            let mut errors = vec![writer.address(url, &source).unwrap_err()];
            if let Err(error) = writer.presigned(url, &source) {
                errors.push(error);
            }
            for error in errors {
                let shown = format!("{error} {error:?}");
                assert!(
                    shown.contains("`metadata.url` in a response"),
                    "{url}: {shown}"
                );
                assert!(!shown.contains("canary"), "{url}: {shown}");
            }
            assert!(!format!("{writer:?}").contains("canary"), "{writer:?}");
        }
    }

    #[test]
    fn a_presigned_url_is_sent_unchanged() {
        let url = "https://s3.example/a//b%2F?X-Amz-Signature=a%2Bb&x=me@host";
        let mut writer = RequestWriter::new(&PREVIEW);
        writer.presigned(url, &Source::Code).unwrap();
        assert_eq!(writer.finish().unwrap().uri().to_string(), url);
    }

    #[test]
    fn a_path_below_an_address_is_escaped_only_where_necessary() {
        let mut writer = RequestWriter::new(&PREVIEW);
        writer
            .address("https://mdl-x.bl.run", &Source::Code)
            .unwrap();
        writer.below("v1beta/models/g:generate/").unwrap();
        writer.below("a b?#%é/").unwrap();
        writer.query("alt", "sse");
        let uri = writer.finish().unwrap().uri().to_string();
        assert_eq!(
            uri,
            "https://mdl-x.bl.run/v1beta/models/g:generate/a%20b%3F%23%25%C3%A9/?alt=sse"
        );
        let mut writer = RequestWriter::new(&PREVIEW);
        for bad in ["../x", "a/./b"] {
            assert!(writer.below(bad).unwrap_err().is_input(), "{bad}");
        }
    }

    #[test]
    fn a_request_without_a_credential_needs_an_address() {
        let mut writer = RequestWriter::new(&PREVIEW);
        writer.path(["a", "b"]).unwrap();
        writer.without_credential();
        let error = writer.finish().unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("address"),
            "{error}"
        );
    }

    #[cfg(feature = "upgrade")]
    #[test]
    fn a_request_for_an_upgrade_has_a_protocol_and_no_body() {
        let mut writer = RequestWriter::new(&PREVIEW);
        writer.path(["a", "b"]).unwrap();
        assert!(writer.upgrade("websocket, h2c").unwrap_err().is_input());
        writer.upgrade("websocket").unwrap();
        writer.json(&1).unwrap();
        let error = writer.finish().unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains("body"),
            "{error}"
        );
    }

    #[test]
    fn a_segment_below_an_address_is_escaped_whole() {
        let mut writer = RequestWriter::new(&PREVIEW);
        writer
            .address("https://sbx-x.bl.run/base/", &Source::Code)
            .unwrap();
        writer.query("a", 1);
        writer.below("filesystem/").unwrap();
        writer.segment("/data/../a:b%2F").unwrap();
        writer.segment("tree").unwrap();
        writer.query("b", 2);
        let uri = writer.finish().unwrap().uri().to_string();
        assert_eq!(
            uri,
            "https://sbx-x.bl.run/base/filesystem/%2Fdata%2F..%2Fa%3Ab%252F/tree?a=1&b=2"
        );
    }

    #[test]
    fn a_segment_below_a_template_needs_its_parameters_too() {
        let mut writer = RequestWriter::new(&PREVIEW);
        writer.path(["a", "b"]).unwrap();
        writer.segment("{c}").unwrap();
        assert_eq!(
            target(&writer.finish().unwrap()),
            "/sandboxes/a/previews/b/%7Bc%7D"
        );
        let mut writer = RequestWriter::new(&PREVIEW);
        writer.segment("c").unwrap();
        assert!(writer.finish().unwrap_err().is_input());
    }

    #[test]
    fn a_segment_that_changes_the_path_is_rejected() {
        for bad in ["", ".", ".."] {
            let mut writer = RequestWriter::new(&PREVIEW);
            let error = writer.segment(bad).unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains("path segment"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_request_carries_its_description() {
        let mut writer = RequestWriter::new(&PREVIEW);
        writer.path(["a", "b"]).unwrap();
        writer.json(&[1]).unwrap();
        let request = writer.finish().unwrap();
        assert_eq!(crate::operation(&request).unwrap().name(), "GetPreview");
        assert_eq!(request.uri(), "blaxel://control/sandboxes/a/previews/b");
        assert_eq!(request.headers()["content-type"], "application/json");
    }

    proptest! {
        #[test]
        fn a_value_always_stays_one_segment(value in ".{1,40}") {
            prop_assume!(value != "." && value != "..");
            let uri = path(&[&value, "p"]).unwrap();
            let segments: Vec<_> = uri.split('/').collect();
            prop_assert_eq!(segments.len(), 5);
            let decoded = percent_encoding::percent_decode_str(segments[2]).decode_utf8().unwrap();
            prop_assert_eq!(decoded, value.as_str());

            let mut writer = RequestWriter::new(&PREVIEW);
            writer.address("https://a.bl.run/base", &Source::Code).unwrap();
            writer.segment(&value).unwrap();
            writer.segment("end").unwrap();
            let uri = target(&writer.finish().unwrap());
            let escaped = uri.strip_prefix("/base/").unwrap().strip_suffix("/end").unwrap();
            prop_assert!(!escaped.contains(['/', '?', '#']), "{escaped}");
            let decoded = percent_encoding::percent_decode_str(escaped).decode_utf8().unwrap();
            prop_assert_eq!(decoded, value);
        }
    }
}
