//! Files in place of the configuration file and of `.env` that never end, or that are too large.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use blaxel_auth::{ConfigFile, Variables};

use crate::table::{Attack, MIB, Outcome, on_threads};

/// A path in the temporary directory that is removed when this is dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let name = format!("blaxel-hostile-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Reads a file as the configuration file, and as a `.env` file.
fn read(path: PathBuf) -> Outcome {
    let config = Outcome::of(ConfigFile::read(path.clone())).to_string();
    let env = Outcome::of(Variables::default().with_env_file(path)).to_string();
    if config == env {
        config.into()
    } else {
        format!("{config}; {env}").into()
    }
}

fn attack(name: &'static str, path: impl FnOnce() -> Option<Outcome> + Send + 'static) -> Attack {
    Attack::new(
        name,
        on_threads(move || path().unwrap_or_else(|| "no such tool".into())),
    )
    .limit("regular files of 1 MiB", Duration::ZERO)
    .outcome(&["input, not sent, 0 attempts"])
    .memory(4 * MIB)
}

pub(crate) fn attacks() -> Vec<Attack> {
    vec![
        attack("settings from /dev/zero", || Some(read("/dev/zero".into()))),
        attack("settings from a pipe to which nobody writes", || {
            let pipe = Temporary::new("pipe");
            let made = Command::new("mkfifo").arg(&pipe.0).status().ok()?;
            made.success().then(|| read(pipe.0.clone()))
        }),
        attack("settings from a file of 100 GB", || {
            let file = Temporary::new("large");
            let large = std::fs::File::create(&file.0).ok()?;
            // Without content, so it takes no space.
            large.set_len(100_000_000_000).ok()?;
            Some(read(file.0.clone()))
        }),
    ]
}
