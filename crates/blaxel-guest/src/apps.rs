//! The apps of the images for web development.

use crate::files::{FileError, Files};

/// The directory of the app.
const ROOT: &str = "/blaxel/app";

/// The development server: it serves the files of a directory on a port.
const SERVER: &str = r#"#!/bin/sh
port=${PORT:-PORT_OF_SERVER}
case $1 in dev|start|serve|preview) shift;; esac
while [ $# -gt 0 ]; do
  case $1 in
    -p|--port) port=$2; shift;;
    --port=*) port=${1#*=};;
    -H|--hostname|--host) case $2 in -*|'') ;; *) shift;; esac;;
  esac
  shift
done
echo "Local: http://localhost:$port/"
exec python3 -m http.server "$port" --directory DIRECTORY_OF_SERVER
"#;

const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Blaxel app</title></head>\n\
                    <body><h1>It runs</h1><p>This page is served by a sandbox for tests.</p></body>\n</html>\n";

/// An app by the name of its image.
struct App {
    image: &'static str,
    /// The program of its development server.
    server: &'static str,
    port: u16,
    /// The directory of what is served.
    directory: &'static str,
}

const APPS: [App; 2] = [
    App {
        image: "nextjs",
        server: "next",
        port: 3000,
        directory: "public",
    },
    App {
        image: "vite",
        server: "vite",
        port: 5173,
        directory: ".",
    },
];

/// Creates the app of an image such as `blaxel/nextjs:latest`, if it has one.
///
/// A directory that has a `package.json` already stays as it is.
pub(crate) fn install(files: &dyn Files, image: &str) -> Result<(), FileError> {
    let name = image.strip_prefix("blaxel/").unwrap_or_default();
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let Some(app) = APPS.iter().find(|app| app.image == name) else {
        return Ok(());
    };
    if files.metadata(&format!("{ROOT}/package.json")).is_ok() {
        return Ok(());
    }
    let server = app.server;
    let run = match server {
        "next" => "next dev",
        other => other,
    };
    let package = format!(
        "{{\n  \"name\": \"app\",\n  \"version\": \"0.1.0\",\n  \"private\": true,\n  \"scripts\": {{\n    \
         \"dev\": \"{run}\"\n  }}\n}}\n"
    );
    let program = SERVER
        .replace("PORT_OF_SERVER", &app.port.to_string())
        .replace("DIRECTORY_OF_SERVER", app.directory);
    let page = format!("{}/index.html", app.directory);
    let program_path = format!("node_modules/.bin/{server}");
    let contents = [
        ("package.json", package.as_str(), 0o644),
        (&page, PAGE, 0o644),
        (&program_path, &program, 0o755),
    ];
    for (name, content, mode) in contents {
        let path = format!("{ROOT}/{name}");
        let parent = path.rsplit_once('/').map_or("/", |(parent, _)| parent);
        files.create_dir_all(parent, 0o755)?;
        files.write(&path, content.as_bytes(), mode)?;
    }
    Ok(())
}
