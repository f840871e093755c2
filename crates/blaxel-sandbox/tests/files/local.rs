//! Transfers of local files and directories.

use std::collections::BTreeMap;
use std::fs;
use std::future::IntoFuture;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use blaxel_sandbox::files::Transferred;

use super::fake::{Fake, Fault};

/// A directory that is removed at the end of a test.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("blaxel-files-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        let file = fs::File::open(&path).unwrap();
        file.set_times(fs::FileTimes::new().set_modified(time))
            .unwrap();
    }

    /// Returns the contents of all files, and the targets of links after `->`.
    fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut pending = vec![self.0.clone()];
        while let Some(directory) = pending.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                let name = path
                    .strip_prefix(&self.0)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                if metadata.is_dir() {
                    pending.push(path);
                } else if metadata.is_symlink() {
                    let target = fs::read_link(&path).unwrap();
                    found.insert(name, format!("->{}", target.display()).into_bytes());
                } else {
                    found.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        found
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn sample(small: usize) -> Dir {
    let dir = Dir::new();
    for index in 0..small {
        dir.write(
            &format!("d{}/file {index}", index % 3),
            format!("content {index}"),
            0o644,
        );
    }
    dir.write("run.sh", "exec", 0o755);
    dir.write("large", vec![7; 2 * 1024 * 1024], 0o640);
    dir
}

/// Returns the files of the sandbox below a directory.
fn below(fake: &Fake, root: &str) -> BTreeMap<String, Vec<u8>> {
    let state = fake.state();
    let files = state.files.iter();
    files
        .filter_map(|(path, content)| Some((path.strip_prefix(root)?.to_owned(), content.clone())))
        .collect()
}

fn transferred(done: Transferred) -> (u64, u64, u64) {
    (done.files, done.unchanged, done.skipped_links)
}

#[tokio::test]
async fn a_directory_is_uploaded_as_an_archive_and_large_files() {
    let (dir, fake) = (sample(20), Fake::new());
    symlink("run.sh", dir.0.join("link")).unwrap();
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reports);
    let upload = fake.files().upload_dir(&dir.0, "/app");
    let done = upload
        .progress(move |progress| sink.lock().unwrap().push(progress))
        .await
        .unwrap();
    assert_eq!(transferred(done), (23, 0, 0));
    assert_eq!(below(&fake, "/app/"), dir.contents());
    assert!(below(&fake, "/tmp/").is_empty());
    let state = fake.state();
    assert_eq!(state.modes["/app/run.sh"], "755");
    assert_eq!(state.modes["/app/large"], "0640");
    let parts = state
        .seen
        .iter()
        .filter(|seen| seen.method == "PUT")
        .count();
    // The root, the archive and the large file.
    assert_eq!(parts, 3);
    let attributes = state.commands.last().unwrap();
    assert!(
        attributes.contains("0640 1000000000 /app/large"),
        "{attributes}"
    );
    let reports = reports.lock().unwrap();
    let last = reports.last().unwrap();
    assert_eq!(
        (Some(last.bytes), Some(last.files)),
        (last.total_bytes, last.total_files)
    );
    assert!(reports.iter().all(|progress| progress.bytes <= last.bytes));
}

#[tokio::test]
async fn without_tar_files_are_sent_one_by_one() {
    let (dir, fake) = (sample(20), Fake::new());
    fake.state().lacks_tar = true;
    let expected = dir.contents();
    symlink("run.sh", dir.0.join("link")).unwrap();
    let done = fake.files().upload_dir(&dir.0, "/app").await.unwrap();
    assert_eq!(transferred(done), (22, 0, 1));
    assert_eq!(below(&fake, "/app/"), expected);
    let target = Dir::new();
    fake.state()
        .files
        .insert("/app/link".to_owned(), b"->run.sh".to_vec());
    let done = fake.files().download_dir("/app", &target.0).await.unwrap();
    assert_eq!(transferred(done), (22, 0, 1));
    assert_eq!(target.contents(), expected);
    settle().await;
    assert!(below(&fake, "/tmp/").is_empty());
}

