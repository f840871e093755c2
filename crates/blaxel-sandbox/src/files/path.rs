//! Paths in a sandbox, and the only way in which they are written into a request.
//!
//! The server reads one text in several ways, depending on how it is escaped and on the call. So a path is
//! normalized here, and sent in one of two forms that all calls read alike:
//!
//! - An absolute path is a single segment with each `/` as `%2F`, which makes it absolute for the server.
//! - A relative path is plain segments, unless the server would misread it: names that begin with `tree` or
//!   `~`, or contain the text `%2F`. Such a path is made absolute first, as is one that leaves the working
//!   directory.

use blaxel_core::{Error, RequestWriter, Source};

/// A normalized path: without empty segments, `.` and, as far as possible, `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemotePath {
    /// A path that begins with `/`.
    Absolute(String),
    /// A path below the working directory of the sandbox, which is `.` itself.
    Relative(String),
}

impl RemotePath {
    /// Parses a path. It fails for an empty path, for a NUL character and for a leading `~`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |problem: &str| {
            let problem = format!("`{text}`: {problem}");
            Err(Error::input("path", &Source::Code, problem))
        };
        if text.is_empty() {
            return invalid("it is empty; the working directory is `.`");
        }
        if text.contains('\0') {
            return invalid("it contains a NUL character");
        }
        if text.starts_with('~') {
            return invalid(
                "a leading `~` is not expanded; write the path of the home directory, or `./~` for a name \
                 that begins with `~`",
            );
        }
        Ok(match text.strip_prefix('/') {
            Some(rest) => Self::Absolute(format!("/{}", normalize(rest, true))),
            None => match normalize(text, false) {
                empty if empty.is_empty() => Self::Relative(".".to_owned()),
                relative => Self::Relative(relative),
            },
        })
    }

    /// Returns the path as text.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Absolute(path) | Self::Relative(path) => path,
        }
    }

    /// Returns the last segment, or `None` for the root and for a path whose name is not known.
    pub(crate) fn name(&self) -> Option<&str> {
        let (_, name) = self
            .as_str()
            .rsplit_once('/')
            .unwrap_or(("", self.as_str()));
        Some(name).filter(|name| !matches!(*name, "" | "." | ".."))
    }

    /// Returns `true` if the server reads the path as it is meant, so that its working directory need not be
    /// known.
    pub(crate) fn is_sendable(&self) -> bool {
        match self {
            Self::Absolute(_) => true,
            Self::Relative(path) => {
                let first = path.split('/').next().unwrap_or_default();
                !(matches!(first, "." | "..")
                    || first.starts_with("tree")
                    || first.starts_with('~')
                    || path.contains("%2F"))
            }
        }
    }

    /// Returns the absolute path, given the working directory.
    pub(crate) fn below(&self, working_dir: &str) -> Self {
        match self {
            Self::Absolute(_) => self.clone(),
            Self::Relative(path) => Self::Absolute(format!(
                "/{}",
                normalize(&format!("{working_dir}/{path}"), true)
            )),
        }
    }

    /// Returns the path of an entry below this one.
    pub(crate) fn join(&self, entry: &str) -> String {
        match self {
            // A path cannot begin with `~`.
            Self::Relative(path) if path == "." && entry.starts_with('~') => format!("./{entry}"),
            Self::Relative(path) if path == "." => entry.to_owned(),
            Self::Absolute(path) if path == "/" => format!("/{entry}"),
            Self::Absolute(path) | Self::Relative(path) => format!("{path}/{entry}"),
        }
    }

    /// Writes the path into a request whose template ends with the parameter of the path.
    pub(crate) fn write(&self, request: &mut RequestWriter) -> Result<(), Error> {
        match self {
            Self::Absolute(path) => request.path([path.as_str()]),
            Self::Relative(path) => {
                let (first, rest) = path.split_once('/').unwrap_or((path, ""));
                request.path([first])?;
                request.below(rest)
            }
        }
    }

    /// Writes an absolute path into a request of a tree route, which reads its segments only.
    pub(crate) fn write_segments(&self, request: &mut RequestWriter) -> Result<(), Error> {
        let path = self.as_str().trim_start_matches('/');
        if path.is_empty() {
            return request.path(["/"]);
        }
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        request.path([first])?;
        request.below(rest)
    }
}

