//! What a fresh emulator holds, besides its models.

use std::time::Duration;

use crate::engine::Engine;
use crate::router::OWNER;
use crate::state::{Author, Collection, Document, IMAGES, USERS, WORKSPACES, image};

/// How long ago everything was made.
const AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The other workspaces of the account, which the costs are told of too.
const OTHERS: [&str; 2] = ["research", "staging"];
/// The images: type, name and size in megabytes.
const FIRST_IMAGES: [(&str, &str, u64); 2] = [
    ("agent", "support-bot", 310),
    ("sandbox", "code-runner", 480),
];

/// Puts everything in place.
pub(crate) fn add_initial_data(engine: &Engine) {
    let own = engine.config.workspace.as_str();
    for name in OTHERS.into_iter().filter(|name| *name != own).chain([own]) {
        engine.add_sample(&WORKSPACES, name, AGE);
    }
    engine.add_sample(&USERS, OWNER, AGE);
    for (of_type, name, megabytes) in FIRST_IMAGES {
        add_image(engine, of_type, name, megabytes << 20, AGE);
    }
}

/// Puts an image in place, built so long ago, instead of the one of the same type and name if there
/// is one. The size is in bytes.
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
