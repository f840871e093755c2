//! The steps that are tested in the same way for resources of many kinds.

use blaxel_core::{ApiVersion, ListParams, Sort, Total};
use blaxel_management::{
    Applied, Collection, Created, Deleted, ExternallyNamed, Fetched, Listed, Outcome, Replaced,
    Resource, Revised, Secretive,
};
use serde_json::Value;

use super::decoded::{Decoded, assert_keeps_all, lost_members};
use super::table::{Request, request};
use super::world::{Api, ApiClient, World};

/// A function that returns a collection.
type OpenCollection<R> = Box<dyn Fn(&Api) -> Collection<R, ApiClient>>;

/// A kind of resource whose life cycle is tested step by step. Its operations are named after it.
pub struct Lifecycle<'w, R> {
    world: &'w World,
    singular: &'static str,
    plural: &'static str,
    parents: Vec<String>,
    open: OpenCollection<R>,
    unlisted: &'static [&'static str],
    since: ApiVersion,
    paged_from: ApiVersion,
}

/// A change of a resource, and the same change of its document.
pub struct Change<R> {
    /// The change of the resource.
    pub apply: fn(&mut R),
    /// The change of the document: a JSON pointer, and the new value there.
    pub expected: (&'static str, Value),
}

/// The operations that `apply` performs for a kind, with the statuses of their responses.
pub struct ApplySteps {
    /// If the resource exists.
    pub present: &'static [(&'static str, u16)],
    /// If the resource does not exist.
    pub absent: &'static [(&'static str, u16)],
}

/// The resource is replaced, or created if it does not exist.
pub const REPLACE_FIRST: ApplySteps = ApplySteps {
    present: &[("Update", 200)],
    absent: &[("Update", 404), ("Create", 200)],
};

/// The resource is created, or replaced if it exists.
pub const CREATE_FIRST: ApplySteps = ApplySteps {
    present: &[("Create", 409), ("Update", 200)],
    absent: &[("Create", 200)],
};

/// The resource is created, or left unchanged if it exists.
pub const KEEP_EXISTING: ApplySteps = ApplySteps {
    present: &[("Create", 409), ("Get", 200)],
    absent: &[("Create", 200)],
};

/// The resource is replaced; replacing one that does not exist creates it.
pub const REPLACE_ONLY: ApplySteps = ApplySteps {
    present: &[("Update", 200)],
    absent: &[("Update", 200)],
};

impl<'w, R> Lifecycle<'w, R> {
    /// Creates the life cycle of a kind with these names, whose collection `open` returns.
    pub fn of(
        world: &'w World,
        singular: &'static str,
        plural: &'static str,
        open: impl Fn(&Api) -> Collection<R, ApiClient> + 'static,
    ) -> Self {
        Self {
            world,
            singular,
            plural,
            parents: Vec::new(),
            open: Box::new(open),
            unlisted: &[],
            since: ApiVersion::V2026_04_16,
            paged_from: ApiVersion::V2026_04_28,
        }
    }

    /// Sets the names of the parent resources.
    pub fn under<N: ToString>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.parents = names.into_iter().map(|name| name.to_string()).collect();
        self
    }

    /// Sets the members, as JSON pointers, that the items of lists do not have.
    pub fn omitting_in_lists(mut self, members: &'static [&'static str]) -> Self {
        self.unlisted = members;
        self
    }

    /// Sets the first API version that has the list.
    pub fn since(mut self, version: ApiVersion) -> Self {
        self.since = version;
        self.paged_from(version)
    }

    /// Sets the first API version that has the list in pages.
    pub fn paged_from(mut self, version: ApiVersion) -> Self {
        self.paged_from = version;
        self
    }

    /// Returns the collection.
    pub fn all(&self) -> Collection<R, ApiClient> {
        (self.open)(&self.world.api())
    }

    /// Returns the expected request of an operation on the collection, such as `Create`.
    fn collection_request(&self, verb: &str) -> Request {
        let name = if verb == "List" {
            self.plural
        } else {
            self.singular
        };
        request(&format!("{verb}{name}")).path_params(&self.parents)
    }

    /// Returns the expected request of an operation on one resource, such as `Get`.
    fn resource_request(&self, verb: &str, name: &str) -> Request {
        self.collection_request(verb).path_params([name])
    }
}

impl<R: Created<Made: Decoded>> Lifecycle<'_, R> {
    /// Creates a resource from a draft, which is sent as `sent`.
    pub async fn create(&self, draft: &R::Draft, sent: Value) -> R::Made {
        let made = self.all().create(draft).await.unwrap();
        let exchange = self
            .world
            .assert_sent(self.collection_request("Create").body(sent));
        assert_keeps_all(&made, exchange.response());
        made
    }

    /// Checks that creating a second resource of the same name is refused.
    pub async fn assert_unique(&self, draft: &R::Draft, sent: Value) {
        let error = self.all().create(draft).await.err().unwrap();
        assert!(error.is_conflict(), "{error}");
        self.world
            .assert_sent(self.collection_request("Create").body(sent).status(409));
    }
}

