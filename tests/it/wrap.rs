//! Streams of others as layers, and layers as streams.

use std::error::Error as _;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use async_compression::tokio::bufread::DeflateDecoder;
use async_compression::tokio::write::DeflateEncoder;
use compress_layer::CompressLayer;
use rustls::{ClientConfig, ServerConfig};
use stack::{
    Blame, Connection, Error, ErrorKind, LayerId, Outcome, PopError, PushError, Residue, Role,
    StreamLayer, Wire, serve,
};
use tls_layer::TlsLayer;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream,
    ReadBuf, copy_bidirectional, duplex, join, split,
};
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::cut_short::Hasty;
use crate::driver::Choppy;
use crate::real::{self, pattern};
use crate::toy::toy;
use crate::wakes::counter;

// ---- streams of others ----

/// Another's deflate, which is two streams.
fn deflate() -> StreamLayer {
    StreamLayer::new("async-deflate", |wire: Wire| async {
        let (reader, writer) = split(wire);
        let decoder = DeflateDecoder::new(BufReader::new(reader));
        Ok::<_, io::Error>(join(decoder, DeflateEncoder::new(writer)))
    })
}

fn rustls_client(config: &Arc<ClientConfig>) -> StreamLayer {
    let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
    StreamLayer::new("tokio-rustls", |wire: Wire| async move {
        connector.connect(real::name(), wire).await
    })
    .with_residue(Residue::Reject)
    .with_role(Role::Encryption)
}

fn rustls_server(config: &Arc<ServerConfig>) -> StreamLayer {
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(config));
    StreamLayer::new("tokio-rustls", |wire: Wire| async move {
        acceptor.accept(wire).await
    })
    .with_residue(Residue::Reject)
    .with_role(Role::Encryption)
}

/// One that passes on, by the hands of another task.
fn elsewhere() -> StreamLayer {
    StreamLayer::new("elsewhere", |mut wire: Wire| async {
        let (near, mut far) = duplex(100);
        tokio::spawn(async move { copy_bidirectional(&mut far, &mut wire).await });
        Ok::<_, io::Error>(near)
    })
}

/// One that takes its time, a second, for each read and each write, and waits for a task to begin.
struct Slow {
    wire: Wire,
    naps: [Option<Pin<Box<Sleep>>>; 2],
}

impl Slow {
    fn layer() -> StreamLayer {
        StreamLayer::new("slow", |wire: Wire| async {
            let second = tokio::spawn(sleep(Duration::from_secs(1)));
            second.await.unwrap();
            Ok::<_, io::Error>(Self {
                wire,
                naps: [None, None],
            })
        })
    }

    fn naps(&mut self, way: usize, task: &mut Task<'_>) -> bool {
        let nap = self.naps[way].get_or_insert_with(|| Box::pin(sleep(Duration::from_secs(1))));
        let naps = nap.as_mut().poll(task).is_pending();
        if !naps {
            self.naps[way] = None;
        }
        naps
    }
}

impl AsyncRead for Slow {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.naps(0, task) {
            return Poll::Pending;
        }
        Pin::new(&mut self.wire).poll_read(task, buf)
    }
}

impl AsyncWrite for Slow {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.naps(1, task) {
            return Poll::Pending;
        }
        Pin::new(&mut self.wire).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        if self.naps(1, task) {
            return Poll::Pending;
        }
        Pin::new(&mut self.wire).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        if self.naps(1, task) {
            return Poll::Pending;
        }
        Pin::new(&mut self.wire).poll_shutdown(task)
    }
}

/// One whose peer ends it after so many bytes, of which it reads none too many.
fn measured(n: u64) -> StreamLayer {
    StreamLayer::new("measured", move |wire: Wire| async move {
        let (reader, writer) = split(wire);
        Ok::<_, io::Error>(join(reader.take(n), writer))
    })
}

// ---- helpers ----

/// Both write `ours` and read as much, at once.
async fn exchange<S: AsyncRead + AsyncWrite>(stream: S, ours: &[u8], theirs: &[u8]) {
    let (mut reader, mut writer) = split(stream);
    let mut seen = vec![0; theirs.len()];
    let writing = async {
        writer.write_all(ours).await.unwrap();
        writer.flush().await.unwrap();
    };
    let (_, read) = tokio::join!(writing, reader.read_exact(&mut seen));
    read.unwrap();
    assert!(seen == theirs);
}

