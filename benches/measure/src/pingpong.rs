//! Few bytes there and back, over and over.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::open::Open;
use crate::thread::on_thread;
use crate::{Cost, Meter, sockets};

/// 64 B.
const SIZE: usize = 64;

/// Runs `count` exchanges between two ends on one thread: across two, their wake-ups would cost
/// more than all else.
pub fn ping_pong(open: impl Open, count: usize) -> Cost {
    let (a, b) = sockets::pair();
    let thread = on_thread(0, move || async move {
        let (a, b) = tokio::join!(open.clone().client(a), open.server(b));
        let meter = Meter::start();
        tokio::join!(ping(a, count), pong(b, count));
        meter.stop()
    });
    thread.join().expect("the peers")
}

/// Asks so often, and waits for the answer.
pub async fn ping(mut stream: impl AsyncRead + AsyncWrite + Unpin, count: usize) {
    let mut chunk = [1; SIZE];
    for _ in 0..count {
        stream.write_all(&chunk).await.expect("a peer");
        stream.flush().await.expect("a peer");
        stream.read_exact(&mut chunk).await.expect("a peer");
    }
}

/// Answers so often.
pub async fn pong(mut stream: impl AsyncRead + AsyncWrite + Unpin, count: usize) {
    let mut chunk = [0; SIZE];
    for _ in 0..count {
        stream.read_exact(&mut chunk).await.expect("a peer");
        stream.write_all(&chunk).await.expect("a peer");
        stream.flush().await.expect("a peer");
    }
}
