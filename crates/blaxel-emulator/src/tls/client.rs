//! [`Roots`], the certificate authorities that the recorder trusts, and its connections.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// A connector with TLS. For addresses of `http`, it is the one within.
pub(crate) type Secured<C> = HttpsConnector<C>;

/// The certificate authorities that a client trusts besides those of this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    /// Adds the certificates of a text in PEM.
    ///
    /// # Errors
    ///
    /// If there is none in it, or one that cannot be a root certificate.
    pub(crate) fn add(&mut self, pem: &str) -> io::Result<()> {
        let bad = |problem: String| {
            let problem = format!("invalid root certificate: {problem}");
            io::Error::new(ErrorKind::InvalidInput, problem)
        };
        let certificates: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let certificates = certificates.map_err(|problem| bad(problem.to_string()))?;
        if certificates.is_empty() {
            return Err(bad("it has no `BEGIN CERTIFICATE`".to_owned()));
        }
        for certificate in &certificates {
            let added = RootCertStore::empty().add(certificate.clone());
            added.map_err(|problem| bad(problem.to_string()))?;
        }
        self.0.extend(certificates);
        Ok(())
    }

    /// Returns the connectors for TLS over connections: for any version of HTTP, and for HTTP/1.1 only.
    ///
    /// # Errors
    ///
    /// If this machine has no root certificates, and `needs_roots` is set. Otherwise no server is trusted then.
    pub(crate) fn connectors<C: Clone>(
        &self,
        dial: C,
        needs_roots: bool,
    ) -> io::Result<[Secured<C>; 2]> {
        let config = match self.config() {
            Ok(config) => config,
            Err(problem) if needs_roots => {
                let problem =
                    format!("cannot load the root certificates of this machine: {problem}");
                return Err(io::Error::new(ErrorKind::NotFound, problem));
            }
            Err(_) => without_roots().map_err(io::Error::other)?,
        };
        let start = || {
            HttpsConnectorBuilder::new()
                .with_tls_config(config.clone())
                .https_or_http()
        };
        Ok([
            start().enable_all_versions().wrap_connector(dial.clone()),
            start().enable_http1().wrap_connector(dial),
        ])
    }

    #[cfg(not(target_os = "android"))]
    fn config(&self) -> Result<ClientConfig, rustls::Error> {
        use rustls_platform_verifier::Verifier;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let added = self.0.iter().cloned();
        let verifier = Verifier::new_with_extra_roots(added, Arc::clone(&provider))?;
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            // rustls calls any custom verifier dangerous, even the system's.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth())
    }

    /// The verifier of this system takes no further certificates.
    #[cfg(target_os = "android")]
    fn config(&self) -> Result<ClientConfig, rustls::Error> {
        use rustls_platform_verifier::BuilderVerifierExt as _;

        if !self.0.is_empty() {
            let problem = "none can be added to those of this system";
            return Err(rustls::Error::General(problem.to_owned()));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth())
    }

    /// Returns `true` if an error comes from a certificate that is not trusted.
    pub(crate) fn refused(error: &(dyn Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
                return true;
            }
            // An I/O error names the cause of what is within it, and not that itself.
            let within = error.downcast_ref::<io::Error>();
            let within = within.and_then(io::Error::get_ref);
            next = within
                .map(|within| within as &(dyn Error + 'static))
                .or_else(|| error.source());
        }
        false
    }
}

/// Returns a configuration that trusts no server.
fn without_roots() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Place;

    #[test]
    fn only_certificates_are_trusted() {
        let (_, trust) = Place::Memory.open().unwrap();
        let mut roots = Roots::default();
        roots.add(&trust.authority.unwrap()).unwrap();
        for (pem, problem) in [
            ("", "no `BEGIN CERTIFICATE`"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "invalid",
            ),
        ] {
            let error = roots.add(pem).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(problem), "{error}");
        }
        assert_eq!(roots.0.len(), 1);
    }
}
