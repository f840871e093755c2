//! [`CustomHosts`], the host names of previews on domains of the customer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use blaxel_core::__private::Address;
use serde_json::Value;

use super::documents::resources;
use crate::hosts;
use crate::lock::lock;
use crate::state::{PREVIEWS, member};

/// The number of host names that are kept.
const KEPT: usize = 1024;

/// The host names that the platform has told of its previews. Clones share them.
#[derive(Clone, Default)]
pub(super) struct CustomHosts(Arc<Mutex<BTreeSet<String>>>);

impl CustomHosts {
    /// Adds those of the previews in the response to a request for a path below `/v0/`.
    pub(super) fn see(&self, path: &str, body: &Value) {
        for preview in resources(&PREVIEWS, path, body) {
            let Some(host) = host_of(preview) else {
                continue;
            };
            let mut hosts = lock(&self.0);
            if hosts.len() < KEPT {
                hosts.insert(host);
            }
        }
    }

    /// Returns `true` for a host name in lower case, without a port, that a preview has.
    pub(super) fn contain(&self, host: &str) -> bool {
        lock(&self.0).contains(host)
    }
}

/// Returns the host name of a preview, if it is one of its custom domain. Hosts of the platform and of this machine are
/// none, whatever a document says.
fn host_of(preview: &Value) -> Option<String> {
    let preview = preview.as_object()?;
    let domain = member::text(preview, "spec/customDomain")?.to_ascii_lowercase();
    let domain = domain.trim_start_matches("*.");
    let address = Address::read(member::text(preview, "spec/url")?).ok()?;
    let uri = address.uri();
    let host = uri.host()?.to_ascii_lowercase();
    let is_below = host.strip_suffix(domain).is_some_and(|label| {
        let is_domain = domain.contains('.') && domain.parse::<std::net::IpAddr>().is_err();
        is_domain && (label.is_empty() || label.ends_with('.'))
    });
    let is_usual = uri.scheme_str() == Some("https") && matches!(uri.port_u16(), None | Some(443));
    (is_below && is_usual && !hosts::is_loopback(&host)).then_some(host)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(custom_domain: &str, url: &str) -> CustomHosts {
        let hosts = CustomHosts::default();
        let preview = json!({"metadata": {"name": "web"}, "spec": {
            "customDomain": custom_domain, "url": url,
        }});
        hosts.see("/sandboxes/dev/previews", &json!({"data": [preview]}));
        hosts
    }

    #[test]
    fn a_preview_on_a_custom_domain_has_a_host_name() {
        for (domain, url) in [
            ("shop.example.com", "https://web.shop.example.com"),
            ("*.shop.example.com", "https://Web.Shop.example.com:443/"),
        ] {
            assert!(seen(domain, url).contain("web.shop.example.com"), "{url}");
        }
        assert!(seen("shop.example.com", "https://shop.example.com/a").contain("shop.example.com"));
    }

    #[test]
    fn all_other_addresses_are_none() {
        for (domain, url, host) in [
            ("", "https://web.example.com", "web.example.com"),
            (
                "shop.example.com",
                "https://evilshop.example.com",
                "evilshop.example.com",
            ),
            ("shop.example.com", "https://example.com", "example.com"),
            (
                "shop.example.com",
                "http://web.shop.example.com",
                "web.shop.example.com",
            ),
            (
                "shop.example.com",
                "https://web.shop.example.com:22",
                "web.shop.example.com",
            ),
            ("com", "https://example.com", "example.com"),
            ("127.0.0.1", "https://127.0.0.1", "127.0.0.1"),
            ("10.0.0.1", "https://10.0.0.1", "10.0.0.1"),
            ("a.localhost", "https://web.a.localhost", "web.a.localhost"),
        ] {
            assert!(!seen(domain, url).contain(host), "{domain} {url}");
        }
        let hosts = CustomHosts::default();
        let agent =
            json!({"spec": {"customDomain": "example.com", "url": "https://a.example.com"}});
        hosts.see("/agents/bot", &agent);
        assert!(!hosts.contain("a.example.com"), "only previews have them");
    }
}
