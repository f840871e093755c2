//! What a sandbox reaches of the world, and by which way.

use std::collections::BTreeMap;

use crate::secret_text::SecretText;

record! {
    /// What a sandbox reaches of the world, and by which way.
    pub struct SandboxNetwork {
        /// The proxy that its HTTP requests go through.
        pub proxy: Option<ProxyConfig>,
        /// The address that its connections come from.
        pub egress: Option<EgressConfig>,
        /// Which ways out are barred.
        pub firewall: Option<FirewallConfig>,
        /// The subnet it lies in, before any that the egress would give it. The server takes `default` by
        /// default.
        pub subnet: Option<String>,
        /// An older place for [`ProxyConfig::allowed_domains`].
        pub allowed_domains: Option<Vec<String>>,
        /// An older place for [`ProxyConfig::forbidden_domains`].
        pub forbidden_domains: Option<Vec<String>>,
    }

    /// A proxy of the platform that a sandbox's HTTP requests go through. It can add credentials to them
    /// that the sandbox itself never sees.
    pub struct ProxyConfig {
        /// The only domains that can be reached, if there are any here; `*.example.com` stands for all
        /// below one. They count before the forbidden ones.
        pub allowed_domains: Option<Vec<String>>,
        /// Domains that cannot be reached.
        pub forbidden_domains: Option<Vec<String>>,
        /// Domains that are reached without the proxy. Addresses of private networks always are.
        pub bypass: Option<Vec<String>>,
        /// What is added to requests, destination by destination.
        pub routing: Option<Vec<ProxyTarget>>,
    }

    /// What the proxy adds to requests for some destinations.
    ///
    /// A value may name a secret of the same rule as `{{SECRET:name}}`.
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
        /// The domains it is for; `*` alone stands for all.
        pub destinations: Option<Vec<String>>,
        /// Headers to set.
        pub headers: Option<BTreeMap<String, SecretText>>,
        /// Members to set in a JSON body.
        pub body: Option<BTreeMap<String, SecretText>>,
        /// The secrets of this rule, by name. The server never sends them back.
        pub secrets: Option<BTreeMap<String, SecretText>>,
    }

    /// The address that a sandbox's connections come from.
    pub struct EgressConfig {
        /// The name of the egress gateway they go through, which must be in the VPC named `default`.
        pub gateway: Option<String>,
        /// How they go; `dedicated` for an address of one's own.
        pub mode: Option<String>,
        /// Exceptions for some destinations. The platform does not yet heed them.
        pub policies: Option<Vec<EgressPolicy>>,
    }

    /// An exception for some destinations.
    pub struct EgressPolicy {
        /// Its name.
        pub name: Option<String>,
        /// How connections to them go: `dedicated` or `shared`.
        pub mode: Option<String>,
        /// The domains or addresses it is for.
        pub destinations: Option<Vec<String>>,
    }

    /// Which ways out of a sandbox are barred.
    pub struct FirewallConfig {
        /// The sets of rules: `proxy` bars all but the proxy, `dedicated-ip` all but the address of one's
        /// own, and `default` nothing.
        pub rulesets: Option<Vec<String>>,
    }

    /// A list of the domains that can be reached, in a form that no operation takes so far.
    pub struct NetworkFirewall {
        /// The domains; `*.example.com` stands for all below one.
        pub allowed_domains: Option<Vec<String>>,
    }
}

impl ProxyTarget {
    /// A rule for these destinations, which adds nothing yet.
    pub fn to<N: Into<String>>(destinations: impl IntoIterator<Item = N>) -> Self {
        let destinations: Vec<String> = destinations.into_iter().map(Into::into).collect();
        Self::new().destinations(destinations)
    }

    /// Adds a header to set.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        let headers = self.headers.get_or_insert_default();
        headers.insert(name.into(), value.into());
        self
    }

    /// Adds a member to set in a JSON body.
    #[must_use]
    pub fn body_member(mut self, name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        let members = self.body.get_or_insert_default();
        members.insert(name.into(), value.into());
        self
    }

    /// Adds a secret.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<SecretText>) -> Self {
        let secrets = self.secrets.get_or_insert_default();
        secrets.insert(name.into(), value.into());
        self
    }
}
