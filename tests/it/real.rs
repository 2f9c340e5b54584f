//! Real TLS, deflate and zstd, pushed and popped on real sockets, between peers of both roles.

use std::io::{Read, Write};
use std::sync::Arc;

use compress_layer::CompressLayer;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use stack::{Connection, ErrorKind, Limits, PushError, Residue, Stack};
use tls_layer::{TlsInfo, TlsLayer};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::certificate;

const NAME: &str = "mail.example";

/// A client and a server that trust each other.
pub(crate) fn configs() -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let (certificate, server) = certificate::make(NAME).unwrap();
    (certificate::trust(certificate).unwrap(), server)
}

pub(crate) fn name() -> ServerName<'static> {
    NAME.try_into().unwrap()
}

pub(crate) fn client(config: &Arc<ClientConfig>) -> TlsLayer {
    TlsLayer::client(Arc::clone(config), name())
}

pub(crate) fn server(config: &Arc<ServerConfig>) -> TlsLayer {
    TlsLayer::server(Arc::clone(config))
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (a, b) = tokio::join!(TcpStream::connect(address), listener.accept());
    (a.unwrap(), b.unwrap().0)
}

pub(crate) fn pattern(n: usize, seed: usize) -> Vec<u8> {
    (0..n).map(|i| ((i / 7 * 31 + seed) % 251) as u8).collect()
}

/// Both write `ours` and read as much, at once.
async fn exchange(connection: &mut Connection<TcpStream>, ours: &[u8], theirs: &[u8]) {
    let (mut reader, mut writer) = tokio::io::split(connection);
    let mut seen = vec![0; theirs.len()];
    let writing = async {
        writer.write_all(ours).await.unwrap();
        writer.flush().await.unwrap();
    };
    tokio::join!(writing, async {
        reader.read_exact(&mut seen).await.unwrap()
    });
    assert!(seen == theirs);
}

#[tokio::test]
async fn tls_and_codecs_come_and_go_with_data_in_flight_both_ways() {
    let (client_config, server_config) = configs();
    let (a, b) = sockets().await;
    let peer = |socket: TcpStream, tls: TlsLayer, again: TlsLayer, ours: usize, theirs: usize| {
        async move {
            let mut connection = Connection::new(socket);
            let body = |seed| pattern(400_000, seed);
            exchange(&mut connection, &body(ours), &body(theirs)).await;
            let tls = connection.push(tls).await.unwrap();
            assert!(connection.info::<TlsInfo>().is_some());
            exchange(&mut connection, &body(ours + 1), &body(theirs + 1)).await;
            for codec in [CompressLayer::zstd(3), CompressLayer::deflate(6)] {
                let codec = connection.push(codec).await.unwrap();
                assert_eq!(connection.layers().count(), 2);
                exchange(&mut connection, &body(ours + 2), &body(theirs + 2)).await;
                connection.pop(codec).await.unwrap();
            }
            exchange(&mut connection, &body(ours + 3), &body(theirs + 3)).await;
            connection.pop(tls).await.unwrap();
            assert_eq!(connection.stack().to_string(), "app <=> network");
            exchange(&mut connection, &body(ours + 4), &body(theirs + 4)).await;
            // And once more, now with a codec first and TLS after it has left.
            let codec = connection.push(CompressLayer::deflate(1)).await.unwrap();
            exchange(&mut connection, &body(ours + 5), &body(theirs + 5)).await;
            connection.pop(codec).await.unwrap();
            connection.push(again).await.unwrap();
            exchange(&mut connection, &body(ours + 6), &body(theirs + 6)).await;
            connection.shutdown().await.unwrap();
            assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
        }
    };
    // A push rejects what came before it; the peers agree on each by what they exchanged.
    let feeding = |layer: TlsLayer| layer.with_residue(Residue::Feed);
    tokio::join!(
        peer(a, client(&client_config), client(&client_config), 0, 100),
        peer(
            b,
            feeding(server(&server_config)),
            feeding(server(&server_config)),
            100,
            0
        ),
    );
}

#[tokio::test]
async fn s1_a_command_smuggled_behind_starttls_is_never_run() {
    let (_, server_config) = configs();
    let (mut attacker, socket) = sockets().await;
    attacker.write_all(b"STARTTLS\r\nNOOP\r\n").await.unwrap();
    let mut connection = Connection::new(socket);
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    assert_eq!(line, "STARTTLS\r\n");
    match connection
        .push_after(b"220 go\r\n", server(&server_config))
        .await
    {
        Err(PushError::Rejected { residue, error, .. }) => {
            assert_eq!(residue, b"NOOP\r\n");
            assert_eq!(error.kind(), ErrorKind::Residue);
        }
        other => panic!("{other:?}"),
    }
    line.clear();
    assert!(connection.read_line(&mut line).await.is_err() && line.is_empty());
}

