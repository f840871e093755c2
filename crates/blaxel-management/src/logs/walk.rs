//! The walk over all logs that match a query.

use std::hash::{DefaultHasher, Hash, Hasher};

use blaxel_core::__private::ErrorParts;
use blaxel_core::{Cursor, Error, HttpService, PageMeta, Paged, Pages, Source, call};

use super::{LogEntry, LogQuery, WorkloadLogs};

/// A page of the logs of one workload, the newest entry first.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogPage {
    /// The name of the workload.
    pub workload: String,
    /// The entries of this page. There may be more.
    pub entries: Vec<LogEntry>,
    /// The number of entries of the workload that match the query, if the server sends it.
    pub total: Option<u64>,
    meta: PageMeta,
}

impl Paged for LogPage {
    type Item = LogEntry;

    fn meta(&self) -> &PageMeta {
        &self.meta
    }

    fn into_items(self) -> Vec<LogEntry> {
        self.entries
    }

    fn count(&self) -> usize {
        self.entries.len()
    }
}

/// Returns the walk over the pages of a query, with `now` in seconds since 1970.
pub(super) fn pages<S: HttpService>(service: S, query: &LogQuery, now: i64) -> Pages<LogPage> {
    let query = query.clone();
    Pages::new(None, move |cursor| {
        let (service, query) = (service.clone(), query.clone());
        Box::pin(async move { fetch(&service, &query, now, cursor).await })
    })
}

/// A position in the walk. The endpoint uses offsets; a position is encoded as a cursor so that
/// logs can be walked like any other list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    /// The index of the workload in the query. Workloads are read one by one, because offsets into
    /// several are not documented.
    workload: usize,
    /// The number of entries of the workload before this position.
    offset: u64,
    /// The hash of the page before this position.
    previous_hash: u64,
}

impl Position {
    /// Decodes a cursor; without one, returns the first position of the first workload.
    fn decode(cursor: Option<Cursor>, query: &LogQuery) -> Result<Self, Error> {
        let Some(cursor) = cursor else {
            return Ok(Self::at(0, query));
        };
        let position = || {
            let mut numbers = cursor.as_str().splitn(3, ':');
            Some(Self {
                workload: numbers.next()?.parse().ok()?,
                offset: numbers.next()?.parse().ok()?,
                previous_hash: numbers.next()?.parse().ok()?,
            })
        };
        position().ok_or_else(|| {
            let problem = "it does not come from a walk over logs; pass its checkpoint";
            Error::input("cursor", &Source::Code, problem)
        })
    }

    /// Returns the first position of a workload.
    fn at(workload: usize, query: &LogQuery) -> Self {
        Self {
            workload,
            offset: query.first_offset(),
            previous_hash: 0,
        }
    }

    /// Encodes the position as a cursor.
    fn encode(self) -> Cursor {
        Cursor::from(format!(
            "{}:{}:{}",
            self.workload, self.offset, self.previous_hash
        ))
    }
}

/// Fetches the page at a cursor. Workloads without entries are skipped.
async fn fetch<S: HttpService>(
    service: &S,
    query: &LogQuery,
    now: i64,
    cursor: Option<Cursor>,
) -> Result<LogPage, Error> {
    let mut position = Position::decode(cursor, query)?;
    loop {
        let workload = query.workloads().get(position.workload);
        let requested = workload.map(std::slice::from_ref).unwrap_or_default();
        let request = query.request(now, requested, position.offset)?;
        let mut response = call(service, &request).await?;
        let workload = workload.cloned().unwrap_or_default();
        let logs = response.remove(&workload).unwrap_or_default();
        let page = page(workload, logs, position, query)?;
        match next_workload(position, query) {
            Some(next) if page.entries.is_empty() && !page.meta.is_truncated() => position = next,
            _ => return Ok(page),
        }
    }
}

