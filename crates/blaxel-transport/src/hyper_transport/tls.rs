//! Who is trusted to vouch for a server.

use std::sync::Arc;

use blaxel_core::{Error, Source};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Which authorities are trusted to vouch for a server.
///
/// [`HyperBuilder::add_root_certificate`](crate::HyperBuilder::add_root_certificate) adds to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// Those of the operating system, by its own verifier where it has one.
    #[default]
    Platform,
    /// Mozilla's list, as built into the program.
    #[cfg(feature = "webpki-roots")]
    #[cfg_attr(docsrs, doc(cfg(feature = "webpki-roots")))]
    BuiltIn,
    /// None but those that are added.
    Added,
}

/// The provider of this client. The process-wide default is somebody else's.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A configuration that trusts these roots, without ALPN; or what is wrong.
pub(super) fn config(
    roots: Roots,
    added: &[CertificateDer<'static>],
) -> Result<ClientConfig, String> {
    match roots {
        Roots::Platform => platform(added).map_err(|problem| {
            format!(
                "no root certificates could be loaded from this machine ({problem}); install its \
                 certificate package, or use the feature `webpki-roots` with `Roots::BuiltIn`"
            )
        }),
        #[cfg(feature = "webpki-roots")]
        Roots::BuiltIn => {
            let built_in = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
            trusting(RootCertStore::from_iter(built_in), added)
        }
        Roots::Added if added.is_empty() => Err(
            "no root certificate is trusted; add one by `HyperBuilder::add_root_certificate`"
                .to_owned(),
        ),
        Roots::Added => trusting(RootCertStore::empty(), added),
    }
}

#[cfg(not(target_os = "android"))]
fn platform(added: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
    use rustls_platform_verifier::Verifier;

    let verifier = Verifier::new_with_extra_roots(added.iter().cloned(), provider());
    let verifier = verifier.map_err(|problem| problem.to_string())?;
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|problem| problem.to_string())?
        // A verifier of one's own is set up the dangerous way, even the system's.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

#[cfg(target_os = "android")]
fn platform(added: &[CertificateDer<'static>]) -> Result<ClientConfig, String> {
    use rustls_platform_verifier::BuilderVerifierExt;

    if !added.is_empty() {
        return Err("the system's verifier takes no further ones".to_owned());
    }
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|problem| problem.to_string())?
        .with_platform_verifier()
        .map_err(|problem| problem.to_string())?
        .with_no_client_auth())
}

fn trusting(
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

/// A configuration that no server passes. It stands in for one that could not be made.
pub(super) fn trusting_nobody() -> ClientConfig {
    let config = ClientConfig::builder_with_provider(provider());
    match config.with_safe_default_protocol_versions() {
        Ok(builder) => builder
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth(),
        // The provider is a constant of this crate and has the default versions.
        Err(_) => unreachable!("ring supports the default protocol versions"),
    }
}

/// The certificates in a PEM text, or the one in DER form. Each is checked as far as it can be
/// without a server.
pub(super) fn read_certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates = if bytes.starts_with(&[0x30]) {
        // What ASN.1 calls a sequence; no PEM text begins like this.
        vec![CertificateDer::from(bytes.to_vec())]
    } else {
        CertificateDer::pem_slice_iter(bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|problem| unusable(format_args!("the PEM text cannot be read: {problem}")))?
    };
    if certificates.is_empty() {
        return Err(unusable(
            "there is no `BEGIN CERTIFICATE` in it, and it is not in DER form either",
        ));
    }
    for (index, certificate) in certificates.iter().enumerate() {
        let outcome = RootCertStore::empty().add(certificate.clone());
        outcome.map_err(|problem| {
            let (number, count) = (index + 1, certificates.len());
            unusable(format_args!(
                "certificate {number} of {count} is none that a root can be: {problem}"
            ))
        })?;
    }
    Ok(certificates)
}

fn unusable(problem: impl std::fmt::Display) -> Error {
    Error::input("root certificate", &Source::Code, problem)
}