/// Waits until removals in the background have ended.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn no_device_pipe_or_socket_is_replaced() {
    let (dir, fake) = (Dir::new(), Fake::new());
    let name = dir.0.join("socket");
    let _socket = std::os::unix::net::UnixListener::bind(&name).unwrap();
    symlink(&name, dir.0.join("link")).unwrap();
    fake.state()
        .files
        .insert("/app/socket".to_owned(), b"data".to_vec());
    for target in ["socket", "link"] {
        let download = fake.files().download("/app/socket", dir.0.join(target));
        let error = download.await.unwrap_err();
        assert!(error.is_input(), "{error:?}");
        assert!(error.to_string().contains("read_stream"), "{error}");
    }
    let error = fake.files().download_dir("/app", &dir.0).await.unwrap_err();
    assert!(error.is_input(), "{error:?}");
    assert!(
        fs::symlink_metadata(dir.0.join("link"))
            .unwrap()
            .is_symlink()
    );
    assert!(!fs::metadata(&name).unwrap().is_file(), "it was replaced");
}

#[tokio::test]
async fn a_directory_comes_back_as_it_was() {
    let (dir, fake, target) = (sample(20), Fake::new(), Dir::new());
    symlink("../outside", dir.0.join("d0/link")).unwrap();
    let files = fake.files();
    files.upload_dir(&dir.0, "/app").await.unwrap();
    // Names that a list of `tar` cannot have.
    for name in ["/app/new\nline", "/app/back\\slash"] {
        fake.state().files.insert(name.to_owned(), b"odd".to_vec());
    }
    let done = files.download_dir("/app", &target.0).await.unwrap();
    assert_eq!(transferred(done), (25, 0, 0));
    let mut expected = dir.contents();
    expected.insert("new\nline".to_owned(), b"odd".to_vec());
    expected.insert("back\\slash".to_owned(), b"odd".to_vec());
    assert_eq!(target.contents(), expected);
    let mode = |path: &str| {
        fs::metadata(target.0.join(path))
            .unwrap()
            .permissions()
            .mode()
            & 0o7777
    };
    assert_eq!(
        (mode("run.sh"), mode("large"), mode("d0/file 0")),
        (0o755, 0o640, 0o644)
    );
    // A second time there is only the link, whose target a listing does not tell.
    let done = files.download_dir("/app", &target.0).await.unwrap();
    assert_eq!(transferred(done), (1, 24, 0));
    fs::write(target.0.join("run.sh"), "changed").unwrap();
    let done = files.download_dir("/app", &target.0).await.unwrap();
    assert_eq!(transferred(done), (2, 23, 0));
    assert_eq!(target.contents(), expected);
}

#[tokio::test]
async fn unchanged_files_are_not_sent_again() {
    let (dir, fake) = (sample(3), Fake::new());
    let files = fake.files();
    assert_eq!(
        transferred(files.upload_dir(&dir.0, "/app").await.unwrap()),
        (5, 0, 0)
    );
    assert_eq!(
        transferred(files.upload_dir(&dir.0, "/app").await.unwrap()),
        (0, 5, 0)
    );
    dir.write("run.sh", "other", 0o755);
    dir.write("d0/file 0", "content 0", 0o600);
    assert_eq!(
        transferred(files.upload_dir(&dir.0, "/app").await.unwrap()),
        (2, 3, 0)
    );
    let all = files
        .upload_dir(&dir.0, "/app")
        .skip_unchanged(false)
        .await
        .unwrap();
    assert_eq!(transferred(all), (5, 0, 0));
}

