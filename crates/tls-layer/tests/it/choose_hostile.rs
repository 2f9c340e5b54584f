//! What could go wrong where a configuration is chosen, or data comes early.

use std::future::{pending, ready};
use std::sync::Arc;

use stack::{Connection, Limits, PushError, Residue, Stack};
use tls_layer::rustls::version::TLS13;
use tls_layer::rustls::{ClientConfig, ServerConfig};
use tls_layer::{ClientHello, EARLY_DATA, TlsInfo, TlsLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::kit::*;

struct Shop {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Shop {
    fn known(limit: u32, half: bool) -> Self {
        let mut configs = configs(&TLS13);
        configs.client.enable_early_data = true;
        configs.server.max_early_data_size = limit;
        configs.server.send_half_rtt_data = half;
        let shop = Self {
            client: Arc::new(configs.client),
            server: Arc::new(configs.server),
        };
        let mut pair = Pair::new(Cut::Whole);
        pair.server.push(shop.taker()).unwrap();
        pair.client.push(shop.client(b"")).unwrap();
        pair.exchange();
        shop
    }

    fn taker(&self) -> TlsLayer {
        TlsLayer::server(Arc::clone(&self.server)).taking_early_data()
    }

    fn client(&self, early: &[u8]) -> TlsLayer {
        TlsLayer::client(Arc::clone(&self.client), name()).with_early_data(early)
    }
}

/// Lets others have their turn.
async fn later() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// What the server does not take that way comes again behind the handshake.
#[test]
fn a_server_declines_early_data_though_its_tickets_allow_it() {
    for size in [1000, 16_384] {
        let shop = Shop::known(200_000, false);
        let early = pattern(size);
        let mut pair = Pair::new(Cut::Whole);
        let server = server(Arc::clone(&shop.server));
        pair.server.push(server).unwrap();
        pair.client.push(shop.client(&early)).unwrap();
        let (_, got) = pair.exchange();
        let end = pair.server.input_end();
        assert!(got == early, "{size}: {} {end:?}", got.len());
    }
}

fn retry(configs: &ClientConfig, server: &ServerConfig) -> (ClientConfig, ServerConfig) {
    let (client, mut server) = (configs.clone(), server.clone());
    let mut provider = (**server.crypto_provider()).clone();
    // The client offers a share of its first group only.
    let first = client.crypto_provider().kx_groups[0].name();
    provider.kx_groups.retain(|it| it.name() != first);
    let mut made = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(server.cert_resolver.clone());
    made.session_storage = server.session_storage.clone();
    made.max_early_data_size = server.max_early_data_size;
    server = made;
    (client, server)
}

/// The server asks for another hello, with early data behind the first.
#[test]
fn a_retry_of_the_hello_with_early_data() {
    for (taking, size) in [(true, 18), (true, 20_000), (false, 18), (false, 100_000)] {
        let shop = Shop::known(200_000, false);
        let (client, server) = retry(&shop.client, &shop.server);
        let early = pattern(size);
        let mut pair = Pair::new(Cut::Whole);
        let server = TlsLayer::server(Arc::new(server));
        let server = if taking {
            server.taking_early_data()
        } else {
            server
        };
        pair.server.push(server).unwrap();
        let client = TlsLayer::client(Arc::new(client), name()).with_early_data(&early[..]);
        pair.client.push(client).unwrap();
        pair.client.write(b"and more").unwrap();
        let (_, got) = pair.exchange();
        let end = pair.server.input_end();
        let all = [&early[..], b"and more"].concat();
        assert!(got == all, "{taking} {size}: {} {end:?}", got.len());
    }
}

/// "the client's bytes wait below the layer".
#[tokio::test]
async fn more_than_a_boundary_holds_waits_while_the_choice_does() {
    let shop = Shop::known(300_000, false);
    let early = pattern(200_000);
    let (near, far) = duplex(256 * 1024);
    let config = Arc::clone(&shop.server);
    let server = async {
        let mut connection = Connection::new(far);
        let choose = |_: ClientHello| async {
            later().await;
            Ok::<_, String>(config)
        };
        let tls = TlsLayer::server_with(choose).taking_early_data();
        connection.push(tls).await.map_err(|e| e.error().clone())?;
        let mut got = vec![0; 200_000];
        connection.read_exact(&mut got).await.unwrap();
        Ok::<_, stack::Error>(got)
    };
    let client = async {
        let mut connection = Connection::wrap(near, shop.client(&early)).await?;
        let _ = connection.read_u8().await;
        Ok::<_, stack::Error>(())
    };
    let served = tokio::select! {
        served = server => served,
        Err(error) = client => Err(error),
    };
    match served {
        Ok(got) => assert!(got == early),
        Err(error) => panic!("{error} {:?} {:?}", error.kind(), error.blame()),
    }
}

/// The same peer, who does nothing wrong, while the choice is refused in the end.
#[tokio::test]
async fn more_than_a_boundary_holds_and_a_refusal() {
    let shop = Shop::known(300_000, false);
    let early = pattern(200_000);
    let (near, far) = duplex(256 * 1024);
    let mut connection = Connection::new(far);
    let choose = |_: ClientHello| async {
        later().await;
        Err::<Arc<ServerConfig>, _>("not ours")
    };
    let tls = TlsLayer::server_with(choose);
    let server = async {
        let pushed = connection.push(tls).await;
        let refused = matches!(pushed, Err(PushError::Refused { .. }));
        assert!(refused, "{}", pushed.err().unwrap().error());
    };
    tokio::select! {
        () = server => {}
        _ = Connection::wrap(near, shop.client(&early)) => panic!(),
    }
}

/// A hello with the end of input behind it, before the push and while the choice is awaited.
#[test]
fn a_refusal_gives_the_hello_back_with_the_end_behind_it() {
    for before in [true, false] {
        let configs = configs(&TLS13);
        let mut client = Stack::new(Limits::default());
        client.push(configs.client()).unwrap();
        let hello = outgoing(&mut client);
        let mut stack = Stack::new(Limits::default());
        if before {
            stack.receive(&mut hello.clone());
            stack.receive_end();
        }
        let choose = |_: ClientHello| ready(Err::<Arc<ServerConfig>, _>("not ours"));
        let tls = TlsLayer::server_with(choose).with_residue(Residue::Feed);
        let id = stack
            .push(tls)
            .unwrap_or_else(|e| panic!("{before}: {}", e.error()));
        if !before {
            stack.receive(&mut hello.clone());
            stack.receive_end();
        }
        let refused = stack.take_refused(id);
        assert!(refused.is_some(), "{before}");
        assert_eq!(read(&mut stack), hello);
        let end = stack.input_end().unwrap();
        assert!(end.error().is_none(), "{before}: {end:?}");
    }
}

/// TLS within TLS: the end of the inner handshake and what follows it come in two records of the outer
/// session, in one segment.
#[test]
fn what_follows_early_data_within_tls_is_of_the_next_epoch() {
    let outer = configs(&TLS13);
    let shop = Shop::known(16_384, false);
    let (mut pair, _) = Pair::up(&outer, Cut::Whole);
    pair.server.push(shop.taker().anywhere()).unwrap();
    pair.client.push(shop.client(b"early").anywhere()).unwrap();
    carry(&mut pair.client, &mut pair.server, Cut::Whole);
    assert_eq!(read(&mut pair.server), b"early");
    carry(&mut pair.server, &mut pair.client, Cut::Whole);
    let mut segment = outgoing(&mut pair.client);
    assert!(pair.client.is_up());
    pair.client.write(b"and more").unwrap();
    segment.extend(outgoing(&mut pair.client));
    pair.server.receive(&mut segment);
    work(&mut pair.server);
    assert!(pair.server.is_up());
    assert_eq!(pair.server.readable(), b"and more");
    let epoch = pair.server.epoch();
    assert_eq!(epoch.layers().collect::<Vec<_>>(), ["tls", "tls"]);
    let _ = EARLY_DATA;
}

/// A hello of which a part was there before.
#[test]
fn a_part_of_the_hello_was_there_before_the_push() {
    let configs = configs(&TLS13);
    for n in [1, 4, 5, 6, 100] {
        let mut pair = Pair::new(Cut::Every(3));
        pair.client.push(configs.client()).unwrap();
        let mut hello = outgoing(&mut pair.client);
        let (first, rest) = hello.split_at_mut(n);
        pair.server.receive(first);
        let config = Arc::new(configs.server.clone());
        let choose = move |_: ClientHello| ready(Ok::<_, String>(config));
        let tls = TlsLayer::server_with(choose).with_residue(Residue::Feed);
        pair.server.push(tls).unwrap();
        for piece in rest.chunks_mut(2) {
            pair.server.receive(piece);
        }
        pair.client.write(b"hello").unwrap();
        let (_, got) = pair.exchange();
        assert_eq!(got, b"hello", "{n}");
    }
}

#[test]
fn more_than_was_agreed_on_is_an_error_of_the_peers() {
    let shop = Shop::known(200_000, false);
    let mut less = (*shop.server).clone();
    less.max_early_data_size = 1000;
    let mut pair = Pair::new(Cut::Whole);
    let server = TlsLayer::server(Arc::new(less)).taking_early_data();
    pair.server.push(server).unwrap();
    pair.client.push(shop.client(&pattern(100_000))).unwrap();
    let (_, got) = pair.exchange();
    // Its tickets said more; then all of it comes, or the peer has erred.
    let end = pair.server.input_end();
    assert!(
        got == pattern(100_000) || end.as_ref().is_some_and(|it| it.error().is_some()),
        "{} {end:?}",
        got.len()
    );
}

#[test]
fn a_choice_that_never_ends_and_a_client_that_goes() {
    let configs = configs(&TLS13);
    let mut pair = Pair::new(Cut::Whole);
    let choose = |_: ClientHello| pending::<Result<Arc<ServerConfig>, String>>();
    pair.server.push(TlsLayer::server_with(choose)).unwrap();
    pair.client.push(configs.client()).unwrap();
    carry(&mut pair.client, &mut pair.server, Cut::Every(7));
    // The end waits behind the hello, which may yet be handed on.
    pair.server.receive_end();
    assert!(pair.server.input_end().is_none());
    pair.server.advance(Limits::default().handshake);
    let end = pair.server.input_end().unwrap();
    assert_eq!(end.error().unwrap().kind(), stack::ErrorKind::TimedOut);
}

#[tokio::test]
async fn early_data_both_ways_through_a_connection() {
    for half in [false, true] {
        let shop = Shop::known(16_384, half);
        let (near, far) = duplex(100);
        let client = async {
            let mut connection = Connection::wrap(near, shop.client(b"GET /\n"))
                .await
                .unwrap();
            assert!(connection.info::<TlsInfo>().unwrap().early_data);
            let mut got = String::new();
            connection.read_to_string(&mut got).await.unwrap();
            assert_eq!(got.len(), 50_000);
            connection.shutdown().await.unwrap();
        };
        let server = async {
            let mut connection = Connection::new(far);
            connection.push(shop.taker()).await.unwrap();
            let mut line = [0; 6];
            connection.read_exact(&mut line).await.unwrap();
            let epoch = connection.read_epoch();
            assert!(epoch.layers().next().is_some());
            let (mut r, mut w) = tokio::io::split(connection);
            let write = async {
                w.write_all("x".repeat(50_000).as_bytes()).await.unwrap();
                w.shutdown().await.unwrap();
            };
            let mut rest = Vec::new();
            let (read, ()) = tokio::join!(r.read_to_end(&mut rest), write);
            read.unwrap();
            assert!(rest.is_empty());
        };
        tokio::join!(client, server);
    }
}

#[test]
fn garbage_behind_the_first_bytes() {
    let configs = configs(&TLS13);
    for at in [1, 2, 3, 5, 8, 11, 60] {
        let mut pair = Pair::new(Cut::Whole);
        let choose = |_: ClientHello| ready(Err::<Arc<ServerConfig>, _>("no"));
        let id = pair.server.push(TlsLayer::server_with(choose)).unwrap();
        pair.client.push(configs.client()).unwrap();
        let mut hello = outgoing(&mut pair.client);
        hello[at..].fill(0xee);
        for piece in hello.chunks_mut(1) {
            pair.server.receive(piece);
        }
        work(&mut pair.server);
        assert!(pair.server.take_refused(id).is_none(), "{at}");
        assert!(pair.server.readable().is_empty());
    }
}

#[test]
fn a_refusal_within_tls() {
    let outer = configs(&TLS13);
    let (mut pair, _) = Pair::up(&outer, Cut::Every(5));
    let choose = |_: ClientHello| ready(Err::<Arc<ServerConfig>, _>("no"));
    let id = pair
        .server
        .push(TlsLayer::server_with(choose).anywhere())
        .unwrap();
    pair.client.push(outer.client().anywhere()).unwrap();
    pair.settle();
    let (_, error) = pair.server.take_refused(id).unwrap();
    assert!(error.to_string().contains("no"));
    assert_eq!(read(&mut pair.server)[..2], [22, 3]);
    pair.server.write(b"x").unwrap();
}

/// New keys are asked for, and there is no configuration: the push "is refused, and the connection is as
/// it was before".
#[test]
fn a_refusal_in_place_of_a_session_does_not_leave_the_connection_in_clear() {
    let configs = configs(&TLS13);
    let (mut pair, ids) = Pair::up(&configs, Cut::Whole);
    let choose = |_: ClientHello| ready(Err::<Arc<ServerConfig>, _>("no"));
    let tls = TlsLayer::server_with(choose).with_residue(Residue::Feed);
    let new = pair.server.replace(ids.server, tls).unwrap();
    let client = feed(configs.client());
    pair.client.replace(ids.client, client).unwrap();
    pair.settle();
    if pair.server.take_refused(new).is_some() {
        pair.server.write(b"secret").unwrap();
        let out = outgoing(&mut pair.server);
        assert!(!out.windows(6).any(|it| it == b"secret"), "{out:?}");
    }
}
