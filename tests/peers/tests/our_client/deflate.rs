//! What it is to compress, whatever the protocol.

use std::sync::Arc;
use std::time::Duration;

use compress_layer::CompressInfo;
use peers::clients::{ClientError, Session};
use peers::{Cut, Daemon, Result};
use rustls::version::{TLS12, TLS13};
use stack::ErrorKind;
use tls_layer::TlsLayer;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::{LONGEST, Socket, tls};

/// Into how many bytes at once the socket is cut, and the level at which we compress.
const WAYS: [(usize, u32); 5] = [(usize::MAX, 1), (usize::MAX, 9), (1009, 6), (7, 1), (1, 9)];

/// Plays in plain and in both versions of TLS, over a socket that is whole and ones that are cut.
pub(crate) async fn each_way(
    server: &Daemon,
    service: &str,
    play: impl AsyncFn(Socket, Option<TlsLayer>, u32) -> Result<()>,
) -> Result<()> {
    for version in [None, Some(&TLS12), Some(&TLS13)] {
        for (most, level) in WAYS {
            let case = format!("{version:?}, {most} bytes at once, level {level}");
            let below = match version {
                Some(version) => Some(tls(&Arc::new(server.authority().client(&[version])?))?),
                None => None,
            };
            let socket = Cut::new(server.connect(service).await?, most);
            let played = timeout(LONGEST, play(socket, below, level)).await;
            let played = played.unwrap_or_else(|_| Err("it hangs".into()));
            played.map_err(|error| format!("{case}: {error}"))?;
        }
    }
    Ok(())
}

/// Fewer bytes have crossed the network than were written and read, in the codec's eyes and in the
/// stack's, who counts what TLS adds.
pub(crate) fn has_gained(session: &Session<Socket>, level: u32) -> Result<()> {
    let info = session.connection.info::<CompressInfo>();
    let info = info.ok_or("no codec")?;
    assert_eq!(info.level, Some(level as i32));
    let codecs = (info.sent.codec, info.received.codec);
    assert_eq!(codecs, (Some("deflate"), Some("deflate")));
    assert!(info.sent.compressed < info.sent.plain, "{info:?}");
    assert!(info.received.compressed < info.received.plain, "{info:?}");
    let traffic = session.connection.stack().traffic();
    assert!(
        traffic.outbound.made < traffic.outbound.taken,
        "{traffic:?}"
    );
    assert!(traffic.inbound.taken < traffic.inbound.made, "{traffic:?}");
    Ok(())
}

/// Row S14: TLS is not for above the codec, and nothing of it is sent.
pub(crate) async fn refuses_tls(session: &mut Session<Socket>, tls: TlsLayer) {
    let sent = |session: &Session<Socket>| session.connection.stack().traffic().outbound;
    let before = sent(session);
    match session.begin_tls(tls).await {
        Err(ClientError::Stack(error)) => assert_eq!(error.kind(), ErrorKind::Order),
        other => panic!("{other:?}"),
    }
    assert_eq!(sent(session), before);
}

/// Waits until the server has gone. What it has sent before waits unread, and is whole: had we said
/// our farewell before, it might have answered that with a reset. A socket with unread bytes is ready all
/// the time, so its end can only be looked for.
pub(crate) async fn gone(socket: &TcpStream) -> Result<()> {
    while !socket.ready(Interest::READABLE).await?.is_read_closed() {
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
