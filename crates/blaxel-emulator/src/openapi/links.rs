//! Links: from the answer that made something to the operations on it.

use serde_json::{Map, Value, json};

use super::facts::{Facts, Operation, placeholders};
use super::shape::Shape;

/// The links from what an operation made to those of the served operations that are on it.
pub(super) fn links(
    facts: &Facts,
    maker: &Operation,
    served: &[(&'static str, &Operation)],
) -> Map<String, Value> {
    let mut links = Map::new();
    let Some((_, Some(made))) = maker.responses.first().filter(|_| maker.method == "POST") else {
        return links;
    };
    for (name, operation) in served {
        let on_it = operation.path.strip_prefix(maker.path);
        let Some(mut below) = on_it
            .filter(|rest| rest.starts_with("/{"))
            .map(placeholders)
        else {
            continue;
        };
        // What is further down has to be made first.
        let (Some(parameter), None) = (below.next(), below.next()) else {
            continue;
        };
        let Some(place) = identity(facts, made, parameter) else {
            continue;
        };
        let mut parameters: Map<_, _> = placeholders(maker.path)
            .map(|name| (name.to_owned(), format!("$request.path.{name}").into()))
            .collect();
        parameters.insert(
            parameter.to_owned(),
            format!("$response.body#{place}").into(),
        );
        let mut link = json!({"operationId": name, "parameters": parameters});
        if operation.method == "PUT" && place == IN_METADATA {
            // A document keeps its name.
            link["requestBody"] = json!({"metadata": "$response.body#/metadata"});
        }
        links.insert((*name).to_owned(), link);
    }
    links
}

/// Where most documents bear their name.
const IN_METADATA: &str = "/metadata/name";

/// Where in a document that was made stands what a path calls it by, under this name.
fn identity(facts: &Facts, made: &Shape, parameter: &str) -> Option<String> {
    let metadata = facts.member(made, "metadata");
    if metadata.is_some_and(|metadata| facts.member(metadata, "name").is_some()) {
        return Some(IN_METADATA.to_owned());
    }
    let snake: String = parameter
        .chars()
        .flat_map(|char| {
            let mark = char.is_ascii_uppercase().then_some('_');
            mark.into_iter().chain([char.to_ascii_lowercase()])
        })
        .collect();
    let kind = if parameter.ends_with("Name") {
        "name"
    } else {
        "id"
    };
    let names = [parameter, &snake, kind];
    let name = names
        .into_iter()
        .find(|name| facts.member(made, name).is_some())?;
    Some(format!("/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(maker: &str) -> Map<String, Value> {
        let facts = Facts::get();
        let served: Vec<_> = facts.operations().collect();
        links(facts, facts.operation(maker).unwrap(), &served)
    }

    #[test]
    fn a_new_agent_leads_to_all_that_can_be_done_with_it() {
        let links = all("CreateAgent");
        let names: Vec<_> = links.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "DeleteAgent",
                "GetAgent",
                "ListAgentRevisions",
                "UpdateAgent"
            ]
        );
        let parameters = json!({"agentName": "$response.body#/metadata/name"});
        assert_eq!(
            links["GetAgent"],
            json!({"operationId": "GetAgent", "parameters": parameters})
        );
        assert_eq!(
            links["UpdateAgent"]["requestBody"],
            json!({"metadata": "$response.body#/metadata"})
        );
        assert!(all("GetAgent").is_empty());
    }

    #[test]
    fn what_is_nested_keeps_what_it_is_nested_in() {
        let links = all("CreateSandboxPreview");
        let parameters = json!({
            "sandboxName": "$request.path.sandboxName",
            "previewName": "$response.body#/metadata/name",
        });
        assert_eq!(links["GetSandboxPreview"]["parameters"], parameters);
        assert_eq!(links["CreateSandboxPreviewToken"]["parameters"], parameters);
        assert!(!links.contains_key("DeleteSandboxPreviewToken"));
        assert!(!all("CreateSandbox").contains_key("GetSandboxByExternalId"));
    }

    #[test]
    fn what_has_no_metadata_is_found_by_its_own_members() {
        for (maker, operation, parameter, place) in [
            (
                "CreateJobExecution",
                "GetJobExecution",
                "executionId",
                "/executionId",
            ),
            (
                "CreateSandboxSchedule",
                "GetSandboxSchedule",
                "scheduleId",
                "/id",
            ),
            (
                "CreateWorkspaceServiceAccount",
                "UpdateWorkspaceServiceAccount",
                "clientId",
                "/client_id",
            ),
            ("CreateWorkspace", "GetWorkspace", "workspaceName", "/name"),
        ] {
            let found = &all(maker)[operation]["parameters"][parameter];
            assert_eq!(found, &format!("$response.body#{place}"), "{maker}");
        }
    }
}
