//! Uploads in parts: faults, cancellation, and any size.

use std::convert::Infallible;
use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use proptest::prelude::*;

use super::fake::{Fake, Fault, Seen};

fn content(size: usize) -> Vec<u8> {
    (0..size)
        .map(|index| u8::try_from(index % 251).unwrap())
        .collect()
}

/// A stream of chunks that is pending once before each.
struct Chunks {
    chunks: std::vec::IntoIter<Vec<u8>>,
    ready: bool,
}

impl Stream for Chunks {
    type Item = Result<Vec<u8>, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.ready = !self.ready;
        if !self.ready {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.chunks.next().map(Ok))
    }
}

fn in_chunks(content: &[u8], sizes: &[usize]) -> Chunks {
    let mut rest = content;
    let mut chunks = Vec::new();
    let mut sizes = sizes.iter().copied().filter(|size| *size > 0).cycle();
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(rest.len()).min(rest.len());
        chunks.push(rest[..size].to_vec());
        rest = &rest[size..];
    }
    Chunks {
        chunks: chunks.into_iter(),
        ready: true,
    }
}

fn is_part(seen: &Seen) -> bool {
    seen.target.contains("/part?")
}

fn is_complete(seen: &Seen) -> bool {
    seen.target.ends_with("/complete")
}

/// Waits until all background tasks have ended.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[tokio::test]
async fn up_to_five_mebibytes_are_one_request() {
    let fake = Fake::new();
    let files = fake.files();
    let limit = 5 * 1024 * 1024;
    files.write("/exact", content(limit)).await.unwrap();
    assert_eq!(fake.state().begun, 0);
    files
        .write("/more", content(limit + 1))
        .mode(0o750)
        .await
        .unwrap();
    let state = fake.state();
    assert_eq!((state.begun, state.uploads.len()), (1, 0));
    assert_eq!(state.files["/exact"], content(limit));
    assert_eq!(state.files["/more"], content(limit + 1));
    assert_eq!(state.modes["/more"], "0750");
    let parts: Vec<_> = state
        .seen
        .iter()
        .filter(|seen| is_part(seen))
        .map(|seen| seen.form()[0].1.len())
        .collect();
    assert_eq!(parts, [limit, 1]);
}