/// Returns the page at a position, with the next cursor.
fn page(
    workload: String,
    logs: WorkloadLogs,
    position: Position,
    query: &LogQuery,
) -> Result<LogPage, Error> {
    let entries = logs.logs.unwrap_or_default();
    let count = entries.len() as u64;
    let offset = position.offset.saturating_add(count);
    let hash = hash_entries(&entries);
    // Two entries can be equal, but two whole pages only if the server ignores the offset.
    if count > 1 && hash == position.previous_hash {
        return Err(Error::pagination(
            "the server returned the same logs twice: it ignores the offset",
        ));
    }
    let is_incomplete = logs.total_count.is_some_and(|total| offset < total);
    let mut meta = PageMeta::default();
    if count > 0 && (is_incomplete || count >= query.page_size()) {
        let next = Position {
            offset,
            previous_hash: hash,
            ..position
        };
        meta = meta.with_next_cursor(next.encode());
    } else if count == 0 && is_incomplete && !query.is_filtered() {
        // The server announces more entries but sends none. With a filter, its total may be the
        // unfiltered one.
        meta = meta.with_has_more(true);
    } else {
        meta = meta.with_next_cursor(next_workload(position, query).map(Position::encode));
    }
    Ok(LogPage {
        workload,
        entries,
        total: logs.total_count,
        meta,
    })
}

/// Returns the first position of the next workload, or `None` after the last one.
fn next_workload(position: Position, query: &LogQuery) -> Option<Position> {
    let next = position.workload.checked_add(1)?;
    (next < query.workloads().len()).then(|| Position::at(next, query))
}

