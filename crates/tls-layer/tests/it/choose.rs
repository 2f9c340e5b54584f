//! The server's configuration, chosen when the client's hello is there.

use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use stack::{Blame, Connection, ErrorKind, LayerId, PushError, Residue};
use tls_layer::rustls::ServerConfig;
use tls_layer::rustls::version::TLS13;
use tls_layer::{ClientHello, TlsInfo, TlsLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::kit::*;

type Chosen = Result<Arc<ServerConfig>, String>;

/// The answer to a question that takes its time.
#[derive(Clone, Default)]
struct Later(Arc<Mutex<(Option<Chosen>, Option<Waker>)>>);

impl Later {
    fn answer(&self, chosen: Chosen) {
        let mut state = self.0.lock().unwrap();
        state.0 = Some(chosen);
        state.1.take().into_iter().for_each(Waker::wake);
    }
}

impl Future for Later {
    type Output = Chosen;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Chosen> {
        let mut state = self.0.lock().unwrap();
        state.1 = Some(task.waker().clone());
        state.0.take().map_or(Poll::Pending, Poll::Ready)
    }
}

/// A server's layer that asks, on the engine that this run of the tests is for.
fn server_with<F, Fut, E>(choose: F) -> TlsLayer
where
    F: FnOnce(ClientHello) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Arc<ServerConfig>, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let layer = TlsLayer::server_with(choose);
    if crate::EXPORTS {
        layer.with_exporter()
    } else {
        layer
    }
}

/// A client's layer is pushed at one end, at the other a server's that asks.
fn asking(
    cut: Cut,
    configs: &Configs,
    choose: impl FnOnce(ClientHello) -> Later + Send + 'static,
) -> (Pair, LayerId<TlsLayer>) {
    let mut pair = Pair::new(cut);
    let id = pair.server.push(server_with(choose)).unwrap();
    pair.client.push(configs.client()).unwrap();
    (pair, id)
}

#[test]
fn the_choice_sees_what_the_client_asks_for_however_the_hello_is_cut() {
    for version in VERSIONS {
        let mut configs = configs(version);
        configs.client.alpn_protocols = vec![b"h2".to_vec(), b"imap".to_vec()];
        configs.server.alpn_protocols = vec![b"imap".to_vec()];
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(100), Cut::At(5)] {
            let later = Later::default();
            later.answer(Ok(Arc::new(configs.server.clone())));
            let seen = Arc::new(Mutex::new(None));
            let see = Arc::clone(&seen);
            let (mut pair, _) = asking(cut, &configs, move |hello| {
                *see.lock().unwrap() = Some(hello);
                later
            });
            pair.client.write(b"hello").unwrap();
            pair.server.write(b"welcome").unwrap();
            let (client, server) = pair.exchange();
            assert_eq!((&client[..], &server[..]), (&b"welcome"[..], &b"hello"[..]));
            let hello = seen.lock().unwrap().take().unwrap();
            assert_eq!(hello.server_name.as_deref(), Some(NAME));
            assert_eq!(hello.alpn, [b"h2".to_vec(), b"imap".to_vec()]);
            assert!(!hello.cipher_suites.is_empty() && !hello.signature_schemes.is_empty());
            let info = pair.server.info::<TlsInfo>().unwrap();
            assert_eq!(info.server_name.as_deref(), Some(NAME));
            assert_eq!(info.alpn.as_deref(), Some(&b"imap"[..]));
        }
    }
}

#[test]
fn while_the_choice_is_awaited_the_bytes_wait_below_and_nothing_is_answered() {
    let configs = configs(&TLS13);
    let (later, asked) = (Later::default(), Arc::new(Mutex::new(0)));
    let (answer, count) = (later.clone(), Arc::clone(&asked));
    let (mut pair, _) = asking(Cut::Every(50), &configs, move |_| {
        *count.lock().unwrap() += 1;
        later
    });
    pair.settle();
    pair.server.answer_signals();
    pair.settle();
    assert_eq!(*asked.lock().unwrap(), 1);
    assert!(!pair.server.is_up() && pair.server.outgoing().is_empty());
    answer.answer(Ok(Arc::new(configs.server.clone())));
    pair.server.answer_signals();
    pair.settle();
    assert!(pair.server.is_up() && pair.client.is_up());
}

#[test]
fn a_choice_that_takes_too_long_runs_into_the_deadline() {
    let configs = configs(&TLS13);
    let (mut pair, _) = asking(Cut::Whole, &configs, |_| Later::default());
    pair.settle();
    pair.server.advance(Duration::from_secs(10));
    let (kind, _) = failed(&mut pair.server);
    assert_eq!(kind, ErrorKind::TimedOut);
}

