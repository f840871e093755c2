//! Files that commands and the files API see alike.

use std::time::Duration;

use blaxel_guest::{Errno, FileKind, Guest as _, OpenOptions};

use crate::support::machines;

#[tokio::test]
async fn files_are_seen_both_ways() {
    for machine in machines() {
        let files = machine.guest.files();
        files.write("/tmp/api", b"from the API", 0o640).unwrap();
        files
            .write("/blaxel/script", b"#!/bin/sh\necho ran\n", 0o755)
            .unwrap();
        let text = "cat ../tmp/api; echo; stat -c %a ../tmp/api; ./script";
        assert_eq!(machine.print(text).await, "from the API\n640\nran\n");

        let text = "umask 077; echo made > made; mkdir -m 2711 d; ln -s made link; mkfifo pipe; \
                    touch -d @12345 old; ln made second";
        machine.print(text).await;
        assert_eq!(files.read("/blaxel/made").unwrap(), b"made\n");
        let made = files.metadata("/blaxel/link").unwrap();
        assert_eq!((made.mode, made.size, made.links), (0o600, 5, 2));
        assert_eq!(files.metadata("/blaxel/d").unwrap().mode, 0o2711);
        assert_eq!(files.read_link("/blaxel/link").unwrap(), "made");
        assert_eq!(
            files.metadata("/blaxel/old").unwrap().modified,
            Duration::from_secs(12345)
        );
        let kinds: Vec<_> = files
            .read_dir("/blaxel")
            .unwrap()
            .into_iter()
            .map(|entry| (entry.name, entry.kind))
            .collect();
        let expected = [
            ("d", FileKind::Directory),
            ("link", FileKind::Symlink),
            ("made", FileKind::File),
            ("old", FileKind::File),
            ("pipe", FileKind::Pipe),
            ("script", FileKind::File),
            ("second", FileKind::File),
        ];
        let expected = expected.map(|(name, kind)| (name.to_owned(), kind));
        assert_eq!(kinds, expected, "{}", machine.kind);
        // A pipe without another end does not block.
        assert_eq!(files.read("/blaxel/pipe").unwrap(), b"");
    }
}

#[tokio::test]
async fn the_owner_is_the_same_for_both() {
    for machine in machines() {
        let files = machine.guest.files();
        files.write("/blaxel/a", b"", 0o644).unwrap();
        let printed = machine.print("stat -c '%u %g' a; id -u").await;
        let found = files.metadata("/blaxel/a").unwrap();
        let (owner, user) = printed.split_once('\n').unwrap();
        assert_eq!(
            owner,
            format!("{} {}", found.user, found.group),
            "{}",
            machine.kind
        );
        assert_eq!(user.trim(), found.user.to_string());
        files
            .set_owner("/blaxel/a", Some(found.user), None)
            .unwrap();
    }
}

#[tokio::test]
async fn the_space_is_that_of_the_disk() {
    for machine in machines() {
        let space = machine.guest.files().space("/tmp").unwrap();
        assert!(space.total >= space.used && space.total > 0, "{space:?}");
    }
}

#[tokio::test]
async fn an_open_file_stays_usable_without_its_name() {
    for machine in machines() {
        let files = machine.guest.files();
        files.write("/tmp/a", b"content", 0o644).unwrap();
        let options = OpenOptions {
            read: true,
            append: true,
            ..OpenOptions::default()
        };
        let file = files.open("/tmp/a", &options).unwrap();
        machine.print("rm ../tmp/a").await;
        assert_eq!(file.write_at(0, b"!").unwrap(), 1);
        let mut buffer = [0; 16];
        assert_eq!(file.read_at(0, &mut buffer).unwrap(), 8);
        assert_eq!(&buffer[..8], b"content!");
        assert_eq!(file.metadata().unwrap().links, 0);
        assert_eq!(files.metadata("/tmp/a").unwrap_err(), Errno::NotFound);
    }
}

#[tokio::test]
async fn what_cannot_be_done_says_so() {
    for machine in machines() {
        if machine.kind == "unconfined" {
            assert_eq!(machine.guest.freeze(true), Err(Errno::NotImplemented));
        }
        assert_eq!(machine.guest.unmount("/tmp"), Err(Errno::Invalid));
    }
}

#[tokio::test]
async fn directories_are_removed_with_odd_names_and_many_levels() {
    for machine in machines() {
        let (kind, files) = (machine.kind, machine.guest.files());
        let levels = "i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done";
        let odd = "mkdir \"$(printf 'o\\377')\"; echo x > \"$(printf 'o\\377/f\\376')\"";
        machine
            .print(&format!("{odd}; mkdir top; cd top; {levels}; {odd}"))
            .await;
        let watched = machine.guest.files();
        // Less room than 300 levels of calls would need.
        let thread = std::thread::Builder::new().stack_size(128 << 10);
        let removing = thread.spawn(move || {
            let changes = watched.watch("/blaxel", true).unwrap();
            watched.remove_all("/blaxel/top").unwrap();
            drop(changes);
        });
        removing.unwrap().join().unwrap();
        assert_eq!(machine.print("ls | wc -l").await.trim(), "1", "{kind}");
        files.remove_all("/blaxel").unwrap();
        assert_eq!(files.metadata("/blaxel"), Err(Errno::NotFound), "{kind}");
    }
}
