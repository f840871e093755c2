//! Deviations of networks, domains, catalogs, logs and costs.

use super::{Area, assumed, differs};

pub(super) static NETWORK: Area = Area {
    name: "Networks and domains",
    deviations: &[
        differs(
            &["VerifyCustomDomain"],
            "The records of a custom domain are looked up.",
            "There is no DNS: the proof is always found, unless the verification was asked to fail.",
        ),
        assumed(
            &["CreateCustomDomain", "UpdateCustomDomain"],
            "Validation by HTTP is known from one client.",
            "`validationMethod` is `dns` by default and cannot change. The records that `txtRecords` asks for are made up.",
        ),
        differs(
            &["CreateEgressGateway", "CreateEgressIP", "CreateVPC"],
            "Gateways send the traffic of sandboxes from addresses of their own.",
            "VPCs, gateways and addresses are stored, and carry no traffic. Addresses are from the ranges reserved for documentation.",
        ),
    ],
};

pub(super) static FIGURES: Area = Area {
    name: "Catalogs, logs and costs",
    deviations: &[
        differs(
            &[
                "ListMCPHubDefinitions",
                "ListSandboxHubDefinitions",
                "ListTemplates",
                "GetTemplate",
                "GetIntegration",
                "ListLocations",
                "ListPublicIps",
                "GetConfiguration",
                "GetChangelog",
            ],
            "Hubs, templates, integrations, regions and the changelog are those of the day.",
            "They are made up, and few.",
        ),
        differs(
            &["GetLogs"],
            "Logs are what programs wrote.",
            "Logs are generated from the seed, except for events of a resource, builds and tasks. The output of processes in sandboxes is not among them.",
        ),
        assumed(
            &["GetLogs"],
            "The operation is not in the published document.",
            "Without `resourceType` all workloads are returned, without `workloadIds` all of a type; unknown workloads are left out. A response has at most 1000 lines of each workload, and `offset` leads to the others.",
        ),
        differs(
            &["GetAccountMetrics"],
            "Costs follow from what was used.",
            "Costs are generated from the seed: a history from 2025 to 2035 that does not depend on the clock, on requests or on resources.",
        ),
        assumed(
            &["GetAccountMetrics"],
            "The bounds of windows and steps are documented in part.",
            "Windows of exactly 7 or 90 days may still be queried hourly or daily; a year has up to 366 days. Steps begin with those of the calendar, weeks on Monday, so the first may begin before the window. An hour counts for the step in which it begins.",
        ),
        assumed(
            &["GetAccountMetrics"],
            "The order of groups, and those without usage, are not documented.",
            "Groups are ordered by their keys, and those without usage are left out. `totalUsage` adds amounts of different units.",
        ),
        assumed(
            &["ListAccounts"],
            "The shape of the list of accounts is not documented.",
            "It is a bare array of one account with a name, a currency and a status.",
        ),
        assumed(
            &["GetSandboxScheduleMetrics", "GetPolicyUsages"],
            "The members of these figures are known from the clients' types only.",
            "They count what the emulator has. Policies count the resources that name them.",
        ),
    ],
};
