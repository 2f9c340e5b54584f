//! tokio-util's `Framed` over a connection whose layers change.

use std::io::Write;

use compress_layer::CompressLayer;
use futures_util::{SinkExt, StreamExt};
use stack::{Connection, ErrorKind, PushError, codec};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_util::codec::{Framed, LinesCodec};

use crate::real::{client, configs, server};

type Lines = Framed<Connection<DuplexStream>, LinesCodec>;

fn lines(socket: DuplexStream) -> Lines {
    Framed::new(
        Connection::new(socket),
        LinesCodec::new_with_max_length(100),
    )
}

/// Writes `bytes` in two pieces, the second once the first has been read.
async fn say(peer: &mut DuplexStream, bytes: &[u8], cut: usize) {
    for piece in [&bytes[..cut], &bytes[cut..]] {
        peer.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// CVE-2011-0411, where a codec has read ahead.
#[tokio::test]
async fn what_was_smuggled_in_behind_starttls_is_never_heard() {
    const SMUGGLED: &[u8] = b"STARTTLS\r\nNOOP\r\n";
    let (_, server_config) = configs();
    let mut rejected = 0;
    for cut in 0..=SMUGGLED.len() {
        let (mut peer, socket) = duplex(1024);
        let serve = async {
            let mut lines = lines(socket);
            assert_eq!(lines.next().await.unwrap().unwrap(), "STARTTLS");
            codec::carry(&mut lines).await.unwrap();
            let connection = lines.get_mut();
            match connection
                .push_after(b"220\r\n", server(&server_config))
                .await
            {
                Err(PushError::Rejected { residue, .. }) => {
                    assert!(b"NOOP\r\n".starts_with(&residue[..]));
                    rejected += 1;
                }
                // What came behind the answer is no TLS.
                Err(PushError::Begun(error)) => assert_eq!(error.layer(), Some("tls")),
                other => panic!("cut at {cut}: {other:?}"),
            }
            let heard = lines.next().await;
            assert!(matches!(heard, Some(Err(_))), "cut at {cut}: {heard:?}");
        };
        tokio::join!(serve, say(&mut peer, SMUGGLED, cut));
    }
    assert!(rejected > 0);
}

#[tokio::test]
async fn what_was_compressed_behind_compress_is_carried_into_the_codec() {
    let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    deflater.write_all(b"first\r\nsecond\r\n").unwrap();
    let said = [b"COMPRESS\r\n", &deflater.finish().unwrap()[..]].concat();
    for cut in 0..=said.len() {
        let (mut peer, socket) = duplex(1024);
        let serve = async {
            let mut lines = lines(socket);
            assert_eq!(lines.next().await.unwrap().unwrap(), "COMPRESS");
            codec::carry(&mut lines).await.unwrap();
            let deflate = CompressLayer::deflate(6);
            lines
                .get_mut()
                .push_after(b"OK\r\n", deflate)
                .await
                .unwrap();
            assert_eq!(lines.next().await.unwrap().unwrap(), "first");
            assert_eq!(lines.next().await.unwrap().unwrap(), "second");
        };
        tokio::join!(serve, say(&mut peer, &said, cut));
    }
}

#[tokio::test]
async fn what_was_read_ahead_is_refused_and_not_lost() {
    let (mut peer, socket) = duplex(64);
    let mut lines = lines(socket);
    peer.write_all(b"one\ntwo\nth").await.unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), "one");
    let error = codec::refuse(&mut lines).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Residue);
    peer.write_all(b"ree\n").await.unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), "two");
    assert_eq!(lines.next().await.unwrap().unwrap(), "three");
    codec::refuse(&mut lines).await.unwrap();
}

#[tokio::test]
async fn what_was_read_ahead_is_carried_to_whoever_reads_next() {
    let (mut peer, socket) = duplex(64);
    let mut lines = lines(socket);
    peer.write_all(b"one\ntwo").await.unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap(), "one");
    codec::carry(&mut lines).await.unwrap();
    let mut connection = lines.into_inner();
    let mut two = [0; 3];
    connection.read_exact(&mut two).await.unwrap();
    assert_eq!(&two, b"two");
}

#[tokio::test]
async fn what_cannot_be_carried_stays() {
    let (mut peer, socket) = duplex(512 * 1024);
    let limits = stack::Limits {
        budget: 192 * 1024,
        ..stack::Limits::default()
    };
    let mut lines = Framed::new(Connection::with_limits(socket, limits), LinesCodec::new());
    // A line of which no end comes yet, so all of it is read ahead.
    peer.write_all(&[b'x'; 300_000]).await.unwrap();
    while lines.read_buffer().len() < 300_000 {
        tokio::select! {
            biased;
            line = lines.next() => panic!("{line:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    let error = codec::carry(&mut lines).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    peer.write_all(b"\n").await.unwrap();
    let line = lines.next().await.unwrap().unwrap();
    assert_eq!(line.len(), 300_000);
}

#[tokio::test]
async fn what_was_collected_goes_out_before_the_push() {
    let (client_config, server_config) = configs();
    let (peer, socket) = duplex(16);
    let serve = async {
        let mut lines = lines(socket);
        lines.feed("a line in clear").await.unwrap();
        lines
            .feed("longer than the pipe has room for")
            .await
            .unwrap();
        codec::carry(&mut lines).await.unwrap();
        lines.get_mut().push(server(&server_config)).await.unwrap();
        lines.send("and one in TLS").await.unwrap();
    };
    let hear = async {
        let mut lines = lines(peer);
        assert_eq!(lines.next().await.unwrap().unwrap(), "a line in clear");
        let line = lines.next().await.unwrap().unwrap();
        assert_eq!(line, "longer than the pipe has room for");
        codec::refuse(&mut lines).await.unwrap();
        lines.get_mut().push(client(&client_config)).await.unwrap();
        assert_eq!(lines.next().await.unwrap().unwrap(), "and one in TLS");
    };
    tokio::join!(serve, hear);
}
