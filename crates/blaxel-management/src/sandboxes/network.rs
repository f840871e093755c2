//! The egress network configuration of sandboxes: proxy, egress gateway, firewall.

use std::collections::BTreeMap;

use crate::secret_text::SecretText;

record! {
    /// The egress network configuration of a sandbox.
    pub struct SandboxNetwork {
        /// The proxy for outgoing HTTP requests.
        pub proxy: Option<ProxyConfig>,
        /// The source address of outgoing connections.
        pub egress: Option<EgressConfig>,
        /// The firewall for outgoing connections.
        pub firewall: Option<FirewallConfig>,
        /// The subnet of the sandbox. It takes precedence over the subnet of the egress gateway. The server's
        /// default is `default`.
        pub subnet: Option<String>,
        /// The former equivalent of [`ProxyConfig::allowed_domains`].
        pub allowed_domains: Option<Vec<String>>,
        /// The former equivalent of [`ProxyConfig::forbidden_domains`].
        pub forbidden_domains: Option<Vec<String>>,
    }

    /// The configuration of the platform's proxy for the outgoing HTTP requests of a sandbox. The proxy can add
    /// credentials that the sandbox itself never sees.
    pub struct ProxyConfig {
        /// The allowed domains. If there are any, all other domains are blocked. `*.example.com` matches all
        /// subdomains. Allowed domains take precedence over forbidden ones.
        pub allowed_domains: Option<Vec<String>>,
        /// The blocked domains.
        pub forbidden_domains: Option<Vec<String>>,
        /// The domains whose requests bypass the proxy. Requests to private networks always do.
        pub bypass: Option<Vec<String>>,
        /// The rules that add headers and body members to requests, by destination.
        pub routing: Option<Vec<ProxyTarget>>,
    }

    /// A rule that adds headers and body members to requests for some destinations.
    ///
    /// A value can refer to a secret of the same rule by `{{SECRET:name}}`.
    ///
    /// ```
    /// use blaxel_management::sandboxes::ProxyTarget;
    ///
    /// let rule = ProxyTarget::to(["api.example.com"])
    ///     .header("Authorization", "Bearer {{SECRET:key}}")
    ///     .secret("key", "sk-example");
    /// # let _ = rule;
    /// ```
    pub struct ProxyTarget {
        /// The domains that the rule applies to. `*` alone matches all.
        pub destinations: Option<Vec<String>>,
        /// The headers to set.
        pub headers: Option<BTreeMap<String, SecretText>>,
        /// The members to set in a JSON body.
        pub body: Option<BTreeMap<String, SecretText>>,
        /// The secrets of this rule, by name. The server never sends them back.
        pub secrets: Option<BTreeMap<String, SecretText>>,
    }

    /// The source address of the outgoing connections of a sandbox.
    pub struct EgressConfig {
        /// The name of the egress gateway to use. It must be in the VPC `default`.
        pub gateway: Option<String>,
        /// The mode; `dedicated` for a dedicated IP address.
        pub mode: Option<String>,
        /// Exceptions for some destinations. The platform ignores them at present.
        pub policies: Option<Vec<EgressPolicy>>,
    }

    /// An exception from the [`EgressConfig`] for some destinations.
    pub struct EgressPolicy {
        /// The name of the exception.
        pub name: Option<String>,
        /// The mode for connections to them: `dedicated` or `shared`.
        pub mode: Option<String>,
        /// The domains or addresses that the exception applies to.
        pub destinations: Option<Vec<String>>,
    }

    /// The firewall for the outgoing connections of a sandbox.
    pub struct FirewallConfig {
        /// The rule sets. `proxy` blocks connections that bypass the proxy, `dedicated-ip` those that do not
        /// use the dedicated IP address, and `default` none.
        pub rulesets: Option<Vec<String>>,
    }

    /// A list of allowed domains, in a form that no operation uses at present.
    pub struct NetworkFirewall {
        /// The allowed domains. `*.example.com` matches all subdomains.
        pub allowed_domains: Option<Vec<String>>,
    }
}

impl ProxyTarget {
    /// Creates a rule for these destinations that adds nothing yet. See [`ProxyTarget`] for an example.
    pub fn to<N: Into<String>>(destinations: impl IntoIterator<Item = N>) -> Self {
        let destinations: Vec<String> = destinations.into_iter().map(Into::into).collect();
        Self::new().destinations(destinations)
    }

    /// Adds a header to set, or replaces its value.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        let headers = self.headers.get_or_insert_default();
        headers.insert(name.into(), value.into());
        self
    }

    /// Adds a member to set in a JSON body, or replaces its value.
    #[must_use]
    pub fn body_member(mut self, name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        let members = self.body.get_or_insert_default();
        members.insert(name.into(), value.into());
        self
    }

    /// Adds a secret, or replaces its value. Values refer to it by `{{SECRET:name}}`.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        let secrets = self.secrets.get_or_insert_default();
        secrets.insert(name.into(), value.into());
        self
    }
}
