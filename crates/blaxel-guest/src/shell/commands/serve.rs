//! `python3 -m http.server`: the files of a directory on a port.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Method, Request, StatusCode};
use percent_encoding::percent_decode_str;

use super::Done;
use crate::files::{FileKind, Files as _, join};
use crate::memory::MemoryFiles;
use crate::shell::Shell;

/// The types of contents by the ends of names.
const TYPES: [(&str, &str); 12] = [
    ("html", "text/html"),
    ("htm", "text/html"),
    ("css", "text/css"),
    ("js", "text/javascript"),
    ("mjs", "text/javascript"),
    ("json", "application/json"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("pdf", "application/pdf"),
];

pub(super) async fn python(shell: &mut Shell, arguments: &[String]) -> Done {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut rest = match words.as_slice() {
        ["-u", "-m", "http.server", rest @ ..] | ["-m", "http.server", rest @ ..] => rest,
        _ => {
            let message = "this machine has no Python except for `-m http.server`; \
                           describe the command with a script";
            shell.report_of("python3", message).await;
            return Err(1);
        }
    };
    let (mut port, mut directory) = (8000, shell.directory.clone());
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        match *word {
            "--directory" | "-d" => {
                directory = shell.path(rest.first().copied().unwrap_or("."));
                rest = rest.get(1..).unwrap_or_default();
            }
            "--bind" | "-b" => rest = rest.get(1..).unwrap_or_default(),
            word => match word.parse() {
                Ok(number) => port = number,
                Err(_) => {
                    let message = format!("error: argument port: invalid int value: '{word}'");
                    shell.report_of("server.py", message).await;
                    return Err(2);
                }
            },
        }
    }
    let disk = shell.disk.clone();
    let router = Router::new().fallback(move |request: Request<Body>| async move {
        respond(&disk, &directory, &request)
    });
    let ports = &shell.kernel.ports;
    let Some(_open) = ports.open(shell.group.pid(), "python3", port, router) else {
        shell
            .files
            .warn("OSError: [Errno 98] Address already in use\n")
            .await;
        return Err(1);
    };
    let line = format!("Serving HTTP on 0.0.0.0 port {port} (http://0.0.0.0:{port}/) ...\n");
    shell.write_of("python3", line).await?;
    std::future::pending().await
}

fn respond(disk: &MemoryFiles, directory: &str, request: &Request<Body>) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::NOT_IMPLEMENTED, "Unsupported method");
    }
    let raw = request.uri().path();
    let path = percent_decode_str(raw).decode_utf8_lossy();
    // No name leads out of the directory.
    let names = path
        .split('/')
        .filter(|name| !matches!(*name, "" | "." | ".."));
    let mut file = names.fold(directory.to_owned(), |path, name| join(&path, name));
    let is_directory = disk
        .metadata(&file)
        .is_ok_and(|file| file.kind == FileKind::Directory);
    if is_directory {
        if !raw.ends_with('/') {
            let mut response = text(StatusCode::MOVED_PERMANENTLY, "");
            if let Ok(location) = HeaderValue::from_str(&format!("{raw}/")) {
                response.headers_mut().insert(LOCATION, location);
            }
            return response;
        }
        let index = join(&file, "index.html");
        if disk.metadata(&index).is_err() {
            return listing(disk, &file, &path);
        }
        file = index;
    }
    let Ok(content) = disk.read(&file) else {
        return text(StatusCode::NOT_FOUND, "File not found");
    };
    let end = file.rsplit_once('.').map_or("", |(_, end)| end);
    let known = TYPES.iter().find(|(other, _)| *other == end);
    let content_type = known.map_or("application/octet-stream", |(_, kind)| kind);
    let mut response = Response::new(Body::from(content));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn listing(disk: &MemoryFiles, directory: &str, path: &str) -> Response {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;")
    };
    let entries = disk.read_dir(directory).unwrap_or_default();
    let items = entries.iter().map(|entry| {
        let mark = if entry.kind == FileKind::Directory {
            "/"
        } else {
            ""
        };
        let name = escape(&entry.name);
        format!("<li><a href=\"{name}{mark}\">{name}{mark}</a></li>\n")
    });
    let items: String = items.collect();
    let title = format!("Directory listing for {}", escape(path));
    let page = format!(
        "<!DOCTYPE HTML>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         </head>\n<body>\n<h1>{title}</h1>\n<hr>\n<ul>\n{items}</ul>\n<hr>\n</body>\n</html>\n"
    );
    let mut response = Response::new(Body::from(page));
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

fn text(status: StatusCode, body: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}
