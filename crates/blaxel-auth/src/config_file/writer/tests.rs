use std::process::{Command, Stdio};

use blaxel_core::{BaseUrl, Body, HttpService};

use super::super::tests::Home;
use super::*;
use crate::{Authenticator, CredentialKind, Credentials, TokenStore};

const OTHERS: &str = "\
# a comment
context: {workspace: other}
tracking: true
workspaces:
- name: other
  id: 0123
  env: dev
  credentials: {apiKey: 'bl_other', own: [1, \"1\", null]}
- name: 456
  credentials:
    access_token: a0
    refresh_token: r0
    client_credentials: id:secret
    unknown: {deep: yes}
future:
  list: [a, {b: 'c: d'}]
";

fn workspace(name: &str) -> Workspace {
    name.parse::<Workspace>().unwrap()
}

fn tokens(number: u32) -> Tokens {
    Tokens::new()
        .issued(format!("a{number}").into(), Some(Duration::from_secs(7200)))
        .with_refresh_token(format!("r{number}"))
        .with_device_code("d")
}

fn setup(name: &str) -> (Home, PathBuf, ConfigWriter) {
    let home = Home::new(name);
    let path = home.0.join(".blaxel").join("config.yaml");
    (home, path.clone(), ConfigFile::writer(path))
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn found(path: &Path, name: &str) -> Option<Credentials> {
    let file = ConfigFile::read(path).unwrap().unwrap();
    file.credentials(Some(&workspace(name))).unwrap()
}

#[test]
fn unrelated_content_is_preserved() {
    let (home, path, writer) = setup("writer-keeps");
    let _home = home.with(OTHERS);
    writer.sign_in(&workspace("456"), &tokens(7)).unwrap();
    let expected = "\
# This file is complete if its last line is \"# end of file\".
context:
  workspace: other
tracking: true
workspaces:
  - name: other
    id: 0123
    env: dev
    credentials:
      apiKey: \"bl_other\"
      own:
        - 1
        - \"1\"
        - null
  - name: 456
    credentials:
      unknown:
        deep: yes
      access_token: \"a7\"
      refresh_token: \"r7\"
      device_code: \"d\"
      expires_in: 7200
future:
  list:
    - a
    - b: \"c: d\"
# end of file
";
    assert_eq!(text(&path), expected);
    let credentials = found(&path, "456").unwrap();
    assert_eq!(credentials.kind(), CredentialKind::RefreshToken);
    assert_eq!(
        found(&path, "other").unwrap().environment(),
        Some(Environment::Development)
    );
    // Writing the same again does not touch the file.
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    writer.sign_in(&workspace("456"), &tokens(7)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
}

#[test]
fn a_missing_file_is_created() {
    let (_home, path, writer) = setup("writer-new");
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    let team = workspace("team");
    writer
        .clone()
        .with_environment(Environment::Development)
        .sign_in_with_key(&team, "bl_\"x\" # \\y\n")
        .unwrap();
    writer.set_current_workspace(&team).unwrap();
    let credentials = ConfigFile::read(&path).unwrap().unwrap().credentials(None);
    let credentials = credentials.unwrap_err();
    assert!(
        credentials.is_input(),
        "a key with spaces in it cannot be sent: {credentials}"
    );
    writer.sign_in_with_key(&team, "bl_x\n").unwrap();
    let credentials = ConfigFile::read(&path).unwrap().unwrap().credentials(None);
    let credentials = credentials.unwrap().unwrap();
    assert_eq!(credentials.kind(), CredentialKind::ApiKey);
    assert_eq!(credentials.environment(), Some(Environment::Development));
    writer
        .clone()
        .with_environment(Environment::Production)
        .sign_in(&team, &tokens(1))
        .unwrap();
    let credentials = found(&path, "team").unwrap();
    assert_eq!(
        credentials.kind(),
        CredentialKind::RefreshToken,
        "the key is gone"
    );
    assert_eq!(credentials.environment(), None);
}

#[test]
fn sign_out_removes_the_entry_and_deselects_the_workspace() {
    let (home, path, writer) = setup("writer-out");
    let _home = home.with(OTHERS);
    assert!(!writer.sign_out(&workspace("nobody")).unwrap());
    assert_eq!(text(&path), OTHERS, "there was nothing to write");
    assert!(writer.sign_out(&workspace("other")).unwrap());
    let file = ConfigFile::read(&path).unwrap().unwrap();
    assert_eq!(file.workspaces().collect::<Vec<_>>(), ["456"]);
    assert!(file.current_workspace().unwrap().is_none());
    let absent = ConfigFile::writer(path.with_file_name("absent.yaml"));
    assert!(!absent.sign_out(&workspace("other")).unwrap());
    assert!(!absent.path().exists());
}

#[test]
fn a_malformed_file_is_left_unchanged() {
    let (home, path, writer) = setup("writer-bad");
    let _home = home;
    for text in [
        "workspaces: [",
        "workspaces: canary\n",
        "- canary\n",
        "a: &x canary\nb: *x\n",
        "a: !tag canary\n",
        "? [a]\n: canary\n",
        "a: b\n---\nc: canary\n",
    ] {
        fs::write(&path, text).unwrap();
        for outcome in [
            writer.sign_in(&workspace("team"), &tokens(1)),
            writer.set_current_workspace(&workspace("team")),
        ] {
            let error = outcome.expect_err(text);
            assert!(
                error.is_input() && error.to_string().contains("config.yaml"),
                "{error}"
            );
            assert!(!format!("{error}{error:?}").contains("canary"), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, b"\xff").unwrap();
    assert!(writer.sign_in(&workspace("team"), &tokens(1)).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"\xff");
}

#[test]
fn a_beginning_of_a_written_file_is_neither_read_nor_written() {
    let (home, path, writer) = setup("writer-torn");
    let _home = home.with(OTHERS);
    writer.set_current_workspace(&workspace("456")).unwrap();
    let whole = text(&path);
    ConfigFile::read(&path).unwrap().unwrap();
    // The last line counts without its end, too.
    for end in (1..whole.len() - 1).filter(|end| end % 7 == 0) {
        fs::write(&path, &whole[..end]).unwrap();
        age(&path);
        let error = ConfigFile::read(&path).expect_err(&whole[..end]);
        assert!(
            error.is_input() && error.to_string().contains("config.yaml"),
            "{error}"
        );
        assert!(writer.sign_in(&workspace("team"), &tokens(1)).is_err());
        assert_eq!(text(&path), whole[..end]);
    }
    // The CLI writes no such lines, and text that is added by hand does not matter.
    fs::write(&path, format!("{whole}own: 1\n")).unwrap();
    writer.sign_in(&workspace("team"), &tokens(1)).unwrap();
    assert!(text(&path).contains("own: 1"));
}

/// Makes a file old enough that nobody can be writing it.
fn age(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    let time = std::time::SystemTime::now() - Duration::from_secs(60);
    file.set_modified(time).unwrap();
}

#[test]
fn a_file_that_ends_within_a_line_is_read_but_not_written() {
    let (home, path, writer) = setup("writer-cut");
    let _home = home;
    let cut = OTHERS.trim_end();
    // The second one has lost the rest of a value, and a workspace.
    for before in [
        cut,
        &OTHERS[..OTHERS.find("_other', own").unwrap()].replace("{apiKey: '", "\n    apiKey: "),
    ] {
        fs::write(&path, before).unwrap();
        assert!(found(&path, "other").is_some());
        let error = writer.sign_in(&workspace("team"), &tokens(1)).unwrap_err();
        assert!(error.to_string().contains("line end"), "{error}");
        assert_eq!(text(&path), before);
    }
    fs::write(&path, format!("{cut}\n")).unwrap();
    writer.sign_in(&workspace("team"), &tokens(1)).unwrap();
}

#[test]
fn a_file_that_would_be_too_large_to_read_is_not_written() {
    let (home, path, writer) = setup("writer-large");
    let padding = "x".repeat(usize::try_from(small_file::SIZE_LIMIT).unwrap() - 60);
    let _home = home.with(&format!("padding: {padding}\n"));
    let error = writer
        .set_current_workspace(&workspace("team"))
        .unwrap_err();
    assert!(error.to_string().contains("larger than 1 MiB"), "{error}");
    assert!(ConfigFile::read(&path).unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn links_are_followed_even_if_they_lead_nowhere_yet() {
    use std::os::unix::fs::symlink;

    let (home, path, writer) = setup("writer-link");
    let target = home.0.join("elsewhere/deep/real.yaml");
    symlink("../second", &path).unwrap();
    symlink(&target, home.0.join("second")).unwrap();
    assert!(ConfigFile::read(&path).unwrap().is_none());
    writer.sign_in(&workspace("team"), &tokens(1)).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(
        fs::symlink_metadata(home.0.join("second"))
            .unwrap()
            .is_symlink()
    );
    assert!(text(&target).contains("team"));
    assert!(found(&path, "team").is_some());

    fs::remove_file(&path).unwrap();
    symlink("config.yaml", &path).unwrap();
    let error = writer.sign_in(&workspace("team"), &tokens(1)).unwrap_err();
    assert!(error.to_string().contains("a link to itself"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_is_neither_read_nor_replaced() {
    use std::os::unix::fs::symlink;

    let (home, path, writer) = setup("writer-pipe");
    let pipe = |path: &Path| {
        let status = Command::new("mkfifo").arg(path).status();
        assert!(status.unwrap().success());
    };
    pipe(&path);
    for device in ["", "/dev/zero", "/dev/full", "/dev/null"] {
        if !device.is_empty() {
            symlink(device, &path).unwrap();
        }
        for error in [
            ConfigFile::read(&path).unwrap_err(),
            writer.sign_in(&workspace("team"), &tokens(1)).unwrap_err(),
        ] {
            assert!(error.to_string().contains("not a regular file"), "{error}");
        }
        fs::remove_file(&path).unwrap();
        assert!(!Path::new(&format!("{device}.lock")).exists());
    }
    pipe(&path.with_file_name("config.yaml.lock"));
    let error = writer.sign_in(&workspace("team"), &tokens(1)).unwrap_err();
    assert!(error.to_string().contains("lock"), "{error}");
    drop(home);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let loosen = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let (home, path, writer) = setup("writer-mode");
    let home = home.with(OTHERS);
    let directory = path.parent().unwrap();
    loosen(&path, 0o644);
    loosen(directory, 0o755);
    writer.set_current_workspace(&workspace("456")).unwrap();
    assert_eq!((mode(&path), mode(directory)), (0o600, 0o700));
    assert_eq!(mode(&directory.join("config.yaml.lock")), 0o600);

    // The target of a link is replaced, and a directory of another name keeps its permissions.
    let elsewhere = home.0.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    loosen(&elsewhere, 0o755);
    fs::rename(&path, elsewhere.join("real.yaml")).unwrap();
    symlink(elsewhere.join("real.yaml"), &path).unwrap();
    writer.sign_in(&workspace("team"), &tokens(1)).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(text(&elsewhere.join("real.yaml")).contains("team"));
    assert_eq!(mode(&elsewhere), 0o755);
}

#[test]
fn concurrent_writers_lose_no_change() {
    let (home, path, writer) = setup("writer-many");
    let _home = home.with(OTHERS);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let writer = &writer;
            scope.spawn(move || {
                for number in 0..10 {
                    let name = workspace(&format!("w{thread}-{number}"));
                    writer.sign_in(&name, &tokens(number)).unwrap();
                }
            });
        }
    });
    assert_eq!(
        ConfigFile::read(&path)
            .unwrap()
            .unwrap()
            .workspaces()
            .count(),
        42
    );
}

/// The variable with the path to which the test below writes until it is killed.
const VICTIM: &str = "BLAXEL_AUTH_TEST_WRITES_TO";

/// Does nothing by itself: the next test runs it in another process.
#[test]
fn write_until_killed() {
    let Some(path) = std::env::var_os(VICTIM) else {
        return;
    };
    let writer = ConfigFile::writer(PathBuf::from(path));
    for number in 1.. {
        writer
            .sign_in(&workspace("victim"), &tokens(number))
            .unwrap();
    }
}

#[test]
fn a_writer_that_is_killed_leaves_the_old_or_the_new_file() {
    let (home, path, writer) = setup("writer-killed");
    // A large file, so that writing takes a while.
    let padding = "x".repeat(60_000);
    let _home = home.with(&format!("{OTHERS}padding: {padding}\n"));
    let mut newest = 0;
    for round in 0..25_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "config_file::writer::tests::write_until_killed"])
            .env(VICTIM, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Wait until it has started, then kill it at a different time in each round.
        let started = Instant::now();
        while number_of(&path).is_none_or(|number| number == newest)
            && started.elapsed() < Duration::from_secs(10)
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(round * 1_777 % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        // The file is complete, and the rest of its content is preserved.
        newest = number_of(&path).unwrap();
        let left = text(&path);
        for part in [padding.as_str(), "bl_other", "future", "\n  - name: 456\n"] {
            assert!(left.contains(part), "round {round}");
        }
        assert!(
            left.contains(&format!("refresh_token: \"r{newest}\"")),
            "round {round}"
        );
    }
    // A killed process holds no lock, and its leftover file does not block anyone.
    let start = Instant::now();
    writer.sign_in(&workspace("last"), &tokens(1)).unwrap();
    assert!(start.elapsed() < LOCK_TIMEOUT / 2);
    let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(left, 2, "the file and its lock");
}

/// Returns the number in the victim's access token.
fn number_of(path: &Path) -> Option<u32> {
    let root = read_once(path).unwrap().root;
    let entries = root.member("workspaces").clone().into_items();
    let entry = &entries[position(&entries, &workspace("victim"))?];
    let token = entry.member("credentials").member("access_token").text()?;
    Some(token.strip_prefix('a').unwrap().parse().unwrap())
}

/// Creates an authenticator at a server that accepts `r0`, `r1` and so on, each once.
fn working(credentials: &Credentials) -> Authenticator {
    let service = tower::service_fn(move |request: http::Request<Body>| async move {
        let body = request.body().bytes().unwrap();
        let sent: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let number = sent["refresh_token"]
            .as_str()
            .and_then(|token| token.strip_prefix('r'));
        let number: u32 = number.unwrap().parse().unwrap();
        let next = number + 1;
        let response =
            format!(r#"{{"access_token":"a{next}","refresh_token":"r{next}","expires_in":100}}"#);
        Ok::<_, Error>(http::Response::new(Body::from(response)))
    });
    let base = "https://api.blaxel.ai/v0".parse::<BaseUrl>().unwrap();
    Authenticator::new(credentials, &base, service.boxed())
}

#[tokio::test]
async fn renewed_tokens_are_stored_only_with_a_store() {
    let (home, path, writer) = setup("writer-store");
    let _home = home.with(OTHERS);
    let team = workspace("456");
    let credentials = found(&path, "456").unwrap();
    assert_eq!(working(&credentials).header().await.unwrap(), "Bearer a1");
    assert_eq!(text(&path), OTHERS, "there is no store");

    let credentials = found(&path, "456").unwrap().with_store(writer.store(&team));
    let authenticator = working(&credentials);
    let first = authenticator.header().await.unwrap();
    assert_eq!(first, "Bearer a1");
    assert!(
        credentials.save_error().is_none(),
        "{:?}",
        credentials.save_error()
    );
    let stored = found(&path, "456").unwrap().tokens().unwrap();
    assert_eq!(stored.refresh_token().unwrap().expose(), "r1");
    assert_eq!(stored.access_token().unwrap().expose(), "a1");
    assert!(
        text(&path).contains("unknown:") && text(&path).contains("client_credentials: id:secret")
    );

    // A new sign-in is not overwritten but used.
    writer
        .sign_in(&team, &Tokens::new().with_refresh_token("r70"))
        .unwrap();
    assert!(authenticator.invalidate(&first));
    assert_eq!(authenticator.header().await.unwrap(), "Bearer a71");
    let stored = found(&path, "456").unwrap().tokens().unwrap();
    assert_eq!(stored.refresh_token().unwrap().expose(), "r71");

    // A removed sign-in is not restored.
    writer.sign_out(&team).unwrap();
    // Another one, because this one keeps a token that has just replaced a refused one.
    let authenticator = working(&credentials);
    assert!(authenticator.invalidate(&authenticator.header().await.unwrap()));
    assert_eq!(authenticator.header().await.unwrap(), "Bearer a72");
    let save_error = credentials.save_error().unwrap().to_string();
    assert!(
        save_error.contains("no sign-in for the workspace 456"),
        "{save_error}"
    );
    assert!(!text(&path).contains("456"));
}

#[tokio::test]
async fn a_sign_in_that_was_replaced_in_the_meantime_is_not_overwritten() {
    let (home, path, writer) = setup("writer-replaced");
    let _home = home.with(OTHERS);
    let team = workspace("456");
    let store = writer.store(&team);
    let old = store.load().await.unwrap().unwrap();
    assert_eq!(old.refresh_token().unwrap().expose(), "r0");
    writer.sign_in(&team, &tokens(70)).unwrap();
    let error = store.save(&tokens(1)).await.unwrap_err();
    assert!(error.to_string().contains("replaced by another"), "{error}");
    assert!(text(&path).contains("r70"));
    store.load().await.unwrap();
    store.save(&tokens(71)).await.unwrap();
    assert!(text(&path).contains("r71"));
}
