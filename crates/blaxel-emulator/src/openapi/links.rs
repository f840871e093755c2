//! Links from the response that created a resource to the operations on it.

use serde_json::{Map, Value, json};

use super::facts::{Facts, Operation, placeholders};
use super::shape::Shape;

/// Returns the links from an operation's response to the served operations on the created resource.
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
        // Operations further down need another resource to be created first.
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
            // The name in a document must not change.
            link["requestBody"] = json!({"metadata": "$response.body#/metadata"});
        }
        links.insert((*name).to_owned(), link);
    }
    links
}

/// The usual path of a name.
const IN_METADATA: &str = "/metadata/name";

/// Returns the path, in a created document, of the value for a path parameter of this name.
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
    fn a_new_agent_links_to_all_operations_on_it() {
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
    fn links_of_a_nested_resource_keep_the_names_of_its_parents() {
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
    fn a_resource_without_metadata_is_linked_by_its_own_members() {
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
