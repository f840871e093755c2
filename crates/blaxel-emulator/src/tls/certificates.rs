//! [`Certificates`], those of a server, each made when a client first asks for its host name.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};

use rcgen::KeyPair;
use rustls::crypto::ring::sign::any_ecdsa_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};

use super::authority::Authority;
use crate::hosts::{PlatformHost, is_loopback};
use crate::lock::lock;

/// The names of this machine, for clients that name none: they call an address.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The number of certificates that are kept.
const CAPACITY: usize = 1024;

/// The certificates of a server. All of them have the same key.
pub(super) struct Certificates {
    authority: Authority,
    key: KeyPair,
    signing_key: Arc<dyn SigningKey>,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Certificates {
    pub(super) fn new(authority: Authority) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let der = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
        Ok(Self {
            authority,
            signing_key: any_ecdsa_type(&der).map_err(io::Error::other)?,
            key,
            made: Mutex::default(),
        })
    }

    /// Returns the certificate for a host name, or that for the addresses of this machine. Returns
    /// `None` for a host that the emulator does not answer.
    fn of(&self, host: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let host = host.map(str::to_ascii_lowercase);
        if let Some(host) = &host
            && !is_loopback(host)
            && PlatformHost::parse(host).is_none()
        {
            return None;
        }
        let key = host.clone().unwrap_or_default();
        let mut made = lock(&self.made);
        if let Some(certificate) = made.get(&key) {
            return Some(Arc::clone(certificate));
        }
        let names = host.map_or_else(|| LOCAL.map(str::to_owned).into(), |host| vec![host]);
        let certificate = self.authority.issue(names, &self.key).ok()?;
        let certificate = CertifiedKey::new(vec![certificate], Arc::clone(&self.signing_key));
        let certificate = Arc::new(certificate);
        if made.len() == CAPACITY {
            made.clear();
        }
        made.insert(key, Arc::clone(&certificate));
        Some(certificate)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.of(hello.server_name())
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_for_each_host_of_the_platform() {
        let certificates = Certificates::new(Authority::new().unwrap()).unwrap();
        let local = certificates.of(None).unwrap();
        assert!(Arc::ptr_eq(&local, &certificates.of(None).unwrap()));
        let api = certificates.of(Some("api.blaxel.ai")).unwrap();
        let again = certificates.of(Some("API.blaxel.ai")).unwrap();
        assert!(Arc::ptr_eq(&api, &again) && !Arc::ptr_eq(&api, &local));
        for host in ["example.com", "app.blaxel.ai", ""] {
            assert!(certificates.of(Some(host)).is_none(), "{host}");
        }
        for number in 0..CAPACITY {
            let host = format!("shop{number}.localhost");
            certificates.of(Some(&host)).unwrap();
        }
        assert!(lock(&certificates.made).len() <= CAPACITY);
    }
}
