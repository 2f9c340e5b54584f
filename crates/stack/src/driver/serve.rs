//! The callback style: an application that is a `Protocol`, run on a socket.

use std::any::Any;
use std::future::poll_fn;

use tokio::io::{AsyncRead, AsyncWrite};

use super::drive::Driver;
use super::handle::Handle;
use super::wakers::Side;
use crate::{End, Limits, Protocol, Stack};

/// Runs `app` on `io` until the connection is over, and gives it back with the reason.
///
/// The application is told of everything by its callbacks, and is the same object throughout,
/// whatever it pushes or pops. The connection is over when it has failed, or when both halves
/// have ended: ours ends with [`Context::shutdown`](crate::Context::shutdown), or by itself once
/// the peer's half has ended and the application waits for nothing more: it has not asked for a
/// time with [`Context::wake_at`](crate::Context::wake_at), and writing is not paused.
///
/// # Cancelling
///
/// Dropping the future drops the connection and the application, which is told that it is
/// [`lost`](Protocol::lost).
pub async fn serve<Io, A>(io: Io, app: A) -> (A, End)
where
    Io: AsyncRead + AsyncWrite + Unpin,
    A: Protocol,
{
    serve_with(io, app, Limits::default()).await
}

/// [`serve`], with these bounds and deadlines.
///
/// # Cancelling
///
/// As for [`serve`].
pub async fn serve_with<Io, A>(io: Io, app: A, limits: Limits) -> (A, End)
where
    Io: AsyncRead + AsyncWrite + Unpin,
    A: Protocol,
{
    run(Driver::new(io, Stack::with_app(Box::new(app), limits))).await
}

/// [`serve_with`], and a handle to change and to watch the connection from other tasks. It lives
/// as long as the future, and moves while that is awaited.
///
/// A layer that was asked to leave by the handle is given back to whoever asked, and not to the
/// application.
///
/// # Cancelling
///
/// As for [`serve`].
pub fn serve_with_handle<Io, A>(
    io: Io,
    app: A,
    limits: Limits,
) -> (Handle, impl Future<Output = (A, End)>)
where
    Io: AsyncRead + AsyncWrite + Unpin,
    A: Protocol,
{
    let mut driver = Driver::new(io, Stack::with_app(Box::new(app), limits));
    let handle = driver.handle();
    (handle, run(driver))
}

/// Runs the application, an `A`, to the end.
async fn run<Io, A>(mut driver: Driver<Io>) -> (A, End)
where
    Io: AsyncRead + AsyncWrite + Unpin,
    A: Protocol,
{
    let end = poll_fn(|task| driver.poll(Side::Read, task, over)).await;
    driver.stack.close(end.clone());
    let app = driver.stack.into_app();
    match app.map(|app| (app as Box<dyn Any>).downcast()) {
        Some(Ok(app)) => (*app, end),
        _ => unreachable!("it is the very application"),
    }
}

/// How the connection ended, if it has.
fn over<Io: AsyncRead + AsyncWrite + Unpin>(driver: &mut Driver<Io>) -> Option<End> {
    let end = driver.stack.app_end()?;
    if end.error().is_some() {
        // The peer should learn of it, an alert for instance, if the socket takes it at once.
        driver.hand_over();
        return Some(end);
    }
    if driver.stack.app_awaits_nothing() {
        driver.stack.shutdown();
    }
    driver.is_shut_down().then_some(end)
}
