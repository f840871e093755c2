//! A registry of our own on this machine: `ktra`, a program that others wrote.

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use super::audit::Index;
use super::proxy::{Proxy, Upload};
use super::trouble::Trouble;
use crate::old::git::Git;
use crate::old::process::Process;

/// How long it may take to start.
const START_LIMIT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

/// A registry that serves until it is dropped, with a proxy before it.
pub(super) struct Server {
    proxy: Proxy,
    index: PathBuf,
    token: String,
    _process: Process,
}

impl Server {
    /// Starts an empty one that keeps what it is given in this directory.
    pub(super) fn start(
        program: &Path,
        directory: &Path,
        troubles: &[Option<Trouble>],
        kills: Sender<()>,
    ) -> Result<Self, String> {
        let failed = |error: io::Error| format!("the registry does not start: {error}");
        fs::create_dir_all(directory).map_err(failed)?;
        let address = free_address().map_err(failed)?;
        let proxy = Proxy::start(address, troubles, kills).map_err(failed)?;
        let index = directory.join("index.git");
        make_index(&index, &directory.join("first"), proxy.address())?;
        let configuration = directory.join("ktra.toml");
        fs::write(&configuration, configure(directory, &index, address)).map_err(failed)?;
        let log = fs::File::create(directory.join("log")).map_err(failed)?;
        let mut ktra = Command::new(program);
        ktra.arg("--config")
            .arg(&configuration)
            .current_dir(directory)
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log);
        let process = Process::start(&mut ktra, "ktra")?;
        let token = sign_up(address)?;
        Ok(Self {
            proxy,
            index,
            token,
            _process: process,
        })
    }

    /// Where cargo finds its index.
    pub(super) fn index_url(&self) -> String {
        format!("file://{}", self.index.display())
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn uploads(&self) -> Vec<Upload> {
        self.proxy.uploads()
    }

    pub(super) fn troubles_left(&self) -> usize {
        self.proxy.troubles_left()
    }

    /// What it holds, read past itself.
    pub(super) fn index(&self) -> Result<Index, String> {
        Index::read(&self.index)
    }
}

/// An address that nobody uses at the moment.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Makes the repository that holds the index, with the one file that a registry begins with.
fn make_index(index: &Path, first: &Path, proxy: SocketAddr) -> Result<(), String> {
    fs::create_dir_all(first).map_err(|error| format!("{}: {error}", first.display()))?;
    let configuration =
        serde_json::json!({"dl": format!("http://{proxy}/dl"), "api": format!("http://{proxy}")});
    fs::write(first.join("config.json"), configuration.to_string())
        .map_err(|error| format!("{}: {error}", first.display()))?;
    git(first, &["init", "--quiet", "--initial-branch", "main"])?;
    git(first, &["add", "config.json"])?;
    let identity = [
        "-c",
        "user.name=Rehearsal",
        "-c",
        "user.email=rehearsal@example.invalid",
    ];
    git(
        first,
        &[&identity[..], &["commit", "--quiet", "-m", "Begin"]].concat(),
    )?;
    let to = index.to_string_lossy();
    git(first, &["clone", "--quiet", "--bare", ".", &to])
}

fn git(directory: &Path, arguments: &[&str]) -> Result<(), String> {
    Git::at(directory).run(arguments).map(drop)
}

fn configure(directory: &Path, index: &Path, address: SocketAddr) -> String {
    let mut document = toml_edit::DocumentMut::new();
    let at = |name: &str| directory.join(name).display().to_string();
    document["crate_files_config"] = table([
        ("dl_dir_path", at("crates")),
        ("cache_dir_path", at("cache")),
    ]);
    document["db_config"] = table([("db_dir_path", at("db"))]);
    document["index_config"] = table([
        ("remote_url", format!("file://{}", index.display())),
        ("local_path", at("checkout")),
        ("branch", "main".to_owned()),
        ("email", "rehearsal@example.invalid".to_owned()),
    ]);
    let mut server = toml_edit::Table::new();
    let octets = Ipv4Addr::LOCALHOST.octets().map(i64::from);
    server["address"] = toml_edit::value(toml_edit::Array::from_iter(octets));
    server["port"] = toml_edit::value(i64::from(address.port()));
    document["server_config"] = toml_edit::Item::Table(server);
    document.to_string()
}

fn table<const N: usize>(members: [(&str, String); N]) -> toml_edit::Item {
    let mut table = toml_edit::Table::new();
    for (name, text) in members {
        table[name] = toml_edit::value(text);
    }
    toml_edit::Item::Table(table)
}

/// Makes a user as soon as the registry serves, and returns the token that lets it publish.
fn sign_up(registry: SocketAddr) -> Result<String, String> {
    let deadline = Instant::now() + START_LIMIT;
    let answer = loop {
        match ask_for_token(registry) {
            Ok(answer) => break answer,
            Err(error) if Instant::now() >= deadline => {
                let limit = START_LIMIT.as_secs();
                return Err(format!(
                    "the registry does not serve within {limit} s: {error}"
                ));
            }
            Err(_) => thread::sleep(PAUSE),
        }
    };
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let token = body["token"].as_str();
    token
        .map(str::to_owned)
        .ok_or_else(|| format!("the registry gives no token: {}", answer.trim()))
}

fn ask_for_token(registry: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(registry)?;
    stream.set_read_timeout(Some(START_LIMIT))?;
    let body = r#"{"password":"rehearsal"}"#;
    let length = body.len();
    write!(
        stream,
        "POST /ktra/api/v1/new_user/rehearsal HTTP/1.1\r\nhost: {registry}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    BufReader::new(stream).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_configuration_says_where_it_serves_and_where_it_keeps_things() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4242));
        let text = configure(Path::new("/kite"), Path::new("/kite/index.git"), address);
        for line in [
            "dl_dir_path = \"/kite/crates\"",
            "remote_url = \"file:///kite/index.git\"",
            "address = [127, 0, 0, 1]",
            "port = 4242",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}: {text}");
        }
    }
}
