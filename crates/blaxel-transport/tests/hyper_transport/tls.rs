//! Certificate verification.

use blaxel_core::Delivery;
use blaxel_transport::{HyperTransport, Proxy, Roots};

use crate::certificates::Authority;
use crate::{builder, plain, text};

#[tokio::test]
async fn an_added_authority_is_trusted_in_pem_and_der_form() {
    let authority = Authority::new();
    let server = authority.server(&["localhost", "127.0.0.1"], &["h2"]).await;
    for bytes in [authority.pem().into_bytes(), authority.der()] {
        let transport = builder().add_root_certificate(bytes).unwrap().build();
        for host in ["localhost", "127.0.0.1"] {
            let url = format!("https://{host}:{}/", server.address.port());
            assert_eq!(text(&transport, plain(&url)).await.unwrap(), "h2");
        }
    }
}

#[tokio::test]
async fn added_roots_complement_the_others() {
    let authority = Authority::new();
    let server = authority.server(&["localhost"], &["http/1.1"]).await;
    let url = format!("https://localhost:{}/", server.address.port());
    let mut choices = vec![Roots::Platform];
    #[cfg(feature = "webpki-roots")]
    choices.push(Roots::BuiltIn);
    for roots in choices.drain(..) {
        let builder = HyperTransport::builder().proxy(Proxy::none()).roots(roots);
        let bundle = format!("{}\n{}", Authority::new().pem(), authority.pem());
        let transport = builder.add_root_certificate(bundle).unwrap().build();
        assert_eq!(text(&transport, plain(&url)).await.unwrap(), "http/1.1");
    }
}

#[tokio::test]
async fn an_untrusted_server_is_rejected_and_nothing_is_sent() {
    let server = Authority::new().server(&["localhost"], &["h2"]).await;
    let other = Authority::new();
    let url = format!("https://localhost:{}/", server.address.port());
    let transport = builder().add_root_certificate(other.pem()).unwrap().build();
    let error = text(&transport, plain(&url)).await.unwrap_err();
    assert!(
        error.is_connect() && error.delivery() == Delivery::NotSent,
        "{error}"
    );
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    assert_eq!(server.log.count("request"), 0);
}

#[tokio::test]
async fn a_certificate_for_another_host_name_is_rejected() {
    let authority = Authority::new();
    let server = authority.server(&["other.example"], &["h2"]).await;
    let url = format!("https://localhost:{}/", server.address.port());
    let transport = builder()
        .add_root_certificate(authority.pem())
        .unwrap()
        .build();
    let error = text(&transport, plain(&url)).await.unwrap_err();
    assert!(error.is_connect(), "{error}");
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[test]
fn an_invalid_root_certificate_is_identified() {
    let good = Authority::new().pem();
    let bad = "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n";
    for (bytes, part) in [
        (String::new(), "no `BEGIN CERTIFICATE`"),
        ("nonsense".to_owned(), "no `BEGIN CERTIFICATE`"),
        (good.replace("-----END CERTIFICATE-----", ""), "PEM text"),
        (good.replace("MII", "M*I"), "PEM text"),
        (format!("{good}{bad}"), "certificate 2 of 2"),
        ("0\u{3}\u{2}\u{1}\0".to_owned(), "certificate 1 of 1"),
    ] {
        let error = builder().add_root_certificate(&bytes).unwrap_err();
        assert!(error.is_input(), "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.to_string().contains("root certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_call_without_root_certificates_says_how_to_add_them() {
    let error = text(&builder().build(), plain("https://api.blaxel.ai/"))
        .await
        .unwrap_err();
    assert!(error.is_input(), "{error}");
    assert!(
        error.to_string().contains("add_root_certificate"),
        "{error}"
    );
}

#[tokio::test]
async fn the_process_wide_crypto_provider_is_not_set() {
    let authority = Authority::new();
    let server = authority.server(&["localhost"], &["h2"]).await;
    let url = format!("https://localhost:{}/", server.address.port());
    for roots in [Roots::Platform, Roots::Added] {
        let builder = HyperTransport::builder().proxy(Proxy::none()).roots(roots);
        let transport = builder
            .add_root_certificate(authority.pem())
            .unwrap()
            .build();
        text(&transport, plain(&url)).await.unwrap();
    }
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}
