//! The steps that are tested in the same way for resources of many kinds.

use blaxel_core::{ApiVersion, ListParams, Sort};
use blaxel_management::{
    Applied, Collection, Created, Deleted, ExternallyNamed, Fetched, Listed, Outcome, Replaced,
    Resource, Revised, Secretive,
};
use serde_json::Value;

use super::table::{Request, request};
use super::told::{Known, tells, untold};
use super::world::{Api, Carrier, World};

/// A function that returns a collection.
type Opening<R> = Box<dyn Fn(&Api) -> Collection<R, Carrier>>;

/// A kind of resource whose life cycle is tested step by step. Its operations are named after it.
pub struct Life<'w, R> {
    world: &'w World,
    singular: &'static str,
    plural: &'static str,
    above: Vec<String>,
    open: Opening<R>,
    unlisted: &'static [&'static str],
    since: ApiVersion,
    paged_from: ApiVersion,
}

/// A change of a resource, and the same change of its document.
pub struct Change<R> {
    /// The change of the resource.
    pub made: fn(&mut R),
    /// The change of the document: a JSON pointer, and the new value there.
    pub seen: (&'static str, Value),
}

/// The operations that `apply` performs for a kind, with the statuses of their responses.
pub struct Applying {
    /// If the resource exists.
    pub present: &'static [(&'static str, u16)],
    /// If the resource does not exist.
    pub absent: &'static [(&'static str, u16)],
}

/// The resource is replaced, or created if it does not exist.
pub const REPLACE_FIRST: Applying = Applying {
    present: &[("Update", 200)],
    absent: &[("Update", 404), ("Create", 200)],
};

/// The resource is created, or replaced if it exists.
pub const CREATE_FIRST: Applying = Applying {
    present: &[("Create", 409), ("Update", 200)],
    absent: &[("Create", 200)],
};

/// The resource is created, or left unchanged if it exists.
pub const KEEP_EXISTING: Applying = Applying {
    present: &[("Get", 200)],
    absent: &[("Get", 404), ("Create", 200)],
};

/// The resource is replaced; replacing one that does not exist creates it.
pub const REPLACE_ONLY: Applying = Applying {
    present: &[("Update", 200)],
    absent: &[("Update", 200)],
};

impl<'w, R> Life<'w, R> {
    /// Creates the life cycle of a kind with these names, whose collection `open` returns.
    pub fn of(
        world: &'w World,
        singular: &'static str,
        plural: &'static str,
        open: impl Fn(&Api) -> Collection<R, Carrier> + 'static,
    ) -> Self {
        Self {
            world,
            singular,
            plural,
            above: Vec::new(),
            open: Box::new(open),
            unlisted: &[],
            since: ApiVersion::V2026_04_16,
            paged_from: ApiVersion::V2026_04_28,
        }
    }

    /// Sets the names of the parent resources.
    pub fn under<N: ToString>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.above = names.into_iter().map(|name| name.to_string()).collect();
        self
    }

    /// Sets the members, as JSON pointers, that the items of lists do not have.
    pub fn not_listing(mut self, members: &'static [&'static str]) -> Self {
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
    pub fn all(&self) -> Collection<R, Carrier> {
        (self.open)(&self.world.api())
    }

    /// Returns the expected request of an operation on the collection, such as `Create`.
    fn asks(&self, verb: &str) -> Request {
        let name = if verb == "List" {
            self.plural
        } else {
            self.singular
        };
        request(&format!("{verb}{name}")).on(&self.above)
    }

    /// Returns the expected request of an operation on one resource, such as `Get`.
    fn asks_of(&self, verb: &str, name: &str) -> Request {
        self.asks(verb).on([name])
    }
}