#[tokio::test]
async fn parts_are_sent_at_the_same_time_within_the_limit() {
    for parallel in [0, 1, 2, 3, 7] {
        let fake = Fake::new();
        let reports = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&reports);
        let written = fake
            .files()
            .write("/a", content(100))
            .part_size(10)
            .parallel(parallel)
            .progress(move |progress| sink.lock().unwrap().push((progress.bytes, progress.files)))
            .await;
        assert_eq!(written.unwrap(), 100);
        let state = fake.state();
        assert_eq!(state.most_parts, parallel.max(1));
        assert_eq!(state.files["/a"], content(100));
        let reports = reports.lock().unwrap();
        assert_eq!(reports.len(), 11);
        assert_eq!(reports.last(), Some(&(100, 1)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_is_sent_again_after_transient_failures() {
    for fault in [
        Fault::Before,
        Fault::After,
        Fault::Status(502, "<html>Bad gateway</html>"),
        Fault::Status(500, r#"{"error":"failed to write part: unexpected EOF"}"#),
    ] {
        let fake = Fake::new();
        let fault_of_part = fault.clone();
        let files = fake.files_with(move |seen, earlier| {
            (is_part(seen) && earlier < 3).then(|| fault_of_part.clone())
        });
        files.write("/a", content(35)).part_size(10).await.unwrap();
        let state = fake.state();
        assert_eq!(state.files["/a"], content(35), "{fault:?}");
        assert_eq!(state.seen.iter().filter(|seen| is_part(seen)).count(), 16);
        assert!(state.uploads.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_upload_is_aborted() {
    type Case = (fn(&Seen) -> bool, Fault, usize);
    let cases: [Case; 4] = [
        (
            |seen| seen.target.ends_with("partNumber=2"),
            Fault::Before,
            4,
        ),
        (
            |seen| seen.target.ends_with("partNumber=2"),
            Fault::After,
            4,
        ),
        (
            |seen| is_part(seen),
            Fault::Status(422, r#"{"error":"no space left on device"}"#),
            1,
        ),
        (
            is_complete,
            Fault::Status(500, r#"{"error":"etag mismatch"}"#),
            1,
        ),
    ];
    for (matches, fault, attempts) in cases {
        let fake = Fake::new();
        let fault_of_call = fault.clone();
        let files = fake.files_with(move |seen, _| matches(seen).then(|| fault_of_call.clone()));
        let error = files
            .write("/a", content(35))
            .part_size(10)
            .parallel(1)
            .await
            .unwrap_err();
        let state = fake.state();
        assert!(state.uploads.is_empty(), "{fault:?}: {error}");
        assert!(!state.files.contains_key("/a"));
        assert_eq!(
            state.seen.iter().filter(|seen| matches(seen)).count(),
            attempts,
            "{fault:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn no_retries_can_be_asked_for() {
    let fake = Fake::new();
    let files = fake.files_with(|seen, _| is_part(seen).then_some(Fault::Before));
    files
        .write("/a", content(15))
        .part_size(10)
        .parallel(1)
        .retries(0)
        .await
        .unwrap_err();
    assert_eq!(
        fake.state()
            .seen
            .iter()
            .filter(|seen| is_part(seen))
            .count(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_aborted_if_its_source_fails() {
    struct Broken(u8);
    impl Stream for Broken {
        type Item = Result<Bytes, std::io::Error>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.0 += 1;
            Poll::Ready(Some(match self.0 {
                1..=5 => Ok(Bytes::from_static(b"0123456789")),
                _ => Err(std::io::Error::other("the disk is gone")),
            }))
        }
    }
    let fake = Fake::new();
    let error = fake
        .files()
        .write_stream("/a", Broken(0))
        .part_size(10)
        .await
        .unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("the disk is gone"),
        "{error}"
    );
    let state = fake.state();
    assert_eq!((state.begun, state.uploads.len()), (1, 0));
    assert!(!state.files.contains_key("/a"));
}

#[tokio::test(start_paused = true)]
async fn an_abort_that_fails_is_repeated() {
    let fake = Fake::new();
    let files = fake.files_with(|seen, earlier| {
        let aborts = seen.target.ends_with("/abort") && earlier < 2;
        (is_part(seen) || aborts).then_some(Fault::Before)
    });
    files
        .write("/a", content(15))
        .part_size(10)
        .await
        .unwrap_err();
    assert!(fake.state().uploads.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_large_write_is_repeated_if_the_connection_breaks_at_its_beginning() {
    for fault in [Fault::Before, Fault::After] {
        let fake = Fake::new();
        let files = fake.files_with(move |seen, earlier| {
            let begins = seen.target.contains("/initiate/") && earlier < 2;
            begins.then(|| fault.clone())
        });
        files.write("/a", content(35)).part_size(10).await.unwrap();
        assert_eq!(fake.state().files["/a"], content(35));
        let once = files.write("/b", content(35)).part_size(10).retries(0);
        once.await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_is_repeated_while_the_server_still_receives_a_part() {
    // The words of the server, which has the same status for an unknown upload.
    let busy = r#"{"error":"failed to remove upload directory: unlinkat /tmp/multipart-uploads/u: directory not empty"}"#;
    for refusal in [Fault::Status(404, busy), Fault::Status(500, busy)] {
        let fake = Fake::new();
        let files = fake.files_with(move |seen, earlier| {
            if is_part(seen) {
                return Some(Fault::Status(422, r#"{"error":"no space left on device"}"#));
            }
            (seen.target.ends_with("/abort") && earlier < 3).then(|| refusal.clone())
        });
        let upload = files.write("/a", content(15)).part_size(10);
        upload.await.unwrap_err();
        assert!(fake.state().uploads.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_response_to_a_completion_is_settled() {
    for slow in [0, 1, 3, 10] {
        let fake = Fake::new();
        fake.state().slow_completion = slow;
        let files = fake.files_with(|seen, _| is_complete(seen).then_some(Fault::After));
        files.write("/a", content(35)).part_size(10).await.unwrap();
        let state = fake.state();
        assert_eq!(state.files["/a"], content(35));
        assert_eq!(
            state.seen.iter().filter(|seen| is_complete(seen)).count(),
            1,
            "{slow}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_completion_is_sent_again_once_nothing_changes() {
    let fake = Fake::new();
    let files = fake
        .files_with(|seen, earlier| (is_complete(seen) && earlier == 0).then_some(Fault::Before));
    files.write("/a", content(35)).part_size(10).await.unwrap();
    let state = fake.state();
    assert_eq!(state.files["/a"], content(35));
    assert_eq!(
        state.seen.iter().filter(|seen| is_complete(seen)).count(),
        2
    );
    assert!(state.uploads.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_vanishes_is_no_success() {
    let fake = Fake::new();
    let files = fake.files_with(|seen, _| {
        if is_complete(seen) {
            return Some(Fault::Before);
        }
        // The server has lost its uploads in a restart.
        if seen.target.ends_with("/parts") {
            return Some(Fault::Status(404, r#"{"error":"upload not found"}"#));
        }
        None
    });
    let error = files
        .write("/a", content(35))
        .part_size(10)
        .await
        .unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert!(!fake.state().files.contains_key("/a"));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_dropped_anywhere_leaves_nothing_behind() {
    let expected = content(35);
    let mut completed = false;
    for polls in 0.. {
        let fake = Fake::new();
        let files = fake.files();
        let source = in_chunks(&expected, &[7]);
        let mut upload = files
            .write_stream("/a", source)
            .part_size(10)
            .parallel(2)
            .into_future();
        let mut left = polls;
        let outcome = poll_fn(|cx| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            let outcome = upload.as_mut().poll(cx).map(Some);
            if outcome.is_pending() {
                cx.waker().wake_by_ref();
            }
            outcome
        })
        .await;
        drop(upload);
        settle().await;
        let state = fake.state();
        assert!(state.uploads.is_empty(), "dropped after {polls} polls");
        if let Some(file) = state.files.get("/a") {
            assert_eq!(file, &expected, "dropped after {polls} polls");
        }
        if let Some(outcome) = outcome {
            assert_eq!(outcome.unwrap(), 35);
            assert!(polls > 20, "{polls}");
            completed = true;
            break;
        }
    }
    assert!(completed);
}

#[tokio::test]
async fn settings_are_checked() {
    let fake = Fake::new();
    for size in [0, 65 * 1024 * 1024] {
        let error = fake
            .files()
            .write("/a", "x")
            .part_size(size)
            .await
            .unwrap_err();
        assert!(error.is_input(), "{error}");
    }
    assert!(fake.state().seen.is_empty());
}

#[tokio::test]
async fn more_parts_than_the_server_accepts_are_an_error() {
    let fake = Fake::new();
    let error = fake
        .files()
        .write("/a", content(10_001))
        .part_size(1)
        .await
        .unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("part size"),
        "{error}"
    );
    assert!(fake.state().uploads.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_file_arrives_as_it_was(
        size in 0_usize..300,
        sizes in proptest::collection::vec(0_usize..50, 0..6),
        part_size in 1_usize..80,
        parallel in 1_usize..5,
        faults in proptest::collection::vec(proptest::option::of(any::<bool>()), 8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let fake = Fake::new();
        let files = fake.files_with(move |seen, earlier| {
            let fault = *faults.get(seen.target.len() % 8)?;
            let fault = fault.filter(|_| is_part(seen) && earlier < 3)?;
            Some(if fault { Fault::Before } else { Fault::After })
        });
        let expected = content(size);
        let source = in_chunks(&expected, &sizes);
        let upload = files.write_stream("/a", source).part_size(part_size).parallel(parallel);
        let bytes = runtime.block_on(upload.into_future()).unwrap();
        prop_assert_eq!(bytes, size as u64);
        let state = fake.state();
        prop_assert_eq!(&state.files["/a"], &expected);
        prop_assert!(state.uploads.is_empty());
        prop_assert!(state.most_parts <= parallel);
    }
}
