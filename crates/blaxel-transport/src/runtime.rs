//! Checks of the tokio runtime that a request is sent from.

use std::net::{Ipv4Addr, UdpSocket};
#[cfg(feature = "blocking")]
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use blaxel_core::{Error, Source};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until};

/// Returns the current runtime.
///
/// # Errors
///
/// Fails outside of a tokio runtime.
pub(crate) fn current() -> Result<Handle, Error> {
    Handle::try_current().map_err(|_| missing())
}

/// Creates a timer.
///
/// # Errors
///
/// Fails outside of a tokio runtime, and in one whose timer is disabled.
pub(crate) fn timer(end: Instant) -> Result<Sleep, Error> {
    current()?;
    // Tokio has no other way to find out. It prints the panic message unless a hook prevents that.
    catch_unwind(|| sleep_until(end)).map_err(|_| {
        let problem = "its timer is disabled; enable it with `enable_time` or `enable_all`";
        Error::input("tokio runtime", &Source::Code, problem)
    })
}

/// Checks that the current runtime has timers and I/O, which a connection needs.
///
/// # Errors
///
/// Fails outside of a tokio runtime, and in one without timers or I/O.
pub(crate) fn check_drivers() -> Result<(), Error> {
    drop(timer(Instant::now())?);
    // Any socket will do. Where none can be made, the connection tells the reason.
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| {
        socket.set_nonblocking(true)?;
        Ok(socket)
    });
    let Ok(socket) = socket else {
        return Ok(());
    };
    let registered = catch_unwind(|| drop(tokio::net::UdpSocket::from_std(socket)));
    registered.map_err(|_| {
        let problem = "its I/O is disabled; enable it with `enable_io` or `enable_all`";
        Error::input("tokio runtime", &Source::Code, problem)
    })
}

/// Checks that the current thread may be blocked.
///
/// # Errors
///
/// Fails in `async` code, whose thread has other tasks. A thread of tokio's blocking pool may be blocked.
#[cfg(feature = "blocking")]
pub(crate) fn check_may_block(runtime: &tokio::runtime::Runtime) -> Result<(), Error> {
    if Handle::try_current().is_err() {
        return Ok(());
    }
    // As above: tokio has no other way to tell `async` code from its blocking pool.
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(async {}))).map_err(|_| {
        let problem = "it would block the thread of `async` code; `await` the call there, or make it in \
                       `tokio::task::spawn_blocking`";
        Error::input("blocking call", &Source::Code, problem)
    })
}

/// Creates the error of a call outside of a tokio runtime.
fn missing() -> Error {
    let problem =
        "there is none; make the call in a task of a tokio runtime, or within its `block_on`";
    Error::input("tokio runtime", &Source::Code, problem)
}