async fn soon<F: Future>(future: F) -> F::Output {
    let soon = timeout(Duration::from_secs(60), future).await;
    soon.expect("it hangs")
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Io for S {}

/// Pairs of sockets: with room, a byte at a time, and never ready at once.
fn sockets() -> Vec<[Box<dyn Io>; 2]> {
    let (a, b) = duplex(64 * 1024);
    let (c, d) = duplex(1);
    let (e, f) = duplex(4096);
    let (e, f) = (Choppy(e, [false; 2]), Choppy(f, [true, false]));
    vec![
        [Box::new(a), Box::new(b)],
        [Box::new(c), Box::new(d)],
        [Box::new(e), Box::new(f)],
    ]
}

// ---- codecs ----

#[tokio::test]
async fn a_codec_of_others_is_pushed_in_mid_stream_and_understands_ours() {
    for [a, b] in sockets() {
        let body = |seed| pattern(9_000, seed);
        let theirs = async {
            let mut a = Connection::new(a);
            exchange(&mut a, &body(1), &body(2)).await;
            let codec = a.push(deflate()).await.unwrap();
            exchange(&mut a, &body(3), &body(4)).await;
            exchange(&mut a, b"small", b"SMALL").await;
            // Half-closed: they still read.
            a.write_all(b"last").await.unwrap();
            a.shutdown().await.unwrap();
            let mut rest = Vec::new();
            a.read_to_end(&mut rest).await.unwrap();
            assert!(rest == body(5));
            assert_eq!(a.parked(), Some(codec.key()));
        };
        let ours = async {
            let mut b = Connection::new(b);
            exchange(&mut b, &body(2), &body(1)).await;
            b.push(CompressLayer::deflate(6)).await.unwrap();
            exchange(&mut b, &body(4), &body(3)).await;
            exchange(&mut b, b"SMALL", b"small").await;
            let mut rest = Vec::new();
            b.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"last");
            b.write_all(&body(5)).await.unwrap();
            b.shutdown().await.unwrap();
        };
        soon(async { tokio::join!(theirs, ours) }).await;
    }
}

#[tokio::test]
async fn a_codec_of_others_is_popped_in_silence_and_the_stream_goes_on_in_plain() {
    let (a, b) = duplex(4096);
    let theirs = async {
        let mut a = Connection::new(a);
        let codec = a.push(deflate()).await.unwrap();
        exchange(&mut a, b"packed", b"PACKED").await;
        // Ours has left; its end mark is the end of what is read.
        assert_eq!(a.read(&mut [0]).await.unwrap(), 0);
        a.pop(codec).await.unwrap();
        exchange(&mut a, b"plain", b"PLAIN").await;
    };
    let ours = async {
        let mut b = Connection::new(b);
        let codec = b.push(CompressLayer::deflate(6)).await.unwrap();
        exchange(&mut b, b"PACKED", b"packed").await;
        b.pop(codec).await.unwrap();
        exchange(&mut b, b"PLAIN", b"plain").await;
    };
    soon(async { tokio::join!(theirs, ours) }).await;
}

/// Neither says anything for a farewell, or the other would read it.
#[tokio::test]
async fn two_codecs_of_others_are_popped_in_silence_at_both_ends() {
    let (a, b) = duplex(4096);
    let asks = async {
        let mut a = Connection::new(a);
        let codec = a.push(deflate()).await.unwrap();
        exchange(&mut a, b"packed", b"PACKED").await;
        assert_eq!(a.pop(codec).await.unwrap().1, Outcome::Clean);
        exchange(&mut a, b"plain", b"PLAIN").await;
    };
    let answers = async {
        let mut b = Connection::new(b);
        let codec = b.push(deflate()).await.unwrap();
        b.read_exact(&mut [0; 6]).await.unwrap();
        // When it has come, this end has popped.
        b.write_all(b"PACKED").await.unwrap();
        assert_eq!(b.pop(codec).await.unwrap().1, Outcome::Clean);
        let mut plain = [0; 5];
        b.read_exact(&mut plain).await.unwrap();
        assert_eq!(&plain, b"plain");
        b.write_all(b"PLAIN").await.unwrap();
        b.shutdown().await.unwrap();
    };
    soon(async { tokio::join!(asks, answers) }).await;
}