#[test]
fn without_a_configuration_the_plain_connection_comes_back_with_the_hello_untouched() {
    let configs = configs(&TLS13);
    for cut in [Cut::Whole, Cut::Every(1)] {
        let later = Later::default();
        later.answer(Err("not ours".to_owned()));
        let (mut pair, id) = asking(cut, &configs, |_| later);
        let mut hello = outgoing(&mut pair.client);
        let sent = hello.clone();
        for piece in cut.pieces(&mut hello) {
            pair.server.receive(piece);
        }
        assert!(pair.server.readable().is_empty());
        let (_layer, error) = pair.server.take_refused(id).unwrap();
        assert_eq!((error.layer(), error.blame()), (Some("tls"), Blame::Local));
        assert!(format!("{error}").contains("not ours"), "{error}");
        // Another server gets it as it came.
        assert_eq!(read(&mut pair.server), sent);
        assert!(pair.server.outgoing().is_empty());
    }
}

#[test]
fn text_in_place_of_a_hello_fails_by_its_first_byte_and_is_told_by_an_alert() {
    let mut pair = Pair::new(Cut::Whole);
    let choose = |_: ClientHello| ready(Err::<Arc<ServerConfig>, _>("never asked"));
    pair.server.push(server_with(choose)).unwrap();
    pair.server.receive(&mut b"G".to_vec());
    let (kind, _) = failed(&mut pair.server);
    assert_eq!(kind, ErrorKind::Protocol);
    // A fatal alert in a plain record.
    assert_eq!(outgoing(&mut pair.server)[..2], [21, 3]);
}

#[test]
fn a_hello_that_is_none_is_an_error_of_the_peers() {
    let configs = configs(&TLS13);
    for at in [5, 6, 9, 43] {
        let (mut pair, _) = asking(Cut::Whole, &configs, |_| Later::default());
        let mut hello = outgoing(&mut pair.client);
        hello[at] ^= 0xff;
        pair.server.receive(&mut hello);
        work(&mut pair.server);
        let asked = pair.server.input_end().is_none();
        // What is only a random number may be any.
        assert!(!asked || at == 9 || at == 6, "{at}");
    }
}

/// SNI routing: who is not ours is handed on, byte by byte.
#[tokio::test]
async fn a_client_that_asks_for_another_is_passed_on_untouched() {
    let ours = configs(&TLS13);
    let (client, proxy_side) = duplex(4096);
    let (proxy_out, behind) = duplex(4096);
    let proxy = async {
        let mut connection = Connection::new(proxy_side);
        let choose = |hello: ClientHello| {
            let name = hello.server_name.unwrap_or_default();
            ready(Err::<Arc<ServerConfig>, _>(format!("{name} is elsewhere")))
        };
        let tls = server_with(choose).with_residue(Residue::Feed);
        let Err(PushError::Refused { error, .. }) = connection.push(tls).await else {
            panic!("it is not ours");
        };
        assert!(error.to_string().contains("shop.example is elsewhere"));
        let mut out = proxy_out;
        tokio::io::copy_bidirectional(&mut connection, &mut out).await
    };
    let server = async {
        let mut connection = Connection::wrap(behind, ours.server()).await.unwrap();
        let mut said = [0; 5];
        connection.read_exact(&mut said).await.unwrap();
        connection.write_all(&said).await.unwrap();
        connection.shutdown().await.unwrap();
        assert_eq!(connection.read(&mut said).await.unwrap(), 0);
    };
    let client = async {
        let mut connection = Connection::wrap(client, ours.client()).await.unwrap();
        connection.write_all(b"hello").await.unwrap();
        connection.flush().await.unwrap();
        let mut said = String::new();
        connection.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "hello");
        connection.shutdown().await.unwrap();
    };
    let (proxied, (), ()) = tokio::join!(proxy, server, client);
    proxied.unwrap();
}

/// The future is woken by another task, while the owner sits in its push.
#[tokio::test]
async fn the_owner_awaits_the_choice_in_its_push() {
    let configs = configs(&TLS13);
    let config = Arc::new(configs.server.clone());
    let (near, far) = duplex(4096);
    let server = async {
        let mut connection = Connection::new(far);
        let choose = |_: ClientHello| async {
            tokio::task::spawn(async {
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
            })
            .await
            .map(|()| config)
        };
        connection.push(server_with(choose)).await
    };
    let client = Connection::wrap(near, configs.client());
    let (pushed, wrapped) = tokio::join!(server, client);
    pushed.unwrap();
    wrapped.unwrap();
}