/// Hashes the entries of a page.
fn hash_entries(entries: &[LogEntry]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for entry in entries {
        (&entry.timestamp, &entry.message, &entry.trace_id).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::Management;
    use blaxel_core::Body;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use tower::service_fn;

    /// Returns a query parameter of a request.
    fn parameter(request: &http::Request<Body>, name: &str) -> String {
        let query = request.uri().query().unwrap();
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).unwrap().1.to_owned()
    }

    /// Returns a service that computes its response from the workload, the limit and the offset.
    fn log_service(
        response: impl Fn(&str, usize, usize) -> Value + Clone + Send + Sync + 'static,
    ) -> impl HttpService {
        service_fn(move |request: http::Request<Body>| {
            let workload = parameter(&request, "workloadIds");
            let limit = parameter(&request, "limit").parse().unwrap();
            let offset = parameter(&request, "offset").parse().unwrap();
            let body = json!({ workload.clone(): response(&workload, limit, offset) });
            async move { Ok::<_, Infallible>(http::Response::new(Body::from(body.to_string()))) }
        })
    }

    /// Returns the entries `name-0` to `name-(count-1)` like a server that sends at most `most` at
    /// once.
    fn entries(name: &str, count: usize, most: usize, limit: usize, offset: usize) -> Vec<Value> {
        let end = count.min(offset.saturating_add(limit.min(most)));
        let numbers = offset.min(end)..end;
        numbers
            .map(|number| json!({"message": format!("{name}-{number}")}))
            .collect()
    }

    /// Walks over all entries, and returns their messages and the error that ended the walk.
    async fn walk(service: impl HttpService, query: LogQuery) -> (Vec<String>, Option<Error>) {
        let mut items = Management::new(service).log_pages(&query).items();
        let mut all = Vec::new();
        loop {
            match items.try_next().await {
                Ok(Some(entry)) => all.push(entry.message.unwrap_or_default()),
                Ok(None) => return (all, None),
                Err(error) => return (all, Some(error)),
            }
            assert!(all.len() < 10_000, "the walk does not end");
        }
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(future)
    }

    proptest! {
        /// Holds for any number of entries per workload, any page size of the server, and with or
        /// without a total.
        #[test]
        fn every_entry_is_returned_exactly_once(
            counts in prop::collection::vec(0usize..12, 1..24),
            limit in 1usize..6,
            most in 1usize..6,
            counted: bool,
        ) {
            // Without a total, a page that the server cut short looks like the last one.
            let most = if counted { most } else { most.max(limit) };
            let names: Vec<_> = (0..counts.len()).map(|number| format!("w{number}")).collect();
            let expected: Vec<_> = names
                .iter()
                .zip(&counts)
                .flat_map(|(name, count)| (0..*count).map(move |n| format!("{name}-{n}")))
                .collect();
            let count_of = counts.clone();
            let service = log_service(move |workload, limit, offset| {
                let count = count_of[workload[1..].parse::<usize>().unwrap()];
                let logs = entries(workload, count, most, limit, offset);
                match counted {
                    true => json!({"logs": logs, "totalCount": count}),
                    false => json!({"logs": logs}),
                }
            });
            let query = LogQuery::agents(names).limit(u32::try_from(limit).unwrap());
            let (all, error) = block_on(walk(service, query));
            prop_assert!(error.is_none(), "{:?}", error);
            prop_assert_eq!(all, expected);
        }
    }

    #[tokio::test]
    async fn a_full_page_is_followed_even_if_the_total_is_reached() {
        let service = log_service(
            |workload, limit, offset| json!({"logs": entries(workload, 5, 9, limit, offset), "totalCount": 2}),
        );
        let (all, error) = walk(service, LogQuery::agents(["bot"]).limit(2)).await;
        assert_eq!((all.len(), error.is_none()), (5, true));
    }

    #[tokio::test]
    async fn a_server_that_ignores_the_offset_is_an_error() {
        let service = log_service(
            |workload, limit, _| json!({"logs": entries(workload, 9, 9, limit, 0), "totalCount": 1000}),
        );
        let (all, error) = walk(service, LogQuery::agents(["bot"]).limit(3)).await;
        assert_eq!(all.len(), 3);
        assert!(error.unwrap().to_string().contains("offset"));
    }

    #[tokio::test]
    async fn a_walk_that_ends_before_the_total_is_an_error() {
        let service = log_service(
            |workload, limit, offset| json!({"logs": entries(workload, 3, 9, limit, offset), "totalCount": 5}),
        );
        let query = LogQuery::agents(["bot"]);
        let (all, error) = walk(service.clone(), query.clone()).await;
        assert_eq!(all.len(), 3);
        assert!(error.unwrap().to_string().contains("incomplete"));
        // With a filter, the total may be that of all entries.
        let (all, error) = walk(service, query.search("x")).await;
        assert_eq!((all.len(), error.is_none()), (3, true));
    }

    #[tokio::test]
    async fn workloads_without_logs_do_not_end_the_walk() {
        let service = log_service(|workload, limit, offset| {
            let count = usize::from(workload == "w29");
            json!({"logs": entries(workload, count, 9, limit, offset), "totalCount": count})
        });
        let query = LogQuery::agents((0..30).map(|number| format!("w{number}")));
        let (all, error) = walk(service, query).await;
        assert_eq!((all, error.is_none()), (vec!["w29-0".to_owned()], true));
    }

    #[tokio::test]
    async fn an_invalid_query_fails_before_a_request_is_sent() {
        let service = log_service(|_, _, _| unreachable!("a request was sent"));
        let (_, error) = walk(service, LogQuery::agents([""; 0])).await;
        assert!(error.unwrap().is_input());
    }

    #[tokio::test]
    async fn a_walk_resumes_from_a_checkpoint() {
        let service = log_service(
            |workload, limit, offset| json!({"logs": entries(workload, 4, 9, limit, offset), "totalCount": 4}),
        );
        let management = Management::new(service);
        let query = LogQuery::agents(["a", "b"]).limit(3);
        let mut items = management.log_pages(&query).items();
        for _ in 0..6 {
            items.try_next().await.unwrap();
        }
        let mut resumed = management
            .log_pages(&query)
            .items()
            .resume(items.checkpoint());
        let next = resumed.try_next().await.unwrap().unwrap();
        assert_eq!(next.message.as_deref(), Some("b-2"));
    }
}