#[tokio::test]
async fn an_input_that_ends_too_early_is_truncated_in_the_layers_name() {
    let (a, mut b) = duplex(4096);
    let mut a = Connection::new(a);
    a.push(deflate()).await.unwrap();
    let mut peer = Connection::wrap(&mut b, CompressLayer::deflate(6))
        .await
        .unwrap();
    peer.write_all(b"half a sto").await.unwrap();
    peer.flush().await.unwrap();
    drop(peer);
    drop(b);
    let mut seen = Vec::new();
    let error = soon(a.read_to_end(&mut seen)).await.unwrap_err();
    assert_eq!(seen, b"half a sto");
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let error = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.layer(), Some("async-deflate"));
}

#[tokio::test]
async fn a_slow_reader_holds_up_the_peer_and_memory_stays_bounded() {
    let body = pattern(8_000_000, 1);
    // Their decoder reads, and then their encoder writes.
    for theirs_reads in [true, false] {
        let (a, b) = duplex(64 * 1024);
        let (mut reader, mut writer) = (Connection::new(a), Connection::new(b));
        if theirs_reads {
            reader.push(deflate()).await.unwrap();
            writer.push(CompressLayer::deflate(1)).await.unwrap();
        } else {
            reader.push(CompressLayer::deflate(1)).await.unwrap();
            writer.push(deflate()).await.unwrap();
        }
        let writing = async {
            writer.write_all(&body).await.unwrap();
            writer.shutdown().await.unwrap();
        };
        let reading = async {
            let (mut seen, mut most) = (Vec::new(), 0);
            let mut some = vec![0; 10_000];
            loop {
                let n = reader.read(&mut some).await.unwrap();
                if n == 0 {
                    break;
                }
                seen.extend_from_slice(&some[..n]);
                let inside: usize = reader.layers().map(|layer| layer.held()).sum();
                most = most.max(inside + reader.stack().readable().len());
                tokio::task::yield_now().await;
            }
            assert!(seen == body);
            assert!(
                most < 64 * 1024 + 64 * 1024 + 16 * 1024,
                "{most} bytes held"
            );
        };
        soon(async { tokio::join!(writing, reading) }).await;
    }
}

#[tokio::test]
async fn futures_may_be_dropped_at_every_poll() {
    let text = pattern(500, 7);
    let mut polls = 0;
    loop {
        let (a, b) = duplex(700);
        let (a, b) = (Choppy(a, [false; 2]), Choppy(b, [true, false]));
        let (mut a, mut b) = (Hasty::new(a, polls), Hasty::new(b, polls));
        let theirs = async {
            a.push(b"", &deflate).await;
            for piece in text.chunks(120) {
                a.write(piece).await;
                a.flush().await;
            }
            a.shutdown().await;
            a.read_to_end().await
        };
        let ours = async {
            b.push(b"", &|| CompressLayer::deflate(6)).await;
            let seen = b.read_to_end().await;
            b.write(&seen).await;
            b.shutdown().await;
            seen
        };
        let (back, seen) = soon(async { tokio::join!(theirs, ours) }).await;
        assert!(seen == text && back == text, "cut at poll {polls}");
        if a.scissors.cut + b.scissors.cut == 0 {
            break;
        }
        polls += 1;
    }
    assert!(polls > 3, "hardly anything was ever cut");
}

// ---- TLS ----

#[tokio::test]
async fn tls_of_others_is_pushed_behind_starttls_in_both_roles() {
    let (client_config, server_config) = real::configs();
    let body = |seed| pattern(4_000_000, seed);
    for theirs_is_client in [true, false] {
        let (a, b) = duplex(64 * 1024);
        let client = async {
            let mut a = Connection::new(a);
            a.write_all(b"STARTTLS\r\n").await.unwrap();
            let mut line = String::new();
            a.read_line(&mut line).await.unwrap();
            assert_eq!(line, "220 go\r\n");
            if theirs_is_client {
                a.push(rustls_client(&client_config)).await.unwrap();
            } else {
                a.push(real::client(&client_config)).await.unwrap();
            }
            exchange(&mut a, &body(1), &body(2)).await;
            a.shutdown().await.unwrap();
            assert_eq!(a.read(&mut [0]).await.unwrap(), 0);
        };
        let server = async {
            let mut b = Connection::new(b);
            let mut line = String::new();
            b.read_line(&mut line).await.unwrap();
            assert_eq!(line, "STARTTLS\r\n");
            if theirs_is_client {
                let tls = real::server(&server_config);
                b.push_after(b"220 go\r\n", tls).await.unwrap();
            } else {
                let tls = rustls_server(&server_config);
                b.push_after(b"220 go\r\n", tls).await.unwrap();
            }
            exchange(&mut b, &body(2), &body(1)).await;
            assert_eq!(b.read(&mut [0]).await.unwrap(), 0);
            b.shutdown().await.unwrap();
        };
        soon(async { tokio::join!(client, server) }).await;
    }
}

