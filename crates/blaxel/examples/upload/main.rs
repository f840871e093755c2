//! Packs a directory and uploads it as a volume template, with a progress bar.
//!
//! `cargo run --example upload [DIRECTORY]` runs on an emulator in this process, with the sources of the examples
//! unless a directory is given. With `--live` it uploads to the real platform, in the workspace of the
//! environment or of the CLI's configuration.

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

/// Any error that ends the program.
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
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let directory = directory.map_or(Path::new(examples), Path::new);
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

/// Uploads a directory as a volume template, waits until it is ready, and deletes it.
async fn upload(client: Client, directory: &Path) -> Result<(), Failure> {
    let archive = TempArchive::new(directory)?;
    let size = archive.0.metadata()?.len();
    println!("{} is an archive of {size} bytes.", directory.display());

    let bar = ProgressBar::new(size);
    bar.set_style(ProgressStyle::with_template(
        "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {msg}",
    )?);
    let progress_bar = bar.clone();
    // The file is streamed, so the bar shows the bytes that were sent.
    let source = UploadSource::file(Archive::Tar, &archive.0).on_progress(move |progress| {
        progress_bar.set_position(progress.sent);
        if progress.attempt > 1 {
            progress_bar.set_message(format!("attempt {}", progress.attempt));
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

/// An archive of a directory in a temporary file, which is deleted on drop.
struct TempArchive(PathBuf);

impl TempArchive {
    /// Packs a directory.
    fn new(directory: &Path) -> Result<Self, std::io::Error> {
        let name = format!("blaxel-upload-{}.tar", std::process::id());
        let archive = Self(env::temp_dir().join(name));
        let mut builder = tar::Builder::new(File::create(&archive.0)?);
        builder.append_dir_all(".", directory)?;
        builder.finish()?;
        Ok(archive)
    }
}

impl Drop for TempArchive {
    fn drop(&mut self) {
        // An error is harmless: the file is in the temporary directory.
        let _ = std::fs::remove_file(&self.0);
    }
}
