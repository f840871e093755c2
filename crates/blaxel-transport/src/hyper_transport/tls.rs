//! TLS configuration and root certificates.

use std::sync::Arc;

use blaxel_core::{Error, Source};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// The certificate authorities that a transport trusts.
///
/// [`HyperBuilder::add_root_certificate`](crate::HyperBuilder::add_root_certificate) adds to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// Those of the operating system, checked by its own verifier if it has one.
    #[default]
    Platform,
    /// Mozilla's list, built into the program.
    #[cfg(feature = "webpki-roots")]
    #[cfg_attr(docsrs, doc(cfg(feature = "webpki-roots")))]
    BuiltIn,
    /// Only those that are added.
    Added,
}

/// Returns the crypto provider of this crate. The process-wide default belongs to the program.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Creates a configuration that trusts these roots, without ALPN, or returns the problem.
pub(super) fn config(
    roots: Roots,
    added: &[CertificateDer<'static>],
) -> Result<ClientConfig, String> {
    match roots {
        Roots::Platform => platform(added).map_err(|problem| {
            format!(
                "could not load root certificates from this machine: {problem}; install its \
                 certificate package, or use the feature `webpki-roots` with `Roots::BuiltIn`"
            )
        }),
        #[cfg(feature = "webpki-roots")]
        Roots::BuiltIn => {
            let built_in = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
            with_roots(RootCertStore::from_iter(built_in), added)
        }
        Roots::Added if added.is_empty() => Err(
            "no root certificate is trusted; add one with `HyperBuilder::add_root_certificate`"
                .to_owned(),
        ),
        Roots::Added => with_roots(RootCertStore::empty(), added),
    }
}

/// Creates a configuration with the operating system's verifier.
#[cfg(not(target_os = "android"))]
fn platform(added: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
    use rustls_platform_verifier::Verifier;

    let verifier = Verifier::new_with_extra_roots(added.iter().cloned(), provider());
    let verifier = verifier.map_err(|problem| problem.to_string())?;
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|problem| problem.to_string())?
        // rustls calls any custom verifier dangerous, even the system's.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Creates a configuration with the operating system's verifier.
#[cfg(target_os = "android")]
fn platform(added: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
    use rustls_platform_verifier::BuilderVerifierExt;

    if !added.is_empty() {
        return Err("the system's verifier supports no additional ones".to_owned());
    }
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|problem| problem.to_string())?
        .with_platform_verifier()
        .map_err(|problem| problem.to_string())?
        .with_no_client_auth())
}

/// Creates a configuration that trusts a store and the added certificates.
fn with_roots(
    mut store: RootCertStore,
    added: &[CertificateDer<'static>],
) -> Result<ClientConfig, String> {
    for certificate in added {
        let outcome = store.add(certificate.clone());
        outcome.map_err(|problem| problem.to_string())?;
    }
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|problem| problem.to_string())?
        .with_root_certificates(store)
        .with_no_client_auth())
}

/// Creates a configuration that trusts no server. It stands in for one that could not be created.
pub(super) fn without_roots() -> ClientConfig {
    let config = ClientConfig::builder_with_provider(provider());
    match config.with_safe_default_protocol_versions() {
        Ok(builder) => builder
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth(),
        // The provider is a constant of this crate and has the default versions.
        Err(_) => unreachable!("ring supports the default protocol versions"),
    }
}

/// Parses the certificates of a PEM text, or one certificate in DER form, and checks each as far as
/// that is possible without a server.
pub(super) fn parse_certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates = if bytes.starts_with(&[0x30]) {
        // The tag of an ASN.1 sequence; a PEM text cannot begin with it.
        vec![CertificateDer::from(bytes.to_vec())]
    } else {
        CertificateDer::pem_slice_iter(bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| unusable(format_args!("could not parse the PEM text: {problem}")))?
    };
    if certificates.is_empty() {
        return Err(unusable(
            "it has no `BEGIN CERTIFICATE` and is not in DER form",
        ));
    }
    for (index, certificate) in certificates.iter().enumerate() {
        let outcome = RootCertStore::empty().add(certificate.clone());
        outcome.map_err(|problem| {
            let (number, count) = (index + 1, certificates.len());
            unusable(format_args!(
                "certificate {number} of {count} cannot be a root certificate: {problem}"
            ))
        })?;
    }
    Ok(certificates)
}

/// Creates the error of root certificates that cannot be used.
fn unusable(problem: impl std::fmt::Display) -> Error {
    Error::input("root certificate", &Source::Code, problem)
}
