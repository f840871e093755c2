//! [`Place`], where a certificate authority is, and the files for clients that have to trust it.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{self, Path, PathBuf};

use super::Trust;
use super::authority::Authority;
use super::server::Tls;

/// The authority with its key.
const AUTHORITY: &str = "authority.pem";
/// Its certificate alone.
const CERTIFICATE: &str = "ca.pem";
/// Its certificate with those that this machine trusts.
const BUNDLE: &str = "bundle.pem";

/// The variables of programs that trust a file besides what they trust already.
const ADDED: [&str; 2] = ["DENO_CERT", "NODE_EXTRA_CA_CERTS"];
/// The variables of programs that trust a file instead of all else.
const INSTEAD: [&str; 3] = ["CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"];

/// The files of certificates that systems trust.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The place of a certificate authority.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// It is new for each emulator, and is not kept.
    Memory,
    /// It is kept in a directory.
    Directory(PathBuf),
}

impl Place {
    /// Opens the authority, or creates it.
    pub(crate) fn open(&self) -> io::Result<(Tls, Trust)> {
        let (authority, variables) = match self {
            Self::Memory => (Authority::new()?, Vec::new()),
            Self::Directory(directory) => {
                let directory = path::absolute(directory)?;
                let authority = kept(&directory)?;
                let variables = write_files(&directory, &authority.certificate)?;
                (authority, variables)
            }
        };
        let trust = Trust {
            authority: Some(authority.certificate.clone()),
            variables,
        };
        Ok((Tls::new(authority)?, trust))
    }
}

/// Returns the authority in a directory, creating both if there is none.
fn kept(directory: &Path) -> io::Result<Authority> {
    let file = directory.join(AUTHORITY);
    let about =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    fs::create_dir_all(directory).map_err(about)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&file) {
        Ok(mut new) => {
            let authority = Authority::new()?;
            new.write_all(authority.save().as_bytes()).map_err(about)?;
            Ok(authority)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let saved = fs::read_to_string(&file).map_err(about)?;
            Authority::restore(&saved).map_err(about)
        }
        Err(error) => Err(about(error)),
    }
}

/// Writes the files for clients, and returns the variables that name them.
///
/// The file that replaces all else a client trusts has the certificates of this machine too: the calls
/// of other servers go on.
fn write_files(directory: &Path, certificate: &str) -> io::Result<Vec<(&'static str, String)>> {
    let mut bundle = certificate.as_bytes().to_vec();
    bundle.extend(system_certificates());
    let alone = write(&directory.join(CERTIFICATE), certificate.as_bytes())?;
    let bundle = write(&directory.join(BUNDLE), &bundle)?;
    let added = ADDED.map(|name| (name, alone.clone()));
    let instead = INSTEAD.map(|name| (name, bundle.clone()));
    Ok(added.into_iter().chain(instead).collect())
}

/// Writes a file as a whole, so that others read the old one or the new one. Returns its path.
fn write(file: &Path, contents: &[u8]) -> io::Result<String> {
    let path = file.to_str().ok_or_else(|| {
        let problem = format!("{}: the path is not UTF-8", file.display());
        io::Error::new(ErrorKind::InvalidInput, problem)
    })?;
    let part = file.with_extension(format!("part{}", std::process::id()));
    fs::write(&part, contents)?;
    fs::rename(&part, file)?;
    Ok(path.to_owned())
}

/// Returns the certificates that this machine trusts, in PEM, or nothing if they are not found.
fn system_certificates() -> Vec<u8> {
    let own = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let known = SYSTEM.iter().map(PathBuf::from);
    let mut files = own.into_iter().chain(known);
    files
        .find_map(|file| fs::read(file).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_kept_in_its_directory() {
        let directory = std::env::temp_dir().join(format!("emulator-tls-{}", std::process::id()));
        let place = Place::Directory(directory.join("new"));
        let (_, first) = place.open().unwrap();
        let (_, second) = place.open().unwrap();
        assert_eq!(first.authority, second.authority);
        assert_eq!(first.variables, second.variables);
        let file = |name: &str| {
            let found = first.variables.iter().find(|(it, _)| *it == name).unwrap();
            fs::read_to_string(&found.1).unwrap()
        };
        assert_eq!(first.authority, Some(file("NODE_EXTRA_CA_CERTS")));
        assert!(file("SSL_CERT_FILE").starts_with(&file("NODE_EXTRA_CA_CERTS")));
        assert!(!file("SSL_CERT_FILE").contains("PRIVATE"));
        let key = directory.join("new").join(AUTHORITY);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o77, 0);
        }
        fs::write(&key, "").unwrap();
        let error = place.open().unwrap_err().to_string();
        assert!(
            error.contains("authority.pem: it has no certificate"),
            "{error}"
        );
        fs::remove_dir_all(&directory).unwrap();

        let (_, memory) = Place::Memory.open().unwrap();
        assert!(memory.variables.is_empty() && memory.authority != first.authority);
    }
}