#[tokio::test]
async fn excluded_files_are_left_out_in_both_directions() {
    let (dir, fake, target) = (sample(9), Fake::new(), Dir::new());
    dir.write("target/x", "x", 0o644);
    dir.write("a/x.log", "x", 0o644);
    let files = fake.files();
    let upload = files
        .upload_dir(&dir.0, "/app")
        .exclude(["target/", "*.log"]);
    upload.filter(|path| path != "d0").await.unwrap();
    let names: Vec<String> = below(&fake, "/app/").into_keys().collect();
    assert!(
        names
            .iter()
            .all(|name| !name.starts_with("d0") && !name.contains("x")),
        "{names:?}"
    );
    let download = files
        .download_dir("/app", &target.0)
        .exclude(["d1", "large"]);
    download.await.unwrap();
    let names: Vec<String> = target.contents().into_keys().collect();
    assert_eq!(names, ["d2/file 2", "d2/file 5", "d2/file 8", "run.sh"]);
}

#[tokio::test]
async fn files_whose_names_have_control_characters_come_back_even_if_they_are_few_or_large() {
    let (fake, target) = (Fake::new(), Dir::new());
    let mut expected = BTreeMap::new();
    for (name, content) in [("\u{1}", vec![1; 3]), ("a\u{7f}", vec![2; 2 * 1024 * 1024])] {
        let path = format!("/app/{name}");
        fake.state().files.insert(path, content.clone());
        expected.insert(name.to_owned(), content);
    }
    let files = fake.files();
    assert!(
        files.read("/app/\u{1}").await.is_err(),
        "the server's fault"
    );
    files.download_dir("/app", &target.0).await.unwrap();
    assert_eq!(target.contents(), expected);
}

#[tokio::test]
async fn a_file_that_is_written_during_a_download_does_not_fail_it() {
    let (dir, fake, target) = (sample(20), Fake::new(), Dir::new());
    let files = fake.files();
    files.upload_dir(&dir.0, "/app").await.unwrap();
    fake.state().changing = Some("/app/d1/file 1".to_owned());
    files.download_dir("/app", &target.0).await.unwrap();
    assert_eq!(target.contents(), dir.contents());
}

#[tokio::test]
async fn a_file_that_is_removed_during_a_download_is_not_taken_for_a_missing_directory() {
    let (dir, fake, target) = (sample(20), Fake::new(), Dir::new());
    let files = fake.files();
    files.upload_dir(&dir.0, "/app").await.unwrap();
    fake.state().vanished = vec!["/app/d1/file 1".to_owned()];
    let error = files.download_dir("/app", &target.0).await.unwrap_err();
    assert!(error.is_truncated() && !error.is_not_found(), "{error}");
    let mut expected = dir.contents();
    // Files of an archive that came stay, so that another attempt has less to do.
    let received = target.contents();
    expected.retain(|name, _| name != "d1/file 1" && received.contains_key(name));
    assert_eq!(received, expected);
    assert!(received.len() >= 20, "{}", received.len());

    fake.state().files.remove("/app/d1/file 1");
    files.download_dir("/app", &target.0).await.unwrap();
    assert_eq!(target.contents().len(), dir.contents().len() - 1);
    settle().await;
    assert!(below(&fake, "/tmp/").is_empty());
}

#[tokio::test]
async fn a_download_names_a_file_whose_name_is_not_utf8() {
    let (dir, fake, target) = (sample(20), Fake::new(), Dir::new());
    let files = fake.files();
    files.upload_dir(&dir.0, "/app").await.unwrap();
    let garbled = "/app/bad\u{fffd}".to_owned();
    fake.state().files.insert(garbled.clone(), b"x".to_vec());
    fake.state().vanished = vec![garbled.clone()];
    let error = files.download_dir("/app", &target.0).await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains(&garbled),
        "{error}"
    );
    let download = files.download_dir("/app", &target.0);
    download
        .filter(|name| !name.contains('\u{fffd}'))
        .await
        .unwrap();
    assert_eq!(target.contents(), dir.contents());
}

