//! [`Authority`], a certificate authority, and what it issues.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The time for which an authority is valid. It may be kept for long.
const AUTHORITY_DAYS: u32 = 10 * 365;

/// The time for which a certificate is valid. Some clients refuse those of more than 825 days.
const CERTIFICATE_DAYS: u32 = 365;

/// The domains for which it may issue certificates, with all names below them.
const DOMAINS: [&str; 4] = ["localhost", "blaxel.ai", "blaxel.dev", "bl.run"];

/// A certificate authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub(super) certificate: String,
}

impl Authority {
    /// Creates an authority with a new key.
    pub(super) fn new() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let params = params(&key);
        let certificate = params.self_signed(&key).map_err(io::Error::other)?.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self {
            issuer,
            certificate,
        })
    }

    /// Returns its key and its certificate, for [`restore`](Self::restore).
    pub(super) fn save(&self) -> String {
        format!("{}{}", self.issuer.key().serialize_pem(), self.certificate)
    }

    /// Restores an authority that was saved.
    ///
    /// # Errors
    ///
    /// If this is no authority of an emulator.
    pub(super) fn restore(saved: &str) -> io::Result<Self> {
        let bad = |problem: &str| io::Error::new(ErrorKind::InvalidData, problem.to_owned());
        let start = saved.find("-----BEGIN CERTIFICATE");
        let (key, certificate) = start
            .map(|start| saved.split_at(start))
            .ok_or_else(|| bad("it has no certificate"))?;
        let key = KeyPair::from_pem(key).map_err(|_| bad("it has no private key"))?;
        let der = CertificateDer::from_pem_slice(certificate.as_bytes());
        let der = der.map_err(|_| bad("its certificate is malformed"))?;
        let public = key.public_key_raw();
        // All else in it follows from the key.
        if !der.windows(public.len()).any(|part| part == public) {
            return Err(bad("its certificate is not that of its key"));
        }
        Ok(Self {
            certificate: certificate.to_owned(),
            issuer: Issuer::new(params(&key), key),
        })
    }

    /// Issues a certificate for host names and addresses.
    pub(super) fn issue(
        &self,
        names: Vec<String>,
        key: &KeyPair,
    ) -> Result<CertificateDer<'static>, rcgen::Error> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = named("Blaxel emulator");
        valid_for(&mut params, CERTIFICATE_DAYS);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        Ok(params.signed_by(key, &self.issuer)?.into())
    }
}

/// Returns the contents of an authority's certificate. Each has a name of its own, since clients would
/// take two of the same name for one.
fn params(key: &KeyPair) -> CertificateParams {
    let digest = Sha256::digest(key.public_key_raw());
    let number: String = digest[..6].iter().map(|it| format!("{it:02x}")).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&format!("Blaxel emulator authority {number}"));
    valid_for(&mut params, AUTHORITY_DAYS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let domains = DOMAINS.map(|domain| GeneralSubtree::DnsName(domain.to_owned()));
    let addresses = [
        CidrSubnet::from_v4_prefix(Ipv4Addr::LOCALHOST.octets(), 32),
        CidrSubnet::from_v6_prefix(Ipv6Addr::LOCALHOST.octets(), 128),
    ];
    let addresses = addresses.map(GeneralSubtree::IpAddress);
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: domains.into_iter().chain(addresses).collect(),
        excluded_subtrees: Vec::new(),
    });
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Sets the time of validity: from a day ago, since the clocks of clients differ.
fn valid_for(params: &mut CertificateParams, days: u32) {
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY * days).into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_restored_with_its_key() {
        let authority = Authority::new().unwrap();
        let restored = Authority::restore(&authority.save()).unwrap();
        assert_eq!(restored.certificate, authority.certificate);
        assert_eq!(restored.save(), authority.save());

        let other = Authority::new().unwrap();
        assert_ne!(other.certificate, authority.certificate);
        let key = |authority: &Authority| authority.issuer.key().serialize_pem();
        for (saved, problem) in [
            (String::new(), "no certificate"),
            (authority.certificate.clone(), "no private key"),
            (
                format!("{}-----BEGIN CERTIFICATE-----\n", key(&authority)),
                "malformed",
            ),
            (
                format!("{}{}", key(&other), authority.certificate),
                "not that of its key",
            ),
        ] {
            let error = Authority::restore(&saved).err().unwrap();
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