#[tokio::test]
async fn s2_the_same_at_every_cut_fails_closed() {
    let (_, server_config) = configs();
    let wire = b"STARTTLS\r\nNOOP\r\n";
    for at in 10..wire.len() {
        let (mut attacker, socket) = sockets().await;
        attacker.write_all(&wire[..at]).await.unwrap();
        let mut connection = Connection::new(socket);
        let mut line = String::new();
        connection.read_line(&mut line).await.unwrap();
        let attack = async {
            tokio::task::yield_now().await;
            attacker.write_all(&wire[at..]).await.unwrap();
            attacker.shutdown().await.unwrap();
        };
        let push = connection.push_after(b"220 go\r\n", server(&server_config));
        let (pushed, ()) = tokio::join!(push, attack);
        match pushed {
            Err(PushError::Rejected { .. }) if at > 10 => {}
            Err(PushError::Begun(error)) => assert_eq!(error.layer(), Some("tls")),
            other => panic!("cut at {at}: {other:?}"),
        }
        line.clear();
        assert!(connection.read_line(&mut line).await.is_err() && line.is_empty());
    }
}

#[tokio::test]
async fn s3_an_answer_smuggled_behind_go_ahead_is_never_read() {
    let (client_config, _) = configs();
    let (socket, mut attacker) = sockets().await;
    attacker.write_all(b"220 go\r\n250 AUTH\r\n").await.unwrap();
    let mut connection = Connection::new(socket);
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    let pushed = connection.push(client(&client_config)).await;
    assert!(matches!(pushed, Err(PushError::Rejected { .. })));
    line.clear();
    assert!(connection.read_line(&mut line).await.is_err() && line.is_empty());
}

#[tokio::test]
async fn s6_a_proxy_line_and_a_hello_in_one_segment_are_both_for_someone() {
    let (client_config, server_config) = configs();
    let (a, b) = sockets().await;
    let near = async {
        let mut connection = Connection::new(a);
        connection
            .write_all(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")
            .await
            .unwrap();
        // Not flushed: the hello leaves with it.
        connection.push(client(&client_config)).await.unwrap();
        connection.write_all(b"secret\n").await.unwrap();
        connection.shutdown().await.unwrap();
    };
    let far = async {
        let mut connection = Connection::new(b);
        let mut line = String::new();
        connection.read_line(&mut line).await.unwrap();
        assert!(line.starts_with("PROXY TCP4"));
        let tls = server(&server_config).with_residue(Residue::Feed);
        connection.push(tls).await.unwrap();
        line.clear();
        connection.read_line(&mut line).await.unwrap();
        assert_eq!(line, "secret\n");
        let crossed: Vec<_> = connection
            .read_epoch()
            .layers()
            .map(str::to_owned)
            .collect();
        assert_eq!(crossed, ["tls"]);
    };
    tokio::join!(near, far);
}

#[tokio::test]
async fn s15_compressed_bytes_behind_ok_are_all_decoded() {
    let body = pattern(50_000, 3);
    for at in [0, 1, 2, 5, 100] {
        let (socket, mut peer) = sockets().await;
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), Default::default());
        deflate.write_all(&body).unwrap();
        let mut wire = b"OK\r\n".to_vec();
        wire.extend(deflate.finish().unwrap());
        let mut connection = Connection::new(socket);
        let reading = async {
            let mut line = String::new();
            connection.read_line(&mut line).await.unwrap();
            assert_eq!(line, "OK\r\n");
            connection.push(CompressLayer::deflate(6)).await.unwrap();
            let mut seen = Vec::new();
            connection.read_to_end(&mut seen).await.unwrap();
            assert!(seen == body);
        };
        let writing = async {
            peer.write_all(&wire[..4 + at]).await.unwrap();
            tokio::task::yield_now().await;
            peer.write_all(&wire[4 + at..]).await.unwrap();
        };
        tokio::join!(reading, writing);
    }
}

#[tokio::test]
async fn t1_and_t2_an_end_without_close_notify_is_truncated() {
    let (client_config, server_config) = configs();
    let (a, b) = sockets().await;
    let near = async {
        let mut connection = Connection::new(a);
        connection.push(client(&client_config)).await.unwrap();
        connection.write_all(b"half a sto").await.unwrap();
        connection.flush().await.unwrap();
        drop(connection); // FIN, and no close_notify.
    };
    let far = async {
        let mut connection = Connection::new(b);
        let tls = server(&server_config);
        connection.push(tls).await.unwrap();
        let mut seen = vec![0; 10];
        connection.read_exact(&mut seen).await.unwrap();
        assert_eq!(seen, b"half a sto");
        let error = connection.read(&mut seen).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    };
    tokio::join!(near, far);
    // Within the handshake.
    let (socket, mut peer) = sockets().await;
    peer.write_all(&[22, 3, 1, 0, 200, 1]).await.unwrap();
    peer.shutdown().await.unwrap();
    let mut connection = Connection::new(socket);
    let Err(PushError::Begun(error) | PushError::Refused { error, .. }) = connection
        .push(server(&server_config).with_residue(Residue::Feed))
        .await
    else {
        panic!("no handshake came to its end")
    };
    assert_eq!(error.kind(), ErrorKind::Truncated);
}

