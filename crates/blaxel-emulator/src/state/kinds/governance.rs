//! Policies, integration connections and custom domains.

use serde_json::{Value, json};

use super::PAGES;
use super::sandboxes::SANDBOXES;
use super::workloads::{AGENTS, FUNCTIONS, JOBS, MODELS};
use crate::state::kind::{Kind, Layout, Lifecycle, Listing, Naming, Operations, Pages};
use crate::state::secret::{Rule, Secret};
use crate::state::{Document, Record, Rows, member};

pub(crate) static POLICIES: Kind = Kind {
    path: "policies",
    parameter: "policyName",
    noun: "Policy",
    operations: Operations {
        list: Some("ListPolicies"),
        create: Some("CreatePolicy"),
        get: Some("GetPolicy"),
        update: Some("UpdatePolicy"),
        delete: Some("DeletePolicy"),
        ..Operations::NONE
    },
    listing: Listing::Paged(Pages {
        status: false,
        ..PAGES
    }),
    lifecycle: Lifecycle::Plain,
    read_only: &["usage"],
    compute: |rows, _, record, shown| {
        let mut usage = Document::new();
        for (kind, users) in policy_users(rows, &record.name) {
            usage.insert(kind.path.to_owned(), users.len().into());
        }
        shown.set("usage", usage);
    },
    sample: |_| json!({"type": "maxToken", "resourceTypes": ["model"], "maxTokens": {"total": 1000}}),
    ..Kind::RESOURCE
};

/// The kinds to which policies apply.
static GOVERNED: [&Kind; 5] = [&AGENTS, &FUNCTIONS, &JOBS, &MODELS, &SANDBOXES];

/// Returns the names of the resources that a policy applies to, by kind.
pub(crate) fn policy_users(
    rows: &Rows,
    policy: &str,
) -> impl Iterator<Item = (&'static Kind, Vec<String>)> {
    GOVERNED.into_iter().map(move |kind| {
        let users = rows.not_terminated(kind.path);
        let users = users.filter(|record| lists(record, "spec/policies", policy));
        (kind, users.map(|record| record.name.clone()).collect())
    })
}

/// Returns `true` if a list of names contains this one.
fn lists(record: &Record, path: &str, name: &str) -> bool {
    let names = member::get(&record.document, path).and_then(Value::as_array);
    let mut names = names.into_iter().flatten();
    names.any(|listed| listed.as_str() == Some(name))
}

pub(crate) static INTEGRATION_CONNECTIONS: Kind = Kind {
    path: "integrations/connections",
    parameter: "connectionName",
    noun: "Integration connection",
    operations: Operations {
        list: Some("ListIntegrationConnections"),
        create: Some("CreateIntegrationConnection"),
        get: Some("GetIntegrationConnection"),
        update: Some("UpdateIntegrationConnection"),
        delete: Some("DeleteIntegrationConnection"),
        ..Operations::NONE
    },
    listing: Listing::Filtered,
    lifecycle: Lifecycle::Plain,
    secrets: &[Secret {
        path: "spec/secret/*",
        rule: Rule::Always,
    }],
    deletion_blocker: |rows, record| {
        [&MODELS, &FUNCTIONS].into_iter().find_map(|kind| {
            let mut users = rows.not_terminated(kind.path);
            let user =
                users.find(|user| lists(user, "spec/integrationConnections", &record.name))?;
            let noun = kind.noun.to_lowercase();
            Some(format!("The {noun} {:?} uses the connection.", user.name))
        })
    },
    sample: |_| json!({"integration": "openai", "secret": {"apiKey": "sk-emulator"}}),
    ..Kind::RESOURCE
};

/// The member with the way in which the certificate of a custom domain is validated.
const VALIDATION: &str = "spec/validationMethod";

pub(crate) static CUSTOM_DOMAINS: Kind = Kind {
    path: "customdomains",
    parameter: "domainName",
    noun: "Custom domain",
    operations: Operations {
        list: Some("ListCustomDomains"),
        create: Some("CreateCustomDomain"),
        get: Some("GetCustomDomain"),
        update: Some("UpdateCustomDomain"),
        delete: Some("DeleteCustomDomain"),
        ..Operations::NONE
    },
    naming: Naming::Domain,
    lifecycle: Lifecycle::Plain,
    read_only: &[
        "metadata/sharedFromWorkspace",
        "spec/lastVerifiedAt",
        "spec/status",
        "spec/verificationError",
    ],
    sticky: &[VALIDATION],
    check: |document| {
        let name = member::text(document, "metadata/name").unwrap_or_default();
        let is_wildcard =
            name.starts_with("*.") || member::text(document, "spec/domainType") == Some("previews");
        if is_wildcard && member::text(document, VALIDATION) == Some("http") {
            let problem =
                "spec.validationMethod must be dns for previews and names that begin with *.";
            return Err(problem.to_owned());
        }
        Ok(())
    },
    check_change: |before, after| match member::text(after, VALIDATION) {
        Some(method) if Some(method) != member::text(before, VALIDATION) => {
            Err("spec.validationMethod cannot change.".to_owned())
        }
        _ => Ok(()),
    },
    complete: |document, _| {
        member::default(document, "spec/status", "pending");
        member::default(document, VALIDATION, "dns");
    },
    compute: |rows, _, record, shown| {
        let document = shown.to_mut();
        // The DNS records for the proof of ownership and for the traffic.
        let proof = json!({format!("_blaxel.{}", record.name): rows.secret_of(record)});
        member::default(document, "spec/txtRecords", proof);
        member::default(document, "spec/cnameRecords", "domains.emulator.invalid");
    },
    sample: |_| json!({"domainType": "applications"}),
    ..Kind::RESOURCE
};

/// A workspace with which a custom domain is shared, or the whole account. Nested under the domain.
pub(crate) static DOMAIN_SHARES: Kind = Kind {
    path: "customdomains/{domainName}/share",
    parameter: "targetWorkspace",
    noun: "Custom domain share",
    parent: Some(&CUSTOM_DOMAINS),
    operations: Operations {
        list: Some("ListCustomDomainShares"),
        // The others have their own routes: see `router/domains.rs`.
        ..Operations::NONE
    },
    form: Layout::Flat { key: "workspace" },
    ..Kind::FLAT
};
