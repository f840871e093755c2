//! The resources of a new emulator.

use std::time::Duration;

use crate::engine::Engine;
use crate::persist;
use crate::router::OWNER;
use crate::state::{Author, Collection, Document, IMAGES, MODELS, USERS, WORKSPACES, image};

/// The age of all initial resources.
const AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The other workspaces of the account, which the costs include.
const OTHERS: [&str; 2] = ["research", "staging"];
/// The images: type, name and size in megabytes.
const FIRST_IMAGES: [(&str, &str, u64); 2] = [
    ("agent", "support-bot", 310),
    ("sandbox", "code-runner", 480),
];

/// Makes an emulator as it was when it was new.
pub(crate) fn reset(engine: &Engine) {
    engine.clear();
    add_initial_data(engine);
}

/// Creates the initial resources, or those of the data that the emulator begins with.
pub(crate) fn add_initial_data(engine: &Engine) {
    let data = engine.config.data.as_ref();
    if data.is_none_or(|data| !data.document().complete) {
        add_usual_data(engine);
    }
    if let Some(data) = data {
        // It was checked when it was read, so nothing of it is left out.
        let loaded = persist::load(engine, data);
        debug_assert!(loaded.is_ok(), "{loaded:?}");
    }
    add_forwarded(engine);
}

/// Creates the resources of every new emulator.
fn add_usual_data(engine: &Engine) {
    let own = engine.config.workspace.as_str();
    for name in OTHERS.into_iter().filter(|name| *name != own).chain([own]) {
        engine.add_sample(&WORKSPACES, name, AGE);
    }
    engine.add_sample(&USERS, OWNER, AGE);
    for (of_type, name, megabytes) in FIRST_IMAGES {
        add_image(engine, of_type, name, megabytes << 20, AGE);
    }
    // The models are created one hour apart, the last one an hour ago.
    let models = &engine.config.models;
    for (name, hours) in models.iter().zip((1..=models.len() as u64).rev()) {
        engine.add_sample(&MODELS, name, Duration::from_secs(hours * 3600));
    }
}

/// Creates the workloads that are forwarded, as far as they do not exist.
fn add_forwarded(engine: &Engine) {
    for workload in engine.config.forwards.keys() {
        let collection = Collection::top(workload.kind());
        let name = workload.name();
        let is_there = engine.store.open().get(&collection, name).is_some();
        if !is_there {
            engine.add_sample(workload.kind(), name, Duration::ZERO);
        }
    }
}

/// Creates an image that was built `age` ago, replacing one of the same type and name. `size` is in
/// bytes.
pub(crate) fn add_image(engine: &Engine, of_type: &str, name: &str, size: u64, age: Duration) {
    let author = Author {
        name: "emulator",
        ago: age,
        uploads: false,
    };
    let (collection, key) = (Collection::top(&IMAGES), image::key(name, of_type));
    let mut store = engine.store.open();
    let built = store.now().saturating_sub(age);
    store.put(&collection, &key, Document::new(), &author);
    if let Some(image) = store.modify(&collection, &key) {
        image::build(&mut image.timeline, built, Duration::ZERO);
        image::add_tag(image, image::tag("latest", built, size));
    }
}
