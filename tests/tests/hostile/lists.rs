//! Lists that do not end, or whose pages mislead.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use blaxel_management::Management;
use serde_json::{Value, json};

use crate::clients::{answered, reply};
use crate::table::{Attack, MIB, Outcome, on_paused_clock};

/// Returns an attack by a list: a function from the number of the page to its items and cursor.
fn walk(
    name: &'static str,
    page: impl Fn(usize) -> (usize, Value) + Clone + Send + Sync + 'static,
) -> Attack {
    Attack::new(
        name,
        on_paused_clock(move || async move {
            let pages = Arc::new(AtomicUsize::new(0));
            let client = answered(move |_| {
                let (items, cursor) = page(pages.fetch_add(1, Ordering::Relaxed));
                let items = vec![json!({"metadata": {"name": "a"}, "spec": {}}); items];
                let meta = json!({"hasMore": true, "nextCursor": cursor});
                reply(200, json!({"data": items, "meta": meta}).to_string())
            });
            let mut walk = Management::new(client).agents().pages();
            let mut read = 0;
            loop {
                match walk.try_next().await {
                    Ok(Some(_)) => read += 1,
                    Ok(None) => return format!("ended after {read} pages").into(),
                    Err(error) => {
                        return format!("{} after {read} pages", Outcome::of_error(&error)).into();
                    }
                }
                if read == 1000 {
                    return "no end after 1000 pages".into();
                }
            }
        }),
    )
    .limit("cursors of a walk", Duration::ZERO)
}

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        walk("a cursor that never changes", |_| (1, json!("same")))
            .outcome(&["pagination, responded, 0 attempts after 2 pages"]),
        walk("cursors in a circle of three", |page| {
            (1, json!(format!("c{}", page % 3)))
        })
        .outcome(&["pagination, responded, 0 attempts after 4 pages"]),
        walk("empty pages without end", |page| {
            (0, json!(format!("c{page}")))
        })
        .limit("16 empty pages", Duration::ZERO)
        .outcome(&["pagination, responded, 0 attempts after 17 pages"]),
        walk("more items, but no cursor", |_| (1, Value::Null))
            .outcome(&["pagination, responded, 0 attempts after 1 pages"]),
        walk("more items, and an empty cursor", |_| (1, json!("")))
            .outcome(&["pagination, responded, 0 attempts after 1 pages"]),
        walk("a cursor of 1 MB", |_| (1, json!("c".repeat(1_000_000))))
            .outcome(&["input, not sent, 0 attempts after 1 pages"])
            .memory(16 * MIB),
        walk("a cursor that is no text", |_| (1, json!({"a": [1]})))
            .outcome(&["decode, responded, 1 attempt after 0 pages"]),
        walk("a cursor that adds a parameter", |page| {
            (
                1,
                json!(if page == 0 {
                    "x&limit=1#y\r\nx-a: b"
                } else {
                    "same"
                }),
            )
        })
        .outcome(&["pagination, responded, 0 attempts after 3 pages"]),
    ]
}
