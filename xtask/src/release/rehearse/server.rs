//! A registry on this machine: `ktra`, behind a proxy.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use xshell::Shell;

use super::audit::complaints;
use super::proxy::{Fault, Proxy, exchange, package};
use crate::git::git;
use crate::process::Process;

/// A registry that serves until it is dropped.
pub(super) struct Server {
    pub(super) proxy: Proxy,
    /// The repository of its index.
    pub(super) index: PathBuf,
    /// The token that lets a user publish.
    pub(super) token: String,
    _process: Process,
}

impl Server {
    /// Starts an empty registry that keeps its files in the current directory.
    pub(super) fn start(sh: &Shell, ktra: &Path, faults: &[Option<Fault>]) -> Result<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let proxy = Proxy::start(address, faults)?;
        let at = &sh.current_dir();
        let url = format!("http://{}", proxy.address);
        let config = json!({"dl": format!("{url}/dl"), "api": url});
        sh.write_file("first/config.json", config.to_string())?;
        git(sh, "init --quiet --initial-branch main first").run()?;
        git(sh, "-C first add config.json").run()?;
        git(sh, "-C first commit --quiet --message Begin").run()?;
        git(sh, "clone --quiet --bare first index.git").run()?;
        sh.write_file("ktra.toml", configuration(at, address))?;
        let log = File::create(at.join("log"))?;
        let mut ktra = Command::new(ktra);
        ktra.args(["--config", "ktra.toml"]).current_dir(at);
        ktra.stdout(log.try_clone()?).stderr(log);
        Ok(Self {
            proxy,
            index: at.join("index.git"),
            _process: Process::start(&mut ktra, "ktra")?,
            token: sign_up(address)?,
        })
    }

    /// Fails unless the registry took each of these packages once, and nothing else.
    pub(super) fn audit(&self, packages: &[String]) -> Result<()> {
        let sh = Shell::new()?;
        sh.change_dir(&self.index);
        let mut index = Vec::new();
        let files = git(&sh, "ls-tree -r --name-only main").read()?;
        for file in files.lines().filter(|file| *file != "config.json") {
            let versions = git(&sh, &format!("show main:{file}")).read()?;
            let packages = versions.lines().map(|it| package(it.as_bytes()));
            index.extend(packages.map(Option::unwrap_or_default));
        }
        let complaints = complaints(packages, &index, &self.proxy.uploads().0);
        if !complaints.is_empty() {
            bail!("{}", complaints.join("\n"));
        }
        println!("\nthe registry took {} packages, each once", packages.len());
        Ok(())
    }
}

/// Returns the configuration of a registry that serves this address.
fn configuration(at: &Path, address: SocketAddr) -> String {
    let (at, port) = (at.display(), address.port());
    format!(
        "[crate_files_config]\ndl_dir_path = '{at}/crates'\ncache_dir_path = '{at}/cache'\n\
         [db_config]\ndb_dir_path = '{at}/db'\n[index_config]\nremote_url = 'file://{at}/index.git'\n\
         local_path = '{at}/checkout'\nbranch = 'main'\nemail = 'rehearsal@example.invalid'\n\
         [server_config]\naddress = [127, 0, 0, 1]\nport = {port}\n"
    )
}

/// Creates a user as soon as the registry serves, within 30 seconds. Returns the user's token.
fn sign_up(registry: SocketAddr) -> Result<String> {
    const BODY: &str = r#"{"password":"rehearsal"}"#;
    let length = BODY.len();
    let head = format!(
        "POST /ktra/api/v1/new_user/rehearsal HTTP/1.1\r\nhost: {registry}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n"
    );
    let attempts = (0..300).find_map(|_| {
        thread::sleep(Duration::from_millis(100));
        exchange(registry, &head, BODY.as_bytes()).ok()
    });
    let response = attempts.context("the registry does not serve")?;
    let response = String::from_utf8_lossy(&response);
    let token = response.split("{\"token\":\"").nth(1);
    let token = token.and_then(|rest| rest.split('"').next());
    Ok(token.context("the registry gives no token")?.to_owned())
}