impl<R: Fetched + Decoded> Lifecycle<'_, R> {
    /// Gets a resource by its name.
    pub async fn get(&self, name: &str) -> R {
        let got = self.all().get(name).await.unwrap();
        let found = self.all().find(name).await.unwrap();
        let requests = [
            self.resource_request("Get", name),
            self.resource_request("Get", name),
        ];
        let exchanges = self.world.assert_sent_all(requests);
        assert_keeps_all(&got, exchanges[0].response());
        assert_eq!(found.as_ref(), Some(&got));
        got
    }

    /// Checks that there is no resource of that name.
    pub async fn assert_missing(&self, name: &str) {
        let error = self.all().get(name).await.err().unwrap();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(self.all().find(name).await.unwrap(), None);
        let get = || self.resource_request("Get", name).status(404);
        self.world.assert_sent_all([get(), get()]);
    }
}

impl<R: Secretive + Decoded> Lifecycle<'_, R> {
    /// Checks that the secret at the JSON pointer `pointer` is masked, and shown on request.
    pub async fn assert_secret_masked(&self, name: &str, pointer: &str, secret: &str) {
        let masked = self.all().get(name).await.unwrap();
        let exchange = self.world.assert_sent(self.resource_request("Get", name));
        assert_keeps_all(&masked, exchange.response());
        assert_ne!(
            exchange.response().pointer(pointer).expect("a mask"),
            secret
        );

        let shown = self.all().showing_secrets().get(name).await.unwrap();
        let request = self
            .resource_request("Get", name)
            .query("show_secrets", true);
        let exchange = self.world.assert_sent(request);
        assert_keeps_all(&shown, exchange.response());
        assert_eq!(
            exchange.response().pointer(pointer).expect("a secret"),
            secret
        );
    }
}

impl<R: ExternallyNamed + Decoded> Lifecycle<'_, R> {
    /// Checks that a resource is found by the user's own id for it.
    pub async fn assert_found_by_external_id(&self, id: &str) {
        let operation = format!("Get{}ByExternalId", self.singular);
        let found = self.all().get_by_external_id(id).await.unwrap();
        let exchange = self
            .world
            .assert_sent(request(&operation).path_params([id]));
        assert_keeps_all(&found, exchange.response());

        let nothing = self.all().find_by_external_id("nobody-s").await.unwrap();
        self.world
            .assert_sent(request(&operation).path_params(["nobody-s"]).status(404));
        assert_eq!(nothing, None);
    }
}

impl<R: Listed<Item: Decoded>> Lifecycle<'_, R> {
    /// Checks that these resources are listed: in pages, and as a bare array in the oldest version
    /// of the API.
    pub async fn list_in_pages(&self, names: &[&str]) {
        for version in [
            ApiVersion::V2026_04_16,
            ApiVersion::V2026_04_28,
            ApiVersion::V2026_09_22,
        ] {
            if version < self.since {
                continue;
            }
            let collection = (self.open)(&self.world.api_at(version));
            let page = collection.list().await.unwrap();
            let exchange = self.world.assert_sent(self.collection_request("List"));
            assert_eq!(exchange.version, version.to_string());
            let response = exchange.response();
            let (items, total) = if version >= self.paged_from {
                (&response["data"], response["meta"]["total"].as_u64())
            } else {
                (response, None)
            };
            assert_eq!(page.meta.total().and_then(Total::exact), total);
            self.assert_decoded(&page.items, items);
            assert_eq!(ids(&page.items), sorted(names), "{version}");
        }
        self.list_items(names).await;
    }

    /// Checks that the same resources are listed one by one, with a page for each.
    async fn list_items(&self, names: &[&str]) {
        let params = ListParams::new().limit(1).sort(Sort::NameAscending);
        let collection = (self.open)(&self.world.api_at(ApiVersion::V2026_09_22));
        let mut walk = collection.items_with(&params);
        let mut items = Vec::new();
        while let Some(item) = walk.try_next().await.unwrap() {
            items.push(item);
        }
        assert_eq!(ids(&items), sorted(names));
        let mut cursor = None;
        let sent = self.world.take();
        assert_eq!(sent.len(), names.len().max(1));
        for exchange in sent {
            let mut request = self
                .collection_request("List")
                .query("limit", 1)
                .query("sort", "name:asc");
            if let Some(cursor) = cursor {
                request = request.query("cursor", cursor);
            }
            request.compare(&exchange);
            cursor = exchange.response()["meta"]["nextCursor"]
                .as_str()
                .map(str::to_owned);
        }
        assert_eq!(cursor.as_deref(), Some(""));
    }

    #[track_caller]
    fn assert_decoded(&self, items: &[R::Item], response: &Value) {
        let response = response.as_array().expect("a list");
        assert_eq!(items.len(), response.len());
        for (item, response) in items.iter().zip(response) {
            let mut lost = lost_members(item, response);
            lost.retain(|member| !self.unlisted.iter().any(|known| member.starts_with(known)));
            assert_eq!(lost, Vec::<String>::new(), "lost of {response:#}");
        }
    }
}

