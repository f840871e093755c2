//! Promise: no request is processed twice that must not be. For each fault and each kind of
//! operation, these tests check the number of attempts, the number of times the request is
//! processed, and the result that the caller gets.
//!
//! The tables are the test. A row is a script of faults, after which all requests succeed; a cell
//! is the outcome of one call of its column. They follow from four rules:
//!
//! - A safe or idempotent operation is sent again after any transient failure.
//! - Any other is sent again once, on proof that it was not processed.
//! - A request with a body that cannot be cloned is never sent again.
//! - A response is final once its head has arrived: a failure after that is returned, not retried.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use blaxel_core::{Delivery, Error, ErrorKind, Plane};
use blaxel_tests::fault::calls::{Kind, call};
use blaxel_tests::fault::{Code, Fault, FaultServer, Protocol, Wait, quick_policy, short_limits};
use blaxel_transport::{HyperTransport, TimeLimits};
use tokio::sync::Semaphore;

use Code::{Calm, Internal, NoError};
use Fault::*;

/// The number of attempts of a call, the number of times it is processed, and its end.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Cell(usize, usize, End);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The call succeeds.
    Done,
    /// The error reports that the request was not sent.
    NotSent,
    /// The connection was lost, and the error reports that the effect of the request is unknown.
    Lost,
    /// No response arrived in time, and the error reports that the effect is unknown.
    TimedOut,
    /// The response broke off.
    BrokenOff,
    /// The response could not be decoded.
    Undecodable,
    /// The last attempt could not connect, but a previous one may have been processed, and the
    /// error reports that.
    ConnectFailed,
    /// The call fails with an error status.
    FailsWith(u16),
}

use End::{BrokenOff, ConnectFailed, Done, FailsWith, Lost, NotSent, TimedOut, Undecodable};

/// The outcomes that a row allows for one kind of operation: mostly one, and two where the fault is
/// a race.
type Cells = Vec<Cell>;

struct Row {
    faults: Vec<Fault>,
    cells: [Cells; 5],
}

/// Returns a row without a race.
fn row(faults: &[Fault], cells: [(usize, usize, End); 5]) -> Row {
    Row {
        faults: faults.to_vec(),
        cells: cells.map(|(sends, processed, end)| vec![Cell(sends, processed, end)]),
    }
}

/// Returns a row of a transient failure after which it is unknown whether the request was
/// processed. `processed` is what the server did with it.
fn unknown(faults: &[Fault], processed: usize, end: End) -> Row {
    let again = (2, 1 + processed, Done);
    let kept = (1, processed, end);
    row(faults, [again, again, kept, kept, kept])
}

/// Returns a row of a failure that proves that the request was not processed.
fn not_processed(faults: &[Fault]) -> Row {
    let again = (2, 1, Done);
    row(faults, [again, again, again, again, (1, 0, NotSent)])
}

/// Returns a row of a fault that is a race: there is proof that the request was not processed, or
/// there is none.
fn race(faults: &[Fault]) -> Row {
    let again = Cell(2, 1, Done);
    let lost = Cell(1, 0, Lost);
    Row {
        faults: faults.to_vec(),
        cells: [
            vec![again],
            vec![again],
            vec![again, lost],
            vec![again, lost],
            vec![Cell(1, 0, NotSent), lost],
        ],
    }
}

/// Returns a row with the same outcome for all kinds.
fn all_kinds(faults: &[Fault], sends: usize, processed: usize, end: End) -> Row {
    row(faults, [(sends, processed, end); 5])
}

/// Number of cells that run concurrently.
const AT_ONCE: usize = 32;

/// Runs all cells of a table, and fails with all that differ from the expected outcome.
async fn check(protocols: &[Protocol], plane: Plane, rows: &[Row]) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut calls = tokio::task::JoinSet::new();
    for protocol in protocols.iter().copied() {
        let transport = protocol.transport();
        for Row { faults, cells } in rows {
            for (kind, allowed) in Kind::ALL.into_iter().zip(cells) {
                let (faults, allowed) = (faults.clone(), allowed.clone());
                let (transport, permits) = (transport.clone(), Arc::clone(&permits));
                calls.spawn(async move {
                    let _permit = permits.acquire().await;
                    let found = run(protocol, transport, plane, kind, &faults).await;
                    let found = match found {
                        Ok(cell) if allowed.contains(&cell) => return None,
                        Ok(cell) => format!("found {cell:?}"),
                        Err(problem) => problem,
                    };
                    let context = format!("{protocol:?}, {plane:?}, {faults:?}, {kind:?}");
                    Some(format!("{context}: expected {allowed:?}, but {found}"))
                });
            }
        }
    }
    let mut problems: Vec<_> = calls.join_all().await.into_iter().flatten().collect();
    problems.sort();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Makes one call against a script.