#[tokio::test]
async fn tls_of_others_byte_by_byte() {
    let (client_config, server_config) = real::configs();
    for [a, b] in sockets() {
        let theirs = async {
            let mut a = Connection::new(a);
            a.push(rustls_client(&client_config)).await.unwrap();
            exchange(&mut a, &pattern(9_000, 1), &pattern(9_000, 2)).await;
        };
        let ours = async {
            let mut b = Connection::new(b);
            let tls = real::server(&server_config).with_residue(Residue::Feed);
            b.push(tls).await.unwrap();
            exchange(&mut b, &pattern(9_000, 2), &pattern(9_000, 1)).await;
        };
        soon(async { tokio::join!(theirs, ours) }).await;
    }
}

#[tokio::test]
async fn residue_and_order_are_judged_as_for_any_layer() {
    let (client_config, server_config) = real::configs();
    let (mut attacker, socket) = duplex(4096);
    attacker.write_all(b"STARTTLS\r\nNOOP\r\n").await.unwrap();
    let mut connection = Connection::new(socket);
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    let pushed = connection.push_after(b"220 go\r\n", rustls_server(&server_config));
    match pushed.await {
        Err(PushError::Rejected { residue, error, .. }) => {
            assert_eq!(residue, b"NOOP\r\n");
            assert_eq!(error.layer(), Some("tokio-rustls"));
        }
        other => panic!("{other:?}"),
    }

    let (socket, _peer) = duplex(4096);
    let mut connection = Connection::new(socket);
    connection.push(CompressLayer::deflate(6)).await.unwrap();
    match connection.push(rustls_client(&client_config)).await {
        Err(PushError::Refused { error, .. }) => assert_eq!(error.kind(), ErrorKind::Order),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn errors_are_named_and_keep_what_is_known_of_them() {
    let (client_config, _) = real::configs();
    // The peer speaks something else.
    let (mut peer, socket) = duplex(4096);
    peer.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        .await
        .unwrap();
    let mut connection = Connection::new(socket);
    let pushed = soon(connection.push(rustls_client(&client_config))).await;
    let Err(PushError::Begun(error)) = pushed else {
        panic!("{pushed:?}")
    };
    assert_eq!(error.layer(), Some("tokio-rustls"));
    assert_eq!(
        (error.kind(), error.blame()),
        (ErrorKind::Protocol, Blame::Remote)
    );
    assert!(error.source().is_some());

    // The peer ends within the handshake.
    let (mut peer, socket) = duplex(4096);
    peer.shutdown().await.unwrap();
    let mut connection = Connection::new(socket);
    let pushed = soon(connection.push(rustls_client(&client_config))).await;
    let Err(PushError::Begun(error)) = pushed else {
        panic!("{pushed:?}")
    };
    assert_eq!(
        (error.kind(), error.layer()),
        (ErrorKind::Truncated, Some("tokio-rustls"))
    );

    // The function fails at once: nothing began.
    let (_peer, socket) = duplex(4096);
    let mut connection = Connection::new(socket);
    let failing = StreamLayer::new("failing", |_: Wire| async {
        Err::<DuplexStream, _>("no key")
    });
    match connection.push(failing).await {
        Err(PushError::Refused { error, .. }) => {
            assert_eq!(error.to_string(), "failing: the stream failed: no key");
        }
        other => panic!("{other:?}"),
    }
    connection.write_all(b"still there").await.unwrap();

    // An error of ours inside keeps its kind, its blame and its layer.
    let nested = StreamLayer::new("outer", |wire: Wire| {
        Connection::wrap(wire, CompressLayer::zstd(3))
    });
    let (mut peer, socket) = duplex(4096);
    let mut connection = Connection::new(socket);
    connection.push(nested).await.unwrap();
    peer.write_all(b"this is no zstd").await.unwrap();
    let error = soon(connection.read(&mut [0])).await.unwrap_err();
    let error = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!(
        (error.kind(), error.layer()),
        (ErrorKind::Protocol, Some("zstd"))
    );
}

#[tokio::test]
async fn a_function_that_panics_takes_the_layer_along_and_nothing_else() {
    let (_peer, socket) = duplex(4096);
    let mut connection = Connection::new(socket);
    let panics = StreamLayer::new("panics", |wire: Wire| async {
        assert!(std::env::args().count() == usize::MAX, "meant");
        Ok::<_, io::Error>(wire)
    });
    let panicked = {
        let mut push = pin!(connection.push(panics));
        let mut task = Task::from_waker(Waker::noop());
        std::panic::catch_unwind(AssertUnwindSafe(|| push.as_mut().poll(&mut task).map(drop)))
    };
    assert!(panicked.is_err());
    // Nobody polls it again.
    let error = connection.write_all(b"x").await.unwrap_err();
    let error = error.get_ref().unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!(
        (error.kind(), error.layer()),
        (ErrorKind::Closed, Some("panics"))
    );
}

// ---- streams that wait for more than their wire ----

#[tokio::test(start_paused = true)]
async fn a_stream_may_wait_for_a_timer_of_its_own() {
    let (a, b) = duplex(4096);
    let began = Instant::now();
    let theirs = async {
        let mut a = Connection::new(a);
        a.push(Slow::layer()).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 1);
        a.write_all(b"question\n").await.unwrap();
        // A second for the write, and one for the flush.
        a.flush().await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 3);
        let mut line = String::new();
        BufReader::new(&mut a).read_line(&mut line).await.unwrap();
        assert_eq!(line, "answer\n");
        a.write_all(b"bye\n").await.unwrap();
        a.shutdown().await.unwrap();
        let mut rest = Vec::new();
        a.read_to_end(&mut rest).await.unwrap();
        assert!(rest == pattern(300_000, 1));
    };
    let ours = async {
        let mut b = BufReader::new(b);
        let mut line = String::new();
        b.read_line(&mut line).await.unwrap();
        assert_eq!(line, "question\n");
        assert_eq!(began.elapsed().as_secs(), 2);
        b.write_all(b"answer\n").await.unwrap();
        line.clear();
        b.read_to_string(&mut line).await.unwrap();
        assert_eq!(line, "bye\n");
        b.write_all(&pattern(300_000, 1)).await.unwrap();
    };
    tokio::join!(theirs, ours);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_its_time_to_end_cannot_be_popped() {
    let (a, _peer) = duplex(4096);
    let mut a = Connection::new(a);
    let slow = a.push(Slow::layer()).await.unwrap();
    a.write_all(b"written").await.unwrap();
    // It has not taken that yet: nothing happens.
    let refused = a.pop(slow).await;
    assert!(matches!(refused, Err(PopError::Refused(_))), "{refused:?}");
    a.flush().await.unwrap();

    // Taken, but by another task, in which nobody can see.
    let (a, _peer) = duplex(4096);
    let mut a = Connection::new(a);
    let layer = a.push(elsewhere()).await.unwrap();
    a.write_all(b"written").await.unwrap();
    let refused = a.pop(layer).await;
    assert!(matches!(refused, Err(PopError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn a_stream_may_be_moved_by_another_task() {
    for [a, b] in sockets() {
        let body = |seed| pattern(4_000, seed);
        let theirs = async {
            let mut a = Connection::new(a);
            a.write_all(b"before\n").await.unwrap();
            a.push(elsewhere()).await.unwrap();
            exchange(&mut a, &body(1), &body(2)).await;
            a.write_all(&body(3)).await.unwrap();
            // All of it, though the other task has hardly begun.
            a.shutdown().await.unwrap();
            let mut rest = Vec::new();
            a.read_to_end(&mut rest).await.unwrap();
            assert!(rest == body(4));
        };
        let ours = async {
            let mut b = BufReader::new(b);
            let mut line = String::new();
            b.read_line(&mut line).await.unwrap();
            assert_eq!(line, "before\n");
            exchange(&mut b, &body(2), &body(1)).await;
            let mut rest = Vec::new();
            b.read_to_end(&mut rest).await.unwrap();
            assert!(rest == body(3));
            b.write_all(&body(4)).await.unwrap();
            b.shutdown().await.unwrap();
        };
        soon(async { tokio::join!(theirs, ours) }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_may_be_moved_by_another_thread() {
    for round in 0..20 {
        let (a, b) = duplex(1000 * (round + 1));
        let body = |seed| pattern(100_000, seed);
        let end = |socket, seed: usize, other: usize| async move {
            let mut a = Connection::new(socket);
            a.push(elsewhere()).await.unwrap();
            exchange(&mut a, &body(seed), &body(other)).await;
            a.write_all(&pattern(10_000, seed)).await.unwrap();
            a.shutdown().await.unwrap();
            let mut rest = Vec::new();
            a.read_to_end(&mut rest).await.unwrap();
            assert!(rest == pattern(10_000, other));
        };
        let (a, b) = (tokio::spawn(end(a, 1, 2)), tokio::spawn(end(b, 2, 1)));
        let (a, b) = soon(async { tokio::join!(a, b) }).await;
        a.unwrap();
        b.unwrap();
    }
}

#[tokio::test]
async fn written_and_shut_down_before_the_other_task_has_run_is_sent() {
    let (a, mut b) = duplex(4096);
    let mut a = Connection::new(a);
    a.push(elsewhere()).await.unwrap();
    a.write_all(b"all of it").await.unwrap();
    let (shut, read) = soon(async {
        let mut seen = Vec::new();
        let reading = async {
            b.read_to_end(&mut seen).await.unwrap();
            drop(b);
            seen
        };
        tokio::join!(a.shutdown(), reading)
    })
    .await;
    shut.unwrap();
    assert_eq!(read, b"all of it");
}

#[tokio::test]
async fn whoever_only_waits_is_left_alone() {
    let (client_config, server_config) = real::configs();
    let (a, b) = duplex(4096);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let (pushed, served) = tokio::join!(
        a.push(rustls_client(&client_config)),
        b.push(real::server(&server_config))
    );
    pushed.unwrap();
    served.unwrap();
    exchange_pair(&mut a, &mut b).await;
    let (wakes, waker) = counter();
    let mut task = Task::from_waker(&waker);
    let mut poll = |a: &mut Connection<DuplexStream>| {
        let mut byte = [0];
        let read = Pin::new(a).poll_read(&mut task, &mut ReadBuf::new(&mut byte));
        assert!(read.is_pending());
    };
    poll(&mut a);
    let before = wakes.count();
    for _ in 0..20 {
        poll(&mut a);
    }
    assert_eq!(wakes.count(), before, "it wakes itself");
    b.write_all(b"!").await.unwrap();
    b.flush().await.unwrap();
    assert!(wakes.count() > before, "it sleeps for ever");
    assert_eq!(a.read_u8().await.unwrap(), b'!');
}

async fn exchange_pair(a: &mut Connection<DuplexStream>, b: &mut Connection<DuplexStream>) {
    tokio::join!(exchange(a, b"ping", b"pong"), exchange(b, b"pong", b"ping"));
}

// ---- changes ----

#[tokio::test]
async fn a_handle_pushes_it_while_the_owner_reads() {
    let (client_config, server_config) = real::configs();
    let (a, b) = duplex(4096);
    let (mut a, mut b) = (Connection::new(a), Connection::new(b));
    let handle = a.handle();
    let pushing = async {
        handle.push(rustls_client(&client_config)).await.unwrap();
        let drawn = handle.look(|stack| stack.to_string()).await.unwrap();
        assert_eq!(drawn, "app <=> tokio-rustls <=> network");
    };
    let reading = async { a.read_u8().await.unwrap() };
    let serving = async {
        let tls = real::server(&server_config).with_residue(Residue::Feed);
        b.push(tls).await.unwrap();
        b.write_all(b"!").await.unwrap();
        b.flush().await.unwrap();
    };
    let ((), byte, ()) = soon(async { tokio::join!(pushing, reading, serving) }).await;
    assert_eq!(byte, b'!');
}

#[tokio::test]
async fn what_it_does_not_read_of_its_wire_is_not_taken() {
    let (mut peer, socket) = duplex(4096);
    peer.write_all(b"hello, world").await.unwrap();
    let mut connection = Connection::new(socket);
    // With an end mark the cut is exact, whatever came along with it.
    let layer = connection.push(measured(5).with_end_mark()).await.unwrap();
    let mut seen = Vec::new();
    connection.read_to_end(&mut seen).await.unwrap();
    assert_eq!(seen, b"hello");
    assert_eq!(connection.parked(), Some(layer.key()));
    let (layer, _) = connection.pop(layer).await.unwrap();
    let mut rest = [0; 7];
    connection.read_exact(&mut rest).await.unwrap();
    assert_eq!(&rest, b", world");
    // It cannot be begun twice.
    match connection.push(layer).await {
        Err(PushError::Refused { error, .. }) => assert_eq!(error.kind(), ErrorKind::Misuse),
        other => panic!("{other:?}"),
    }

    // Without, something that waits is in the way.
    peer.write_all(b"hello, world").await.unwrap();
    let layer = connection.push(measured(5)).await.unwrap();
    seen.clear();
    connection.read_to_end(&mut seen).await.unwrap();
    assert_eq!(seen, b"hello");
    let popped = connection.pop(layer).await;
    assert!(matches!(popped, Err(PopError::Refused(_))), "{popped:?}");
    connection.rip(layer).unwrap();
    connection.read_exact(&mut rest).await.unwrap();
    assert_eq!(&rest, b", world");
}

#[tokio::test]
async fn an_application_of_callbacks_has_it_below_itself() {
    let (socket, mut peer) = duplex(4096);
    let app = Echo { layer: None };
    let talk = async {
        let mut codec = Connection::wrap(&mut peer, CompressLayer::deflate(6))
            .await
            .unwrap();
        codec.write_all(b"echo").await.unwrap();
        let mut seen = [0; 4];
        codec.flush().await.unwrap();
        codec.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"echo");
        codec.shutdown().await.unwrap();
        assert_eq!(codec.read(&mut seen).await.unwrap(), 0);
    };
    let ((_, end), ()) = soon(async { tokio::join!(serve(socket, app), talk) }).await;
    assert!(end.error().is_none(), "{end:?}");
}

struct Echo {
    layer: Option<LayerId<StreamLayer>>,
}

impl stack::Protocol for Echo {
    fn attached(
        &mut self,
        cx: &mut stack::Context<'_>,
        _: &stack::Standing,
    ) -> Result<stack::Readiness, Error> {
        self.layer = Some(cx.push(deflate()));
        Ok(stack::Readiness::Up)
    }

    fn received(&mut self, cx: &mut stack::Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        cx.send(&*bytes);
        Ok(bytes.len())
    }
}

// ---- layers as streams ----

#[tokio::test]
async fn wrappers_go_over_wrappers_and_back_into_a_layer() {
    let (client_config, server_config) = real::configs();
    let (a, b) = duplex(4096);
    let body = |seed| pattern(200_000, seed);
    let near = async {
        // As any code does that knows streams only.
        let tls = Connection::wrap(a, real::client(&client_config))
            .await
            .unwrap();
        let mut zstd = Connection::wrap(tls, CompressLayer::zstd(3)).await.unwrap();
        exchange(&mut zstd, &body(1), &body(2)).await;
        zstd.shutdown().await.unwrap();
        assert_eq!(zstd.read(&mut [0]).await.unwrap(), 0);
    };
    let far = async {
        // And there and back: a layer as a stream as a layer.
        let mut b = Connection::new(b);
        let tls: TlsLayer = real::server(&server_config);
        let tls = StreamLayer::new("wrapped", |wire: Wire| Connection::wrap(wire, tls));
        b.push(tls).await.unwrap();
        let zstd = StreamLayer::new("wrapped, too", |wire: Wire| {
            Connection::wrap(wire, CompressLayer::zstd(3))
        });
        b.push(zstd).await.unwrap();
        exchange(&mut b, &body(2), &body(1)).await;
        assert_eq!(b.read(&mut [0]).await.unwrap(), 0);
        b.shutdown().await.unwrap();
    };
    soon(async { tokio::join!(near, far) }).await;
}

#[tokio::test]
async fn a_layer_that_does_not_come_in_makes_no_stream() {
    let (a, mut peer) = duplex(64);
    peer.shutdown().await.unwrap();
    let wrapped = soon(Connection::wrap(a, toy().client())).await;
    assert_eq!(wrapped.unwrap_err().kind(), ErrorKind::Truncated);
}