impl<R: Listed<Item: Decoded>> Lifecycle<'_, R> {
    /// Checks that a list without parameters returns all resources.
    pub async fn list_all(&self) -> Vec<R::Item> {
        let all = self.all().all().await.unwrap();
        let exchange = self.world.assert_sent(self.collection_request("List"));
        assert_keeps_all(&all, exchange.response());
        let refused = self.all().list_with(&ListParams::new().limit(1)).await;
        assert!(refused.unwrap_err().is_input());
        let page = self.all().list().await.unwrap();
        self.world.assert_sent(self.collection_request("List"));
        assert!(!page.meta.has_more() && page.len() == all.len());
        all
    }

    /// Checks that the list returns `count` resources.
    pub async fn assert_count(&self, count: usize) {
        assert_eq!(self.list_all().await.len(), count);
    }
}

impl<R: Replaced + Fetched + Decoded> Lifecycle<'_, R> {
    /// Replaces the whole resource, and checks that nothing is lost and one thing is changed.
    pub async fn replace(&self, name: &str, change: Change<R>) {
        let mut resource = self.all().get(name).await.unwrap();
        let get = self.world.assert_sent(self.resource_request("Get", name));
        (change.apply)(&mut resource);
        let replaced = self.all().replace(&resource).await.unwrap();
        let document = changed(get.response(), &change.expected);
        let exchange = self
            .world
            .assert_sent(self.resource_request("Update", name).body(document));
        assert_keeps_all(&replaced, exchange.response());
        self.assert_changed(exchange.response(), &change.expected);
    }

    /// Changes a part of the resource.
    pub async fn modify(&self, name: &str, change: Change<R>) {
        let modified = self.all().modify(name, change.apply).await.unwrap();
        let mut sent = self.world.take();
        assert_eq!(sent.len(), 2, "{sent:?}");
        let (update, get) = (sent.remove(1), sent.remove(0));
        self.resource_request("Get", name).compare(&get);
        let document = changed(get.response(), &change.expected);
        self.resource_request("Update", name)
            .body(document)
            .compare(&update);
        assert_keeps_all(&modified, update.response());
        self.assert_changed(update.response(), &change.expected);
    }

    #[track_caller]
    fn assert_changed(&self, response: &Value, (pointer, value): &(&str, Value)) {
        assert_eq!(
            response.pointer(pointer),
            Some(value),
            "{pointer} of {response:#}"
        );
    }
}

impl<R: Applied + Fetched + Decoded> Lifecycle<'_, R> {
    /// Applies a resource, and checks the operations and statuses in `steps`.
    async fn apply(&self, resource: &R, steps: &[(&str, u16)]) -> Outcome<R> {
        let outcome = self.all().apply(resource).await.unwrap();
        let document = serde_json::to_value(resource).unwrap();
        let requests = steps.iter().map(|(verb, status)| {
            match *verb {
                "Get" => self.resource_request("Get", resource.name()),
                "Create" => self.collection_request("Create").body(document.clone()),
                verb => self
                    .resource_request(verb, resource.name())
                    .body(document.clone()),
            }
            .status(*status)
        });
        let sent = self.world.assert_sent_all(requests);
        let resource = outcome.clone().into_resource();
        assert_keeps_all(&resource, sent.last().expect("a request").response());
        outcome
    }

    /// Gets or creates a resource, and checks that it is created only the first time. Deletes it again.
    pub async fn get_or_create(&self, resource: &R)
    where
        R: Deleted<Response: Decoded>,
    {
        let name = resource.name();
        for exists in [false, true] {
            let outcome = self.all().get_or_create(resource).await.unwrap();
            assert_eq!(outcome.is_created(), !exists, "{outcome:?}");
            let document = serde_json::to_value(resource).unwrap();
            let create = self.collection_request("Create").body(document);
            let sent = match exists {
                true => vec![create.status(409), self.resource_request("Get", name)],
                false => vec![create],
            };
            let exchanges = self.world.assert_sent_all(sent);
            let response = exchanges.last().expect("a request").response();
            assert_keeps_all(outcome.resource(), response);
        }
        self.delete(name).await;
    }

    /// Applies a resource that exists.
    pub async fn apply_existing(&self, resource: &R, applying: &ApplySteps) {
        let outcome = self.apply(resource, applying.present).await;
        let kept = applying.present == KEEP_EXISTING.present;
        assert_eq!(
            matches!(outcome, Outcome::Unchanged(_)),
            kept,
            "{outcome:?}"
        );
        assert_eq!(
            matches!(outcome, Outcome::Replaced(_)),
            !kept,
            "{outcome:?}"
        );
    }

    /// Applies a resource that does not exist.
    pub async fn apply_missing(&self, resource: &R, applying: &ApplySteps) {
        let outcome = self.apply(resource, applying.absent).await;
        let replaced = applying.absent == REPLACE_ONLY.absent;
        assert_eq!(
            matches!(outcome, Outcome::Created(_)),
            !replaced,
            "{outcome:?}"
        );
    }
}