async fn run(
    protocol: Protocol,
    transport: HyperTransport,
    plane: Plane,
    kind: Kind,
    faults: &[Fault],
) -> Result<Cell, String> {
    let server = FaultServer::start(protocol, faults).await;
    let late = faults
        .iter()
        .any(|fault| matches!(fault, NoResponse | Trickle(1000..)));
    let limits = if late {
        short_limits()
    } else {
        TimeLimits::default()
    };
    let client = server.client_with(transport, quick_policy(), limits);
    if matches!(faults, [IdleClose | IdleLost, ..]) {
        // The fault is one of a connection that was used before and has been idle for a while.
        let warm = call(&client, Kind::Get, plane, "warm").await;
        warm.map_err(|error| error.to_string())?;
        if faults == [IdleClose] {
            while server.open_connections() > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let outcome = call(&client, kind, plane, "it").await;
    let journal = server.journal();
    let (sends, processed) = (journal.attempts("/it"), journal.processed("/it"));
    if journal.sends() != journal.attempts.len() {
        return Err(format!("attempts and arrivals differ: {journal:?}"));
    }
    if faults.len() == 1 && server.remaining_faults() > 0 {
        return Err("the fault was not applied".to_owned());
    }
    let end = match outcome {
        Ok(()) => Done,
        Err(error) => end_of(&error, kind, sends, processed)?,
    };
    Ok(Cell(sends, processed, end))
}

/// Returns the end that an error reports. Fails if the error contradicts itself.
fn end_of(error: &Error, kind: Kind, sends: usize, processed: usize) -> Result<End, String> {
    let end = match (error.kind(), error.delivery()) {
        (ErrorKind::Connect | ErrorKind::Transport, Delivery::NotSent) => NotSent,
        (ErrorKind::Transport, Delivery::Unknown) => Lost,
        (ErrorKind::Connect, Delivery::Unknown) => ConnectFailed,
        (ErrorKind::Timeout, Delivery::Unknown) => TimedOut,
        (ErrorKind::Transport, Delivery::Responded) => BrokenOff,
        (ErrorKind::Decode, Delivery::Responded) => Undecodable,
        (ErrorKind::Status, Delivery::Responded) => {
            FailsWith(error.status().map_or(0, |status| status.as_u16()))
        }
        (kind, delivery) => return Err(format!("it is {kind:?}, {delivery:?}: {error}")),
    };
    let refused = matches!(end, FailsWith(400..=499)) && processed == 0;
    if error.maybe_applied() != (kind.changes() && end != NotSent && !refused) {
        return Err(format!(
            "maybe_applied is {}: {error}",
            error.maybe_applied()
        ));
    }
    if error.attempts() as usize != sends {
        return Err(format!(
            "it reports {} attempts, not {sends}: {error}",
            error.attempts()
        ));
    }
    Ok(end)
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (sent {}, processed {})", self.2, self.0, self.1)
    }
}

/// Returns a row for idempotent operations, `POST`, and `POST` with a stream: the columns are GET,
/// PUT, POST, POST of a chosen name, and POST of a stream.
fn by_class(
    faults: &[Fault],
    idempotent: (usize, usize, End),
    once: (usize, usize, End),
    streamed: (usize, usize, End),
) -> Row {
    row(faults, [idempotent, idempotent, once, once, streamed])
}

#[tokio::test]
async fn faults_before_a_connection_is_open() {
    let none = (1, 0, NotSent);
    let rows = vec![
        not_processed(&[Refuse]),
        by_class(&[Refuse; 2], (3, 1, Done), (2, 0, NotSent), none),
        by_class(&[Refuse; 3], (3, 0, NotSent), (2, 0, NotSent), none),
        by_class(
            &[Refuse, CloseAfterRequest],
            (3, 2, Done),
            (2, 1, Lost),
            none,
        ),
        by_class(
            &[Refuse, Status(503)],
            (3, 1, Done),
            (2, 0, FailsWith(503)),
            none,
        ),
        race(&[ResetOnAccept]),
    ];
    check(&Protocol::ALL, Plane::Control, &rows).await;
}

#[tokio::test]
async fn faults_before_a_response() {
    let lost = (1, 1, Lost);
    let rows = vec![
        unknown(&[CloseAfterHead], 0, Lost),
        unknown(&[CloseAfterRequest], 1, Lost),
        unknown(&[ResetAfterRequest], 1, Lost),
        by_class(&[CloseAfterRequest; 2], (3, 3, Done), lost, lost),
        by_class(&[CloseAfterRequest; 3], (3, 3, Lost), lost, lost),
        // The last attempt could not connect; the first may have been processed nevertheless.
        by_class(
            &[CloseAfterRequest, Refuse, Refuse],
            (3, 1, ConnectFailed),
            lost,
            lost,
        ),
        // The last attempt was refused, possibly because the first was processed.
        by_class(
            &[CloseAfterRequest, Status(404)],
            (2, 1, FailsWith(404)),
            lost,
            lost,
        ),
        by_class(&[CloseAfterRequest, Status(503)], (3, 2, Done), lost, lost),
    ];
    check(&Protocol::ALL, Plane::Control, &rows).await;
    let rows = vec![unknown(&[AcceptAndClose], 0, Lost)];
    check(&[Protocol::Http1], Plane::Control, &rows).await;
    let rows = vec![race(&[AcceptAndClose])];
    check(&[Protocol::Http2], Plane::Control, &rows).await;
}

#[tokio::test]
async fn faults_that_time_out() {
    let late = (1, 1, TimedOut);
    let rows = vec![
        unknown(&[NoResponse], 1, TimedOut),
        unknown(&[Trickle(60_000)], 1, TimedOut),
        by_class(&[NoResponse; 3], (3, 3, TimedOut), late, late),
    ];
    check(&Protocol::ALL, Plane::Control, &rows).await;
}

#[tokio::test]
async fn faults_within_a_response() {
    let rows = vec![
        all_kinds(&[CloseAfterResponseHead], 1, 1, BrokenOff),
        all_kinds(&[CloseMidBody], 1, 1, BrokenOff),
        all_kinds(&[LengthTooLong], 1, 1, BrokenOff),
        all_kinds(&[GzipBomb], 1, 1, Undecodable),
        all_kinds(&[Trickle(1)], 1, 1, Done),
        all_kinds(&[Interim], 1, 1, Done),
        all_kinds(&[NoContent], 1, 1, Done),
    ];
    check(&Protocol::ALL, Plane::Control, &rows).await;
    let rows = vec![
        all_kinds(&[TruncatedChunks], 1, 1, BrokenOff),
        // Excess bytes are cut off, so the rest is invalid JSON.
        all_kinds(&[LengthTooShort], 1, 1, Undecodable),
    ];
    check(&[Protocol::Http1], Plane::Control, &rows).await;
    // A wrong length is a protocol error here.
    let rows = vec![all_kinds(&[LengthTooShort], 1, 1, BrokenOff)];
    check(&[Protocol::Http2], Plane::Control, &rows).await;
}

#[tokio::test]
async fn faults_of_http2_frames() {
    let none = (1, 0, NotSent);
    let mut rows = vec![
        not_processed(&[RefusedStream]),
        by_class(&[RefusedStream; 2], (3, 1, Done), (2, 0, NotSent), none),
        by_class(
            &[RefusedStream, CloseAfterRequest],
            (3, 2, Done),
            (2, 1, Lost),
            none,
        ),
        by_class(
            &[RefusedStream, Refuse],
            (3, 1, Done),
            (2, 0, NotSent),
            none,
        ),
        not_processed(&[GoAwayBefore(NoError)]),
        by_class(
            &[GoAwayBefore(NoError); 2],
            (3, 1, Done),
            (2, 0, NotSent),
            none,
        ),
        // Whatever the reason: a request above the last stream was not processed.
        not_processed(&[GoAwayBefore(Calm)]),
    ];
    for code in [NoError, Internal, Calm] {
        rows.push(unknown(&[GoAwayAfter(code)], 1, Lost));
    }
    for code in [Internal, Calm] {
        rows.push(unknown(&[StreamReset(code)], 1, Lost));
    }
    check(&[Protocol::Http2], Plane::Control, &rows).await;
}

#[tokio::test]
async fn faults_on_an_idle_connection() {
    let rows = vec![
        // The client saw that the connection is closed, so it uses another.
        all_kinds(&[IdleClose], 1, 1, Done),
        unknown(&[IdleLost], 0, Lost),
    ];
    check(&Protocol::ALL, Plane::Control, &rows).await;
}

/// Returns the row of a status that may be transient.
fn transient(fault: Fault, status: u16) -> Row {
    let processed = usize::from(fault.processes());
    unknown(&[fault], processed, FailsWith(status))
}

/// Returns the row of a status that is final.
fn terminal(fault: Fault, status: u16) -> Row {
    all_kinds(
        &[fault],
        1,
        usize::from(fault.processes()),
        FailsWith(status),
    )
}

#[tokio::test]
async fn error_responses_of_the_control_plane() {
    let mut rows = vec![
        transient(Html(502), 502),
        transient(Html(504), 504),
        transient(ShouldRetry(500, true), 500),
        terminal(ShouldRetry(503, false), 503),
        terminal(ShouldRetry(429, false), 429),
        terminal(ShouldRetry(409, true), 409),
        // Every attempt was refused, so the request had no effect.
        by_class(
            &[Status(429), Status(404)],
            (2, 0, FailsWith(404)),
            (1, 0, FailsWith(429)),
            (1, 0, FailsWith(429)),
        ),
        by_class(
            &[Status(503); 3],
            (3, 0, FailsWith(503)),
            (1, 0, FailsWith(503)),
            (1, 0, FailsWith(503)),
        ),
    ];
    for status in [408, 425, 429, 502, 503, 504] {
        rows.push(transient(Status(status), status));
    }
    for status in [
        400, 401, 402, 403, 404, 405, 409, 410, 412, 413, 422, 500, 501, 505,
    ] {
        rows.push(terminal(Status(status), status));
    }
    for wait in [
        Wait::NoHeader,
        Wait::Millis(20),
        Wait::Seconds(0),
        Wait::Date(0),
        Wait::Malformed,
    ] {
        rows.push(transient(TooManyRequests(wait), 429));
    }
    // Longer than the client would wait, so it is returned at once.
    for wait in [
        Wait::Millis(31_000),
        Wait::Seconds(31),
        Wait::Date(31),
        Wait::TooLarge,
    ] {
        rows.push(terminal(TooManyRequests(wait), 429));
    }
    check(&Protocol::ALL, Plane::Control, &rows).await;
}

#[tokio::test]
async fn error_responses_of_the_gateway_and_of_workloads() {
    let mut rows = vec![
        transient(GatewayUnavailable, 404),
        transient(Gateway(500, true), 500),
        transient(Gateway(429, true), 429),
        terminal(Gateway(404, false), 404),
        terminal(Gateway(503, false), 503),
        terminal(Gateway(409, true), 409),
        transient(AppError(502), 502),
        transient(AppError(503), 503),
        transient(AppError(504), 504),
        transient(Html(502), 502),
    ];
    // Even if they are usually transient: they are the application's own.
    for status in [400, 404, 408, 409, 425, 429, 500] {
        rows.push(terminal(AppError(status), status));
    }
    rows.push(terminal(ShouldRetry(429, true), 429));
    check(&Protocol::ALL, Plane::Run, &rows).await;
}

/// A compressed response is limited by its decompressed size.
#[test]
fn a_gzip_bomb_is_rejected_in_bounded_memory() {
    for protocol in Protocol::ALL {
        let server_runtime = tokio::runtime::Runtime::new().unwrap();
        let server = server_runtime.block_on(FaultServer::start(protocol, &[GzipBomb]));
        // Only this thread's memory is measured, and only the client runs on it.
        let client_runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = server.client();
        let mut error = None;
        let used = allocation_counter::measure(|| {
            let outcome = client_runtime.block_on(call(&client, Kind::Get, Plane::Control, "it"));
            error = Some(outcome.unwrap_err());
        });
        let error = error.unwrap();
        assert!(
            error.is_decode() && error.to_string().contains("limit of 65536 bytes"),
            "{error}"
        );
        assert!(used.bytes_max < 1 << 20, "{} bytes at once", used.bytes_max);
    }
}