impl<R: Created<Made: Known>> Life<'_, R> {
    /// Creates a resource from a draft, which is sent as `sent`.
    pub async fn is_made(&self, draft: &R::Draft, sent: Value) -> R::Made {
        let made = self.all().create(draft).await.unwrap();
        let exchange = self.world.sent(self.asks("Create").body(sent));
        tells(&made, exchange.answer());
        made
    }

    /// Checks that creating a second resource of the same name is refused.
    pub async fn is_unique(&self, draft: &R::Draft, sent: Value) {
        let error = self.all().create(draft).await.err().unwrap();
        assert!(error.is_conflict(), "{error}");
        self.world
            .sent(self.asks("Create").body(sent).answered(409));
    }
}

impl<R: Fetched + Known> Life<'_, R> {
    /// Gets a resource by its name.
    pub async fn is_read(&self, name: &str) -> R {
        let got = self.all().get(name).await.unwrap();
        let found = self.all().find(name).await.unwrap();
        let requests = [self.asks_of("Get", name), self.asks_of("Get", name)];
        let exchanges = self.world.sent_all(requests);
        tells(&got, exchanges[0].answer());
        assert_eq!(found.as_ref(), Some(&got));
        got
    }

    /// Checks that there is no resource of that name.
    pub async fn is_nowhere(&self, name: &str) {
        let error = self.all().get(name).await.err().unwrap();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(self.all().find(name).await.unwrap(), None);
        let get = || self.asks_of("Get", name).answered(404);
        self.world.sent_all([get(), get()]);
    }
}

impl<R: Secretive + Known> Life<'_, R> {
    /// Checks that the secret at the JSON pointer `place` is masked, and shown on request.
    pub async fn shows_secrets(&self, name: &str, place: &str, secret: &str) {
        let masked = self.all().get(name).await.unwrap();
        let exchange = self.world.sent(self.asks_of("Get", name));
        tells(&masked, exchange.answer());
        assert_ne!(exchange.answer().pointer(place).expect("a mask"), secret);

        let shown = self.all().showing_secrets().get(name).await.unwrap();
        let request = self.asks_of("Get", name).query("show_secrets", true);
        let exchange = self.world.sent(request);
        tells(&shown, exchange.answer());
        assert_eq!(exchange.answer().pointer(place).expect("a secret"), secret);
    }
}

impl<R: ExternallyNamed + Known> Life<'_, R> {
    /// Checks that a resource is found by the user's own id for it.
    pub async fn is_found_by_external_id(&self, id: &str) {
        let operation = format!("Get{}ByExternalId", self.singular);
        let found = self.all().get_by_external_id(id).await.unwrap();
        let exchange = self.world.sent(request(&operation).on([id]));
        tells(&found, exchange.answer());

        let nothing = self.all().find_by_external_id("nobody-s").await.unwrap();
        self.world
            .sent(request(&operation).on(["nobody-s"]).answered(404));
        assert_eq!(nothing, None);
    }
}

impl<R: Listed<Item: Known>> Life<'_, R> {
    /// Checks that these resources are listed: in pages, and as a bare array in the oldest version
    /// of the API.
    pub async fn are_paged(&self, names: &[&str]) {
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
            let exchange = self.world.sent(self.asks("List"));
            assert_eq!(exchange.version, version.to_string());
            let answer = exchange.answer();
            let (items, total) = if version >= self.paged_from {
                (&answer["data"], answer["meta"]["total"].as_u64())
            } else {
                (answer, None)
            };
            assert_eq!(page.meta.total(), total);
            self.are_told(&page.items, items);
            assert_eq!(ids(&page.items), sorted(names), "{version}");
        }
        self.are_walked(names).await;
    }

    /// Checks that the same resources are listed one by one, with a page for each.
    async fn are_walked(&self, names: &[&str]) {
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
                .asks("List")
                .query("limit", 1)
                .query("sort", "name:asc");
            if let Some(cursor) = cursor {
                request = request.query("cursor", cursor);
            }
            request.compare(&exchange);
            cursor = exchange.answer()["meta"]["nextCursor"]
                .as_str()
                .map(str::to_owned);
        }
        assert_eq!(cursor.as_deref(), Some(""));
    }

    #[track_caller]
    fn are_told(&self, items: &[R::Item], answer: &Value) {
        let answer = answer.as_array().expect("a list");
        assert_eq!(items.len(), answer.len());
        for (item, answer) in items.iter().zip(answer) {
            let mut lost = untold(item, answer);
            lost.retain(|member| !self.unlisted.iter().any(|known| member.starts_with(known)));
            assert_eq!(lost, Vec::<String>::new(), "lost of {answer:#}");
        }
    }
}

