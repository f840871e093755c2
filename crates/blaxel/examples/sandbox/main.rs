//! A sandbox: files are written, commands build a small web page from them, and a server shows it through a port.
//!
//! `cargo run --example sandbox` runs on an emulator in this process, whose sandboxes have a simulated machine.

mod machine;

use std::process::ExitCode;
use std::time::Duration;

use blaxel::auth::Variables;
use blaxel::sandbox::process::Event;
use blaxel::sandbox::{Port, ProcessRef, Sandbox};
use blaxel::{ClientBuilder, SandboxHandle, Sandboxes};
use blaxel_emulator::Emulator;

/// Any error that ends the program.
type Failure = Box<dyn std::error::Error>;

/// The name of the sandbox.
const NAME: &str = "web-page";
/// The port of the web server.
const PORT: u16 = 3000;
/// The path of the page.
const PAGE: &str = "/app/out/index.html";

/// The notes that the page is made of.
const NOTES: [(&str, &str); 2] = [
    (
        "notes/1.txt",
        "A sandbox has its own files, processes and ports.",
    ),
    ("notes/2.txt", "It sleeps when nobody uses it."),
];

/// The script that makes the page.
const BUILD: &str = r#"
mkdir -p out
echo "<h1>$TITLE</h1>" > out/index.html
for note in notes/*.txt; do
  echo "reading $note"
  echo "<p>$(cat "$note")</p>" >> out/index.html
done
test -s out/index.html || echo "the page is empty" >&2
"#;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sandbox failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let emulator = Emulator::builder()
        .real_clock()
        .machines(|_name, clock| machine::machine(clock, PORT, PAGE))
        .start()
        .await?;
    let variables = Variables::from_iter(emulator.variables());
    let client = ClientBuilder::from_variables(&variables)?.build()?;
    let sandboxes = Sandboxes::new(client);

    heading("Create a sandbox");
    let draft = Sandbox::new(NAME)
        .image("blaxel/base-image:latest")
        .port(Port::new(PORT.into()));
    let sandbox = sandboxes.ensure(&draft).await?;
    println!("{} is ready", sandbox.name());

    write_files(&sandbox).await?;
    run_commands(&sandbox).await?;
    build_page(&sandbox).await?;
    show_page(&sandboxes, &sandbox).await?;

    heading("Delete the sandbox");
    sandboxes.delete(NAME).await?;
    match sandboxes.get(NAME).await {
        Err(error) if error.is_not_found() => println!("{NAME} does not exist any more"),
        Err(error) => return Err(error.into()),
        Ok(_) => println!("{NAME} is being deleted"),
    }
    Ok(())
}

/// Writes the sources of the page and lists them.
async fn write_files(sandbox: &SandboxHandle) -> Result<(), Failure> {
    heading("Write files");
    let files = sandbox.fs();
    files.write_tree("/app", NOTES).await?;
    files.write("/app/build.sh", BUILD).mode(0o755).await?;
    let mut entries = files.read_dir("/app").recursive(true);
    while let Some(entry) = entries.try_next().await? {
        match entry.len {
            Some(len) => println!("{} ({len} bytes)", entry.path),
            None => println!("{}/", entry.path),
        }
    }
    Ok(())
}

/// Runs a command that succeeds and one that fails.
async fn run_commands(sandbox: &SandboxHandle) -> Result<(), Failure> {
    heading("Run commands");
    let words = sandbox
        .shell("cat notes/*.txt | wc -w")
        .current_dir("/app")
        .output()
        .await?;
    println!(
        "the notes have {} words",
        String::from_utf8_lossy(&words.stdout).trim()
    );

    let missing = sandbox
        .command("cat")
        .arg("/app/notes/3.txt")
        .output()
        .await?;
    print!(
        "{}: {}",
        missing.status,
        String::from_utf8_lossy(&missing.stderr)
    );
    Ok(())
}

/// Builds the page, prints the output of the build while it runs, and reads the page.
async fn build_page(sandbox: &SandboxHandle) -> Result<(), Failure> {
    heading("Build the page");
    let build = sandbox
        .command("sh")
        .arg("build.sh")
        .current_dir("/app")
        .env("TITLE", "Notes");
    let mut build = build.name("build").spawn().await?;
    while let Some(event) = build.events().try_next().await? {
        match event {
            Event::Stdout(bytes) | Event::Stderr(bytes) => {
                print!("{}", String::from_utf8_lossy(&bytes));
            }
            Event::Exited(status) if status.success() => println!("the build has {status}"),
            Event::Exited(status) => return Err(format!("the build has {status}").into()),
            _ => {}
        }
    }
    print!("{}", sandbox.fs().read_to_string(PAGE).await?);
    Ok(())
}

/// Starts a server, calls it through its port, joins it by a stored reference, and stops it.
async fn show_page(sandboxes: &Sandboxes, sandbox: &SandboxHandle) -> Result<(), Failure> {
    heading("Show the page");
    let port = PORT.to_string();
    let server = sandbox
        .command("python3")
        .args(["-m", "http.server", &port]);
    let server = server.current_dir("/app/out").name("web");
    // Stored before the start, so that another program finds the server whatever happens.
    let reference = serde_json::to_string(&server.reference())?;
    server.spawn().await?;

    let web = sandbox.port(PORT);
    web.wait_until_ready(Duration::from_secs(10)).await?;
    let page = web.get("/").await?;
    println!("GET / on port {PORT}: {}", page.status());
    print!("{}", page.text().await?);

    heading("Join the server and stop it");
    let server = sandboxes.process(&serde_json::from_str::<ProcessRef>(&reference)?);
    println!("{} is {}", server.name(), server.info().await?.status);
    server.stop().await?;
    println!("{} has {}", server.name(), server.wait().await?);
    Ok(())
}

/// Prints the heading of a step.
fn heading(text: &str) {
    println!("\n== {text}");
}