/// Normalizes the path of a file below a directory. It fails for a path that is empty or leaves the directory.
pub(crate) fn parse_below(text: &str) -> Result<String, Error> {
    let path = normalize(text, false);
    let problem = if text.starts_with('/') {
        "it is absolute"
    } else if path.is_empty() || text.ends_with('/') {
        "it names no file"
    } else if path == ".." || path.starts_with("../") {
        "it leaves the directory"
    } else if text.contains('\0') {
        "it contains a NUL character"
    } else {
        return Ok(path);
    };
    let problem = format!("`{text}`: {problem}");
    Err(Error::input(
        "path below a directory",
        &Source::Code,
        problem,
    ))
}

/// Removes empty segments and `.`, and resolves `..` by the text, as the server does. In an absolute path, the
/// parent of the root is the root.
fn normalize(path: &str, absolute: bool) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => match segments.last() {
                Some(&last) if last != ".." => {
                    segments.pop();
                }
                _ if absolute => {}
                _ => segments.push(".."),
            },
            other => segments.push(other),
        }
    }
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use blaxel_core::{OperationInfo, Plane};
    use http::Method;
    use proptest::prelude::*;

    static READ: OperationInfo =
        OperationInfo::new("ReadFile", Method::GET, "/filesystem/{path}").with_plane(Plane::Run);
    static TREE: OperationInfo =
        OperationInfo::new("ReadTree", Method::GET, "/filesystem/tree/{path}")
            .with_plane(Plane::Run);

    const WORKING_DIR: &str = "/data/dir";

    fn target(info: &'static OperationInfo, path: &RemotePath) -> String {
        let mut request = RequestWriter::new(info);
        match info.name() {
            "ReadTree" => path.write_segments(&mut request).unwrap(),
            _ => path.write(&mut request).unwrap(),
        }
        let request = request.finish().unwrap();
        request.uri().path_and_query().unwrap().to_string()
    }

    /// Returns the file that the server finds for a request target.
    fn served(target: &str) -> Option<String> {
        let decoded = percent_decode(target);
        if let Some(path) = decoded.strip_prefix("/filesystem/tree") {
            let collapsed = path.split('/').filter(|segment| !segment.is_empty());
            return Some(format!("tree:/{}", collapsed.collect::<Vec<_>>().join("/")));
        }
        let path = decoded.strip_prefix("/filesystem")?;
        // The server compares the escaped path only if it differs from the way it would escape it.
        let raw = if escape_as_go(&decoded) == target {
            &decoded
        } else {
            target
        };
        let path = if raw.contains("%2F") {
            path.to_owned()
        } else {
            match path.strip_prefix('/')? {
                "" => ".".to_owned(),
                home if home.starts_with('~') => format!("/me{}", &home[1..]),
                relative => relative.to_owned(),
            }
        };
        let absolute = if path.starts_with('/') {
            path
        } else {
            format!("{WORKING_DIR}/{path}")
        };
        Some(format!("/{}", normalize(&absolute, true)))
    }

    fn percent_decode(text: &str) -> String {
        let bytes = text.as_bytes();
        let mut decoded = Vec::new();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let hex = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
            match hex.map(|hex| u8::from_str_radix(hex, 16).unwrap()) {
                Some(byte) => {
                    decoded.push(byte);
                    at += 3;
                }
                None => {
                    decoded.push(*byte);
                    at += 1;
                }
            }
        }
        String::from_utf8(decoded).unwrap()
    }

    fn escape_as_go(path: &str) -> String {
        path.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
                b'-' | b'_' | b'.' | b'~' | b'$' | b'&' | b'+' | b'/' | b':' | b'=' | b'@' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect()
    }

    #[test]
    fn the_servers_readings_of_the_fact_sheet_hold_in_the_model() {
        for (target, file) in [
            ("/filesystem/src/a.ts", "/data/dir/src/a.ts"),
            ("/filesystem/%2Fetc%2Fhosts", "/etc/hosts"),
            ("/filesystem/src%2Fa.ts", "/src/a.ts"),
            ("/filesystem/~/x", "/me/x"),
            ("/filesystem/", WORKING_DIR),
            ("/filesystem/a%252Fb", "/a%2Fb"),
            ("/filesystem/tree/x", "tree:/x"),
            ("/filesystem/treehouse.txt", "tree:/house.txt"),
        ] {
            assert_eq!(served(target).as_deref(), Some(file), "{target}");
        }
    }

    #[test]
    fn paths_are_sent_as_the_server_reads_them() {
        for (path, expected) in [
            ("/etc/hosts", "/filesystem/%2Fetc%2Fhosts"),
            ("/", "/filesystem/%2F"),
            ("//a///b/", "/filesystem/%2Fa%2Fb"),
            ("/a/../../b/./c", "/filesystem/%2Fb%2Fc"),
            ("src/a.ts", "/filesystem/src/a.ts"),
            ("./src//a b?#%.ts", "/filesystem/src/a%20b%3F%23%25.ts"),
            ("/treehouse.txt", "/filesystem/%2Ftreehouse.txt"),
            ("/a%2Fb", "/filesystem/%2Fa%252Fb"),
            ("/ü\n", "/filesystem/%2F%C3%BC%0A"),
        ] {
            let path = RemotePath::parse(path).unwrap();
            assert!(path.is_sendable(), "{path:?}");
            assert_eq!(target(&READ, &path), expected);
        }
        for misread in [
            ".",
            "..",
            "../x",
            "treehouse.txt",
            "./~",
            "./~x/y",
            "a/b%2Fc",
            "a/../..",
        ] {
            assert!(
                !RemotePath::parse(misread).unwrap().is_sendable(),
                "{misread}"
            );
        }
    }

    #[test]
    fn paths_that_cannot_be_meant_are_refused() {
        for (path, reason) in [
            ("", "empty"),
            ("a\0", "NUL"),
            ("~", "expanded"),
            ("~/x", "expanded"),
        ] {
            let error = RemotePath::parse(path).unwrap_err();
            assert!(
                error.is_input() && error.to_string().contains(reason),
                "{error}"
            );
        }
    }

    #[test]
    fn paths_below_a_directory_stay_there() {
        assert_eq!(parse_below("a/./b/../c").unwrap(), "a/c");
        assert_eq!(parse_below("~/c").unwrap(), "~/c");
        for invalid in [
            "",
            ".",
            "a/..",
            "..",
            "../a",
            "a/../../b",
            "/a",
            "a/",
            "a\0",
        ] {
            assert!(parse_below(invalid).unwrap_err().is_input(), "{invalid}");
        }
    }

    #[test]
    fn entries_are_joined_and_names_are_found() {
        let path = |text| RemotePath::parse(text).unwrap();
        assert_eq!(path("/").join("a"), "/a");
        assert_eq!(path("/b/").join("a"), "/b/a");
        assert_eq!(path(".").join("a"), "a");
        assert_eq!(path(".").join("~a"), "./~a");
        assert_eq!(path("b/c").join("a"), "b/c/a");
        assert_eq!(path("/a/dist").name(), Some("dist"));
        assert_eq!(path("dist").name(), Some("dist"));
        for nameless in ["/", ".", "..", "../.."] {
            assert_eq!(path(nameless).name(), None, "{nameless}");
        }
    }

    proptest! {
        #[test]
        fn every_path_reaches_the_file_that_it_names(
            absolute: bool,
            segments in proptest::collection::vec(
                prop_oneof![
                    "[^/\0]{1,6}", Just("..".into()), Just(".".into()), Just(String::new()),
                    "tree[a-z]{0,3}", "~[a-z]{0,3}", "%2F", "%2f", "\\PC{1,4}".prop_map(|text| text.replace('/', "")),
                ],
                1..6,
            ),
        ) {
            let text = format!("{}{}", if absolute { "/" } else { "./" }, segments.join("/"));
            let path = RemotePath::parse(&text).unwrap();
            let path = if path.is_sendable() { path } else { path.below(WORKING_DIR) };
            let meant = path.below(WORKING_DIR);
            prop_assert_eq!(served(&target(&READ, &path)).unwrap(), meant.as_str());
            let tree = served(&target(&TREE, &meant)).unwrap();
            prop_assert_eq!(tree, format!("tree:{}", meant.as_str()));
            let parsed_again = RemotePath::parse(meant.as_str()).unwrap();
            prop_assert_eq!(parsed_again.as_str(), meant.as_str());
        }
    }
}