impl<R: Listed<Item = R> + Known> Life<'_, R> {
    /// Checks that a list without parameters returns all resources.
    pub async fn are_all_told(&self) -> Vec<R> {
        let all = self.all().all().await.unwrap();
        let exchange = self.world.sent(self.asks("List"));
        tells(&all, exchange.answer());
        let refused = self.all().list_with(&ListParams::new().limit(1)).await;
        assert!(refused.unwrap_err().is_input());
        let page = self.all().list().await.unwrap();
        self.world.sent(self.asks("List"));
        assert!(!page.meta.has_more() && page.len() == all.len());
        all
    }

    /// Checks that the list returns `count` resources.
    pub async fn are_enumerated(&self, count: usize) {
        assert_eq!(self.are_all_told().await.len(), count);
    }
}

impl<R: Replaced + Fetched + Known> Life<'_, R> {
    /// Replaces the whole resource, and checks that nothing is lost and one thing is changed.
    pub async fn is_replaced(&self, name: &str, change: Change<R>) {
        let mut resource = self.all().get(name).await.unwrap();
        let get = self.world.sent(self.asks_of("Get", name));
        (change.made)(&mut resource);
        let replaced = self.all().replace(&resource).await.unwrap();
        let document = changed(get.answer(), &change.seen);
        let exchange = self.world.sent(self.asks_of("Update", name).body(document));
        tells(&replaced, exchange.answer());
        self.shows_change(exchange.answer(), &change.seen);
    }

    /// Changes a part of the resource.
    pub async fn is_modified(&self, name: &str, change: Change<R>) {
        let modified = self.all().modify(name, change.made).await.unwrap();
        let mut sent = self.world.take();
        assert_eq!(sent.len(), 2, "{sent:?}");
        let (update, get) = (sent.remove(1), sent.remove(0));
        self.asks_of("Get", name).compare(&get);
        let document = changed(get.answer(), &change.seen);
        self.asks_of("Update", name).body(document).compare(&update);
        tells(&modified, update.answer());
        self.shows_change(update.answer(), &change.seen);
    }

    #[track_caller]
    fn shows_change(&self, answer: &Value, (place, value): &(&str, Value)) {
        assert_eq!(answer.pointer(place), Some(value), "{place} of {answer:#}");
    }
}

impl<R: Applied + Fetched + Known> Life<'_, R> {
    /// Applies a resource, and checks the operations and statuses in `steps`.
    async fn is_applied(&self, resource: &R, steps: &[(&str, u16)]) -> Outcome<R> {
        let outcome = self.all().apply(resource).await.unwrap();
        let document = serde_json::to_value(resource).unwrap();
        let requests = steps.iter().map(|(verb, status)| {
            match *verb {
                "Get" => self.asks_of("Get", resource.name()),
                "Create" => self.asks("Create").body(document.clone()),
                verb => self.asks_of(verb, resource.name()).body(document.clone()),
            }
            .answered(*status)
        });
        let sent = self.world.sent_all(requests);
        let resource = outcome.clone().into_resource();
        tells(&resource, sent.last().expect("a request").answer());
        outcome
    }

    /// Applies a resource that exists.
    pub async fn is_applied_again(&self, resource: &R, applying: &Applying) {
        let outcome = self.is_applied(resource, applying.present).await;
        let kept = applying.present == KEEP_EXISTING.present;
        assert_eq!(matches!(outcome, Outcome::Kept(_)), kept, "{outcome:?}");
        assert_eq!(
            matches!(outcome, Outcome::Replaced(_)),
            !kept,
            "{outcome:?}"
        );
    }

    /// Applies a resource that does not exist.
    pub async fn is_applied_anew(&self, resource: &R, applying: &Applying) {
        let outcome = self.is_applied(resource, applying.absent).await;
        let replaced = applying.absent == REPLACE_ONLY.absent;
        assert_eq!(
            matches!(outcome, Outcome::Created(_)),
            !replaced,
            "{outcome:?}"
        );
    }
}