#[tokio::test]
async fn t4_data_close_notify_and_plaintext_in_one_segment() {
    let (client_config, server_config) = configs();
    let (a, b) = sockets().await;
    let near = async {
        // Driven by hand, so that one write to the socket holds all three.
        let mut socket = a;
        let mut stack = Stack::new(Limits::default());
        let tls = stack.push(client(&client_config)).unwrap();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            socket.write_all(stack.outgoing()).await.unwrap();
            stack.sent(stack.outgoing().len());
            if stack.is_up() {
                break;
            }
            let n = socket.read(&mut buffer).await.unwrap();
            stack.receive(&mut buffer[..n]);
        }
        stack.write(b"protected").unwrap();
        stack.start_pop(tls).unwrap();
        stack.write(b"plain").unwrap();
        socket.write_all(stack.outgoing()).await.unwrap();
        socket.shutdown().await.unwrap();
        // The peer's close_notify.
        assert!(socket.read(&mut buffer).await.unwrap() > 0);
    };
    let far = async {
        let mut connection = Connection::new(b);
        let tls = connection.push(server(&server_config)).await.unwrap();
        let mut seen = Vec::new();
        connection.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, b"protected");
        assert_eq!(connection.parked(), Some(tls.key()));
        connection.pop(tls).await.unwrap();
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"plain");
    };
    tokio::join!(near, far);
}

#[tokio::test]
async fn c7_and_c8_an_end_in_mid_stream_and_bytes_behind_the_final_block() {
    let body = pattern(5_000, 9);
    let deflated = {
        let reader = &body[..];
        let mut encoder = flate2::read::DeflateEncoder::new(reader, Default::default());
        let mut bytes = Vec::new();
        encoder.read_to_end(&mut bytes).unwrap();
        bytes
    };
    let (socket, mut peer) = sockets().await;
    peer.write_all(&deflated[..deflated.len() / 2])
        .await
        .unwrap();
    drop(peer);
    let mut connection = Connection::new(socket);
    connection.push(CompressLayer::deflate(6)).await.unwrap();
    let error = connection.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);

    let (socket, mut peer) = sockets().await;
    peer.write_all(&[&deflated[..], b"BYE\r\n"].concat())
        .await
        .unwrap();
    let mut connection = Connection::new(socket);
    let codec = connection.push(CompressLayer::deflate(6)).await.unwrap();
    let mut seen = vec![0; body.len()];
    connection.read_exact(&mut seen).await.unwrap();
    assert!(seen == body);
    connection.pop(codec).await.unwrap();
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    assert_eq!(line, "BYE\r\n");
}

#[tokio::test]
async fn tls_against_a_peer_that_is_not_ours() {
    let (client_config, server_config) = configs();
    // Our client, tokio-rustls's server; then the other way round. Each half-closes in turn.
    for ours_is_client in [true, false] {
        let (a, b) = sockets().await;
        let (ours, theirs) = if ours_is_client { (a, b) } else { (b, a) };
        let mut ours = Connection::new(ours);
        let layer = if ours_is_client {
            client(&client_config)
        } else {
            server(&server_config)
        };
        let body = pattern(1_000_000, 5);
        let mine = async {
            ours.push(layer).await.unwrap();
            exchange(&mut ours, &body, &body).await;
            ours.shutdown().await.unwrap();
            assert_eq!(ours.read(&mut [0]).await.unwrap(), 0);
        };
        let other = async {
            let stream: Box<dyn Both> = if ours_is_client {
                let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&server_config));
                Box::new(acceptor.accept(theirs).await.unwrap())
            } else {
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(&client_config));
                Box::new(connector.connect(name(), theirs).await.unwrap())
            };
            let (mut reader, mut writer) = tokio::io::split(stream);
            let mut seen = vec![0; body.len()];
            let writing = async {
                writer.write_all(&body).await.unwrap();
                writer.flush().await.unwrap();
            };
            tokio::join!(writing, async {
                reader.read_exact(&mut seen).await.unwrap()
            });
            assert!(seen == body);
            writer.shutdown().await.unwrap();
            assert_eq!(reader.read(&mut [0]).await.unwrap(), 0);
        };
        tokio::join!(mine, other);
    }
}

trait Both: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send> Both for T {}
