//! Packing a directory and uploading it as a volume template, with a progress bar.
//!
//! `cargo run --example upload [DIRECTORY]` does it on an emulator inside this process, with the sources
//! of this example unless a directory is given. With `--live` it goes to the real platform, in the
//! workspace that the environment or the CLI's configuration names.

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use blaxel::management::upload::{Archive, UploadSource};
use blaxel::management::volume_templates::{VolumeTemplate, VolumeTemplateStatus};
use blaxel::management::{Megabytes, Wait};
use blaxel::{Client, Management};
use blaxel_emulator::Emulator;
use indicatif::{ProgressBar, ProgressStyle};

/// Whatever ends the program early.
type Failure = Box<dyn std::error::Error>;

const TEMPLATE: &str = "uploaded-directory";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the upload failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let live = arguments.iter().any(|argument| argument == "--live");
    let directory = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"));
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let directory = directory.map_or(Path::new(own), Path::new);
    if live {
        return upload(Client::from_env()?, directory).await;
    }
    let emulator = Emulator::builder().real_clock().start().await?;
    let client = Client::builder()
        .api_key(emulator.api_key())
        .workspace(emulator.workspace())
        .api_url(emulator.url())
        .build()?;
    upload(client, directory).await
}

async fn upload(client: Client, directory: &Path) -> Result<(), Failure> {
    let archive = Archived::new(directory)?;
    let size = archive.0.metadata()?.len();
    println!("{} is {size} bytes as an archive.", directory.display());

    let bar = ProgressBar::new(size);
    bar.set_style(ProgressStyle::with_template(
        "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {msg}",
    )?);
    let shown = bar.clone();
    // The file is read while it is sent, so what the bar shows is what has left.
    let source = UploadSource::file(Archive::Tar, &archive.0).on_progress(move |progress| {
        shown.set_position(progress.sent);
        if progress.attempt > 1 {
            shown.set_message(format!("try {}", progress.attempt));
        }
    });

    let templates = Management::new(client).volume_templates();
    let mut template = VolumeTemplate::new(TEMPLATE);
    template.spec = template.spec.default_size(Megabytes::gigabytes(1));
    templates
        .deploy_version(&template, "first", &source)
        .await?;
    bar.finish();

    let ready = |template: &VolumeTemplate| {
        let state = template.state.as_ref();
        state.and_then(|state| state.status.as_ref()) == Some(&VolumeTemplateStatus::Ready)
    };
    let template = templates.wait_until(TEMPLATE, &Wait::new(), ready).await?;
    let versions = template.versions.map_or(0, |versions| versions.len());
    println!("{TEMPLATE} is ready, with {versions} version(s).");
    templates.delete(TEMPLATE).await?;
    Ok(())
}

/// An archive of a directory among the temporary files, gone when it is dropped.
struct Archived(PathBuf);

impl Archived {
    fn new(directory: &Path) -> Result<Self, std::io::Error> {
        let name = format!("blaxel-upload-{}.tar", std::process::id());
        let archive = Self(env::temp_dir().join(name));
        let mut builder = tar::Builder::new(File::create(&archive.0)?);
        builder.append_dir_all(".", directory)?;
        builder.finish()?;
        Ok(archive)
    }
}

impl Drop for Archived {
    fn drop(&mut self) {
        // What cannot be removed is temporary all the same.
        let _ = std::fs::remove_file(&self.0);
    }
}
