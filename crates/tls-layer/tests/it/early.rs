//! Early data: sent along with the hello, told apart from all that comes behind, and never lost.

use std::sync::Arc;
use std::time::Duration;

use stack::{Blame, ErrorKind, Limits, PushError, Stack};
use tls_layer::rustls::version::{TLS12, TLS13};
use tls_layer::rustls::{ClientConfig, ServerConfig};
use tls_layer::{EARLY_DATA, TlsInfo, TlsLayer};

use crate::kit::*;

const FIRST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";

struct Shop {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Shop {
    /// Whose clients have been there before.
    fn known(limit: u32, half: bool) -> Self {
        let shop = Self::new(limit, half);
        let mut pair = shop.visit(Cut::Whole, b"");
        pair.exchange();
        shop
    }

    fn new(limit: u32, half: bool) -> Self {
        let mut configs = configs(&TLS13);
        configs.client.enable_early_data = true;
        configs.server.max_early_data_size = limit;
        configs.server.send_half_rtt_data = half;
        Self {
            client: Arc::new(configs.client),
            server: Arc::new(configs.server),
        }
    }

    fn client(&self, early: &[u8]) -> TlsLayer {
        TlsLayer::client(Arc::clone(&self.client), name()).with_early_data(early)
    }

    fn visit(&self, cut: Cut, early: &[u8]) -> Pair {
        let server = TlsLayer::server(Arc::clone(&self.server)).taking_early_data();
        self.visit_at(cut, early, server)
    }