impl<R: Revised<Revision: Decoded>> Lifecycle<'_, R> {
    /// Checks that the resource has `count` revisions.
    pub async fn assert_revisions(&self, name: &str, count: usize) -> Vec<R::Revision> {
        let revisions = self.all().revisions(name).await.unwrap();
        let operation = format!("List{}Revisions", self.singular);
        let exchange = self
            .world
            .assert_sent(request(&operation).path_params([name]));
        assert_keeps_all(&revisions, exchange.response());
        assert_eq!(revisions.len(), count);
        revisions
    }
}

impl<R: Deleted<Response: Decoded>> Lifecycle<'_, R> {
    /// Deletes a resource.
    pub async fn delete(&self, name: &str) -> R::Response {
        let response = self.all().delete(name).await.unwrap();
        let exchange = self
            .world
            .assert_sent(self.resource_request("Delete", name));
        assert_keeps_all(&response, exchange.response());
        response
    }

    /// Deletes a resource if it exists.
    pub async fn delete_if_present(&self, name: &str) {
        let response = self.all().delete_if_present(name).await.unwrap();
        let exchange = self
            .world
            .assert_sent(self.resource_request("Delete", name));
        assert_keeps_all(&response.expect("a response"), exchange.response());
    }

    /// Checks that a resource that does not exist cannot be deleted.
    pub async fn assert_not_deletable(&self, name: &str) {
        let error = self.all().delete(name).await.err().unwrap();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(self.all().delete_if_present(name).await.unwrap(), None);
        let delete = || self.resource_request("Delete", name).status(404);
        self.world.assert_sent_all([delete(), delete()]);
    }
}

/// A draft, and the changes of the resource that is created from it.
pub struct Plan<R> {
    pub draft: R,
    /// The draft as JSON.
    pub sent: Value,
    pub replaced: Change<R>,
    pub modified: Change<R>,
    pub applying: ApplySteps,
}

impl<R> Lifecycle<'_, R>
where
    R: Applied + Fetched + Created<Draft = R, Made = R> + Deleted<Response: Decoded> + Decoded,
{
    /// Creates, gets, replaces and modifies a resource.
    pub async fn create_and_modify(&self, plan: &Plan<R>) {
        let name = plan.draft.name();
        self.assert_missing(name).await;
        self.create(&plan.draft, plan.sent.clone()).await;
        self.assert_unique(&plan.draft, plan.sent.clone()).await;
        self.get(name).await;
    }

    /// Changes the resource in all ways that the kind supports.
    pub async fn change(&self, plan: Plan<R>) {
        let name = plan.draft.name();
        self.replace(name, plan.replaced).await;
        self.modify(name, plan.modified).await;
        self.apply_existing(&plan.draft, &plan.applying).await;
        self.delete(name).await;
        self.assert_missing(name).await;
        self.assert_not_deletable(name).await;
        self.apply_missing(&plan.draft, &plan.applying).await;
        self.delete_if_present(name).await;
        self.get_or_create(&plan.draft).await;
    }
}

/// Returns the document with another value at a JSON pointer.
fn changed(document: &Value, (pointer, value): &(&str, Value)) -> Value {
    let mut document = document.clone();
    let (parent, member) = pointer.rsplit_once('/').expect("a JSON pointer");
    let parent = document
        .pointer_mut(parent)
        .expect("the parent of the member");
    parent[member] = value.clone();
    document
}

fn ids<I: Resource>(items: &[I]) -> Vec<String> {
    let ids = items
        .iter()
        .map(|item| item.key().into_owned())
        .collect::<Vec<_>>();
    sorted(&ids)
}

fn sorted<N: ToString>(names: &[N]) -> Vec<String> {
    let mut names: Vec<_> = names.iter().map(ToString::to_string).collect();
    names.sort();
    names
}