#[tokio::test]
async fn what_a_sandbox_sends_stays_in_the_directory() {
    for name in ["/app/..", "/app/a/../b", "/app/.", "/app/a/..", "/app/../x"] {
        let (fake, dir) = (Fake::new(), Dir::new());
        fake.state().files.insert(name.to_owned(), b"evil".to_vec());
        fake.state()
            .files
            .insert("/app/good".to_owned(), b"good".to_vec());
        let target = dir.0.join("inner/target");
        let outcome = fake.files().download_dir("/app", &target).await;
        let found: Vec<String> = dir.contents().into_keys().collect();
        assert!(
            found.iter().all(|path| path.starts_with("inner/target/")),
            "{name}: {found:?}"
        );
        drop(outcome);
    }
    let (fake, dir) = (Fake::new(), Dir::new());
    fake.state()
        .files
        .insert("/app/link/x".to_owned(), b"evil".to_vec());
    fs::create_dir(dir.0.join("outside")).unwrap();
    fs::create_dir(dir.0.join("target")).unwrap();
    symlink("../outside", dir.0.join("target/link")).unwrap();
    let error = fake
        .files()
        .download_dir("/app", dir.0.join("target"))
        .await
        .unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("link"),
        "{error}"
    );
    assert!(
        fs::read_dir(dir.0.join("outside"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn a_download_that_fails_leaves_the_old_file() {
    let (fake, dir) = (Fake::new(), Dir::new());
    fake.state()
        .files
        .insert("/a".to_owned(), vec![1; 3_000_000]);
    let local = dir.0.join("a");
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&reports);
    let download = fake.files().download("/a", &local);
    let bytes = download
        .progress(move |progress| sink.lock().unwrap().push(progress.bytes))
        .await;
    assert_eq!(bytes.unwrap(), 3_000_000);
    assert_eq!(fs::read(&local).unwrap(), vec![1; 3_000_000]);
    assert_eq!(reports.lock().unwrap().last(), Some(&3_000_000));
    let broken = fake.files_with(|seen, _| {
        (seen.header("range").is_none() && seen.method == "GET").then_some(Fault::Before)
    });
    broken.download("/a", &local).await.unwrap_err();
    assert!(
        broken
            .download("/missing", &local)
            .await
            .unwrap_err()
            .is_not_found()
    );
    assert_eq!(dir.contents().into_keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(fs::metadata(&local).unwrap().len(), 3_000_000);
    let nowhere = fake
        .files()
        .download("/a", dir.0.join("no/a"))
        .await
        .unwrap_err();
    assert!(
        nowhere.is_input() && nowhere.find_cause::<std::io::Error>().is_some(),
        "{nowhere}"
    );
}

#[tokio::test]
async fn a_local_file_is_uploaded_in_parts() {
    let (fake, dir) = (Fake::new(), Dir::new());
    let content: Vec<u8> = (0..700_000_u32)
        .map(|index| index.to_le_bytes()[0])
        .collect();
    dir.write("a", &content, 0o755);
    let written = fake
        .files()
        .upload(dir.0.join("a"), "/a")
        .part_size(100_000)
        .await;
    assert_eq!(written.unwrap(), 700_000);
    assert_eq!(fake.state().files["/a"], content);
    assert_eq!(fake.state().modes["/a"], "0755");
    for missing in [dir.0.join("b"), dir.0.clone()] {
        let error = fake.files().upload(&missing, "/b").await.unwrap_err();
        assert!(
            error.is_input() && error.find_cause::<std::io::Error>().is_some(),
            "{error}"
        );
    }
    // A pipe, without a thread that waits for its writer and keeps the runtime from ending.
    let pipe = dir.0.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for special in [pipe.as_path(), Path::new("/dev/zero")] {
        let upload = fake.files().upload(special, "/b").into_future();
        let outcome = tokio::time::timeout(std::time::Duration::from_secs(5), upload).await;
        let error = outcome.expect("no wait").unwrap_err();
        assert!(
            error.is_input() && error.find_cause::<std::io::Error>().is_some(),
            "{error}"
        );
    }
    assert!(
        fake.files()
            .upload_dir(Path::new("/no/such/dir"), "/b")
            .await
            .unwrap_err()
            .is_input()
    );
    let missing = fake
        .files()
        .download_dir("/none", dir.0.join("x"))
        .into_future()
        .await;
    assert!(missing.unwrap_err().is_not_found());
    assert!(!dir.0.join("x").exists());
}