impl<R: Revised<Revision: Known>> Life<'_, R> {
    /// Checks that the resource has `count` revisions.
    pub async fn has_revisions(&self, name: &str, count: usize) -> Vec<R::Revision> {
        let revisions = self.all().revisions(name).await.unwrap();
        let operation = format!("List{}Revisions", self.singular);
        let exchange = self.world.sent(request(&operation).on([name]));
        tells(&revisions, exchange.answer());
        assert_eq!(revisions.len(), count);
        revisions
    }
}

impl<R: Deleted<Response: Known>> Life<'_, R> {
    /// Deletes a resource.
    pub async fn is_deleted(&self, name: &str) -> R::Response {
        let answer = self.all().delete(name).await.unwrap();
        let exchange = self.world.sent(self.asks_of("Delete", name));
        tells(&answer, exchange.answer());
        answer
    }

    /// Deletes a resource if it exists.
    pub async fn is_deleted_if_present(&self, name: &str) {
        let answer = self.all().delete_if_present(name).await.unwrap();
        let exchange = self.world.sent(self.asks_of("Delete", name));
        tells(&answer.expect("an answer"), exchange.answer());
    }

    /// Checks that a resource that does not exist cannot be deleted.
    pub async fn is_not_deleted(&self, name: &str) {
        let error = self.all().delete(name).await.err().unwrap();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(self.all().delete_if_present(name).await.unwrap(), None);
        let delete = || self.asks_of("Delete", name).answered(404);
        self.world.sent_all([delete(), delete()]);
    }
}

/// A draft, and the changes of the resource that is created from it.
pub struct Plan<R> {
    pub draft: R,
    /// The draft as JSON.
    pub sent: Value,
    pub replaced: Change<R>,
    pub modified: Change<R>,
    pub applying: Applying,
}

impl<R> Life<'_, R>
where
    R: Applied + Fetched + Created<Draft = R, Made = R> + Deleted<Response: Known> + Known,
{
    /// Creates, gets, replaces and modifies a resource.
    pub async fn begins(&self, plan: &Plan<R>) {
        let name = plan.draft.name();
        self.is_nowhere(name).await;
        self.is_made(&plan.draft, plan.sent.clone()).await;
        self.is_unique(&plan.draft, plan.sent.clone()).await;
        self.is_read(name).await;
    }

    /// Changes the resource in all ways that the kind supports.
    pub async fn changes(&self, plan: Plan<R>) {
        let name = plan.draft.name();
        self.is_replaced(name, plan.replaced).await;
        self.is_modified(name, plan.modified).await;
        self.is_applied_again(&plan.draft, &plan.applying).await;
        self.is_deleted(name).await;
        self.is_nowhere(name).await;
        self.is_not_deleted(name).await;
        self.is_applied_anew(&plan.draft, &plan.applying).await;
        self.is_deleted_if_present(name).await;
    }
}

/// Returns the document with another value at a JSON pointer.
fn changed(document: &Value, (place, value): &(&str, Value)) -> Value {
    let mut document = document.clone();
    let (parent, member) = place.rsplit_once('/').expect("a JSON pointer");
    let parent = document.pointer_mut(parent).expect("what the place is in");
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