    fn visit_at(&self, cut: Cut, early: &[u8], server: TlsLayer) -> Pair {
        let mut pair = Pair::new(cut);
        pair.server.push(server).unwrap();
        pair.client.push(self.client(early)).unwrap();
        pair
    }
}

/// What can be read now, by epoch: the name of the layer that it crossed, and the bytes.
fn read_by_epoch(stack: &mut Stack) -> Vec<(String, Vec<u8>)> {
    let mut epochs: Vec<(u64, String, Vec<u8>)> = Vec::new();
    loop {
        work(stack);
        let bytes = stack.readable().to_vec();
        if bytes.is_empty() {
            let epochs = epochs.into_iter();
            return epochs.map(|(_, name, bytes)| (name, bytes)).collect();
        }
        let epoch = stack.epoch();
        let name = epoch.layers().collect::<Vec<_>>().join(" ");
        match epochs.last_mut() {
            Some((number, _, all)) if *number == epoch.number() => all.extend(&bytes),
            _ => epochs.push((epoch.number(), name, bytes.clone())),
        }
        stack.consume(bytes.len());
    }
}

fn told(name: &str, bytes: &[u8]) -> (String, Vec<u8>) {
    (name.to_owned(), bytes.to_vec())
}

#[test]
fn it_is_there_before_the_handshake_is_over_and_apart_from_what_follows() {
    for cut in [Cut::Whole, Cut::Every(1), Cut::Every(37), Cut::At(300)] {
        let shop = Shop::known(16_384, false);
        let mut pair = shop.visit(cut, FIRST);
        pair.client.write(b"and more").unwrap();
        carry(&mut pair.client, &mut pair.server, cut);
        assert!(!pair.server.is_up() && !pair.client.is_up(), "{cut:?}");
        let info = pair.server.info::<TlsInfo>().unwrap();
        assert!(info.early_data && info.resumed);
        assert_eq!(info.server_name.as_deref(), Some(NAME));
        pair.server.write(b"answer").unwrap();
        // Read only now, so that both wait at once.
        pair.settle();
        let seen = read_by_epoch(&mut pair.server);
        assert_eq!(seen, [told(EARLY_DATA, FIRST), told("tls", b"and more")]);
        assert_eq!(read(&mut pair.client), b"answer");
        assert!(pair.client.info::<TlsInfo>().unwrap().early_data);
        // The deadline has gone with the handshake.
        assert_eq!(pair.server.deadline(), None);
    }
}

#[test]
fn what_the_server_does_not_take_early_it_gets_once_behind_the_handshake() {
    let unknown = Shop::new(16_384, false);
    let (declines, less) = (Shop::known(16_384, false), Shop::known(5, false));
    let decliner = TlsLayer::server(Arc::clone(&declines.server));
    for (mut pair, early) in [
        (unknown.visit(Cut::Every(11), FIRST), &FIRST[..0]),
        (declines.visit_at(Cut::Whole, FIRST, decliner), &FIRST[..0]),
        (less.visit(Cut::Every(100), FIRST), &FIRST[..5]),
    ] {
        pair.client.write(b"and more").unwrap();
        pair.settle();
        let mut seen = read_by_epoch(&mut pair.server);
        if !early.is_empty() {
            assert_eq!(seen.remove(0), told(EARLY_DATA, early));
        }
        let rest = [&FIRST[early.len()..], b"and more"].concat();
        assert_eq!(seen, [told("tls", &rest)]);
        for stack in [&pair.client, &pair.server] {
            assert_eq!(
                stack.info::<TlsInfo>().unwrap().early_data,
                !early.is_empty()
            );
        }
    }
}

#[test]
fn an_answer_leaves_before_the_handshake_is_over_where_the_configuration_says_so() {
    for half in [false, true] {
        let shop = Shop::known(16_384, half);
        let mut pair = shop.visit(Cut::Whole, FIRST);
        carry(&mut pair.client, &mut pair.server, Cut::Whole);
        assert_eq!(read(&mut pair.server), FIRST);
        pair.server.write(b"answer").unwrap();
        carry(&mut pair.server, &mut pair.client, Cut::Whole);
        let got = read(&mut pair.client);
        assert_eq!(got, if half { &b"answer"[..] } else { b"" });
        let (got, _) = pair.exchange();
        assert_eq!(got, if half { &b""[..] } else { b"answer" });
    }
}

#[test]
fn much_is_taken_though_nobody_reads() {
    let shop = Shop::known(200_000, false);
    let early = pattern(200_000);
    let limits = Limits {
        inbox: 1024,
        ..Limits::default()
    };
    let mut pair = Pair::with_limits(Cut::Every(1000), limits);
    let server = TlsLayer::server(Arc::clone(&shop.server)).taking_early_data();
    pair.server.push(server).unwrap();
    pair.client.push(shop.client(&early)).unwrap();
    pair.settle();
    assert!(pair.server.is_up() && pair.client.is_up());
    let seen = read_by_epoch(&mut pair.server);
    assert!(seen == [told(EARLY_DATA, &early)], "{}", seen[0].1.len());
}

#[test]
fn a_peer_that_never_ends_its_handshake_behind_it_runs_into_the_deadline() {
    let shop = Shop::known(16_384, false);
    let mut pair = shop.visit(Cut::Whole, FIRST);
    carry(&mut pair.client, &mut pair.server, Cut::Whole);
    assert_eq!(read(&mut pair.server), FIRST);
    assert_eq!(pair.server.deadline(), Some(Limits::default().handshake));
    pair.server
        .advance(Limits::default().handshake - Duration::from_millis(1));
    assert!(pair.server.input_end().is_none());
    pair.server.advance(Limits::default().handshake);
    let end = pair.server.input_end().unwrap();
    let error = end.error().unwrap();
    assert_eq!(
        (error.kind(), error.blame()),
        (ErrorKind::TimedOut, Blame::Remote)
    );
}

#[test]
fn it_ends_with_the_connection_as_a_truncation() {
    let shop = Shop::known(16_384, false);
    let mut pair = shop.visit(Cut::Whole, FIRST);
    carry(&mut pair.client, &mut pair.server, Cut::Whole);
    pair.server.receive_end();
    assert_eq!(read(&mut pair.server), FIRST);
    let end = pair.server.input_end().unwrap();
    assert_eq!(end.error().unwrap().kind(), ErrorKind::Truncated);
}

#[test]
fn the_layers_are_popped_afterwards_as_any() {
    let shop = Shop::known(16_384, false);
    let mut pair = Pair::new(Cut::Every(9));
    let server = TlsLayer::server(Arc::clone(&shop.server)).taking_early_data();
    let ids = Ids {
        server: pair.server.push(server).unwrap(),
        client: pair.client.push(shop.client(FIRST)).unwrap(),
    };
    pair.pop_both(ids);
    // They wait for the handshake's end.
    pair.client.write(b"more").unwrap();
    pair.settle();
    let seen = read_by_epoch(&mut pair.server);
    assert_eq!(seen, [told(EARLY_DATA, FIRST), told("tls", b"more")]);
    pair.client.write(b"plain").unwrap();
    let (_, got) = pair.exchange();
    assert_eq!(got, b"plain");
    pair.take(ids);
}

/// What was recorded is sent to the server again.
#[test]
fn a_replay_is_not_taken_early_by_a_server_with_a_session_store() {
    let shop = Shop::known(16_384, false);
    let mut pair = shop.visit(Cut::Whole, FIRST);
    let recorded = outgoing(&mut pair.client);
    for (n, taken) in [(1, true), (2, false)] {
        let mut stack = Stack::new(Limits::default());
        let server = TlsLayer::server(Arc::clone(&shop.server)).taking_early_data();
        stack.push(server).unwrap();
        stack.receive(&mut recorded.clone());
        assert_eq!(read(&mut stack) == FIRST, taken, "{n}");
    }
}

#[test]
fn it_goes_from_a_client_to_a_server_and_under_tls_1_3_only() {
    let configs = configs(&TLS12);
    let mut stack = Stack::new(Limits::default());
    for layer in [
        configs.client().taking_early_data(),
        configs.server().with_early_data(FIRST),
    ] {
        let refused = stack.push(layer);
        assert!(matches!(refused, Err(PushError::Refused { .. })));
    }
    let mut pair = Pair::new(Cut::Whole);
    let server = configs.server().taking_early_data();
    pair.server.push(server).unwrap();
    pair.client
        .push(configs.client().with_early_data(FIRST))
        .unwrap();
    let (_, got) = pair.exchange();
    assert_eq!(got, FIRST);
}
