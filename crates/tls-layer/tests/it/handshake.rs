//! Pushing: the handshake, what is written meanwhile, what is known after it.

use std::sync::Arc;

use stack::{Blame, ErrorKind, Event, Limits, Stack};
use tls_layer::rustls::version::{TLS12, TLS13};
use tls_layer::{TlsInfo, TlsVersion};

use crate::kit::*;

#[track_caller]
fn echo(pair: &mut Pair, n: usize) {
    let (there, back) = (pattern(n), pattern(n + 1));
    pair.client.write(&there[..]).unwrap();
    pair.server.write(&back[..]).unwrap();
    let (client, server) = pair.exchange();
    assert!(server == there && client == back, "{:?}", pair.cut);
}

#[test]
fn both_ends_talk_in_every_version_however_the_wire_cuts() {
    for version in VERSIONS {
        for configs in [configs(version), with_aws(version)] {
            for cut in [
                Cut::Whole,
                Cut::Every(1),
                Cut::Every(7),
                Cut::Every(4096),
                Cut::At(3),
            ] {
                let (mut pair, _) = Pair::up(&configs, cut);
                echo(&mut pair, 40_000);
                echo(&mut pair, 1);
            }
        }
    }
}

#[test]
fn each_flight_may_be_cut_at_each_byte() {
    for version in VERSIONS {
        let configs = configs(version);
        for at in (1..1500).step_by(7) {
            let (mut pair, _) = Pair::up(&configs, Cut::At(at));
            echo(&mut pair, 100);
        }
    }
}

#[test]
fn what_is_written_before_the_handshake_ends_arrives_in_order() {
    for version in VERSIONS {
        let mut pair = Pair::new(Cut::Whole);
        pair.push(&configs(version));
        let data = pattern(100_000);
        for piece in data.chunks(999) {
            pair.client.write(piece).unwrap();
        }
        assert!(!pair.client.writable());
        // A flush now is remembered: none comes after the handshake.
        pair.client.flush();
        let (_, got) = pair.exchange();
        assert!(got == data && pair.client.writable());
    }
}

#[test]
fn a_flush_during_the_handshake_needs_no_second_one() {
    let configs = configs(&TLS13);
    let (mut client, mut server) = (Stack::new(Limits::default()), Stack::new(Limits::default()));
    server.push(configs.server()).unwrap();
    client.push(configs.client()).unwrap();
    client.write(b"hello").unwrap();
    client.flush();
    for _ in 0..2 {
        for (from, to) in [(0, 1), (1, 0)] {
            let both = [&mut client, &mut server];
            let mut bytes = both[from].outgoing().to_vec();
            both[from].sent(bytes.len());
            both[to].receive(&mut bytes);
        }
    }
    assert_eq!(server.readable(), b"hello");
}

#[test]
fn what_waits_for_the_handshake_is_bounded() {
    let configs = configs(&TLS13);
    let mut client = Stack::new(Limits::default());
    client.push(configs.client()).unwrap();
    let chunk = [7; 64 * 1024];
    client.write(&chunk).unwrap();
    assert!(client.writable());
    client.write(&chunk).unwrap();
    assert!(!client.writable(), "writing is to pause");
    let refused = (0..100).find_map(|_| client.write(&chunk).err());
    let refused = refused.expect("whoever goes on nevertheless may not do so for ever");
    assert_eq!(
        (refused.kind(), refused.blame(), refused.layer()),
        (ErrorKind::Limit, Blame::Local, Some("tls"))
    );
}

#[test]
fn nothing_leaves_before_a_flush_but_full_records() {
    let (mut pair, _) = Pair::up(&configs(&TLS13), Cut::Whole);
    for _ in 0..100 {
        pair.client.write(b"0123456789").unwrap();
    }
    assert!(pair.client.outgoing().is_empty());
    pair.client.flush();
    assert_eq!(pair.client.outgoing().len(), 5 + 1000 + 1 + 16);
    let n = pair.client.outgoing().len();
    pair.client.sent(n);
    pair.client.write(&pattern(2 * 16384 + 10)[..]).unwrap();
    assert_eq!(pair.client.outgoing().len(), 2 * (5 + 16384 + 1 + 16));
}

#[test]
fn info_tells_what_was_agreed() {
    for version in VERSIONS {
        let mut configs = configs(version);
        configs.client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        configs.server.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut pair = Pair::new(Cut::Every(100));
        pair.push(&configs);
        assert!(pair.client.info::<TlsInfo>().is_none());
        pair.settle();
        for (stack, certificates) in [(&pair.client, 1), (&pair.server, 0)] {
            let info = stack.info::<TlsInfo>().unwrap();
            let tls13 = version.version == TLS13.version;
            assert_eq!(info.version == TlsVersion::Tls13, tls13);
            assert!(info.cipher_suite.starts_with("TLS"), "{info:?}");
            assert_eq!(info.group.as_deref(), Some("X25519"));
            assert_eq!(info.alpn.as_deref(), Some(&b"http/1.1"[..]));
            assert_eq!(info.peer_certificates.len(), certificates);
            assert!(!info.resumed);
        }
    }
}

#[test]
fn both_ends_know_the_server_name_whole_hello_or_not() {
    for cut in [Cut::Whole, Cut::Every(1)] {
        let (pair, _) = Pair::up(&configs(&TLS13), cut);
        for stack in [&pair.client, &pair.server] {
            let info = stack.info::<TlsInfo>().unwrap();
            assert_eq!(info.server_name.as_deref(), Some(NAME));
        }
    }
}

#[test]
fn a_session_is_resumed_and_early_data_is_never_taken() {
    for version in VERSIONS {
        let mut configs = configs(version);
        configs.server.max_early_data_size = 16384;
        configs.client.enable_early_data = true;
        let (client, server) = (Arc::new(configs.client), Arc::new(configs.server));
        for resumed in [false, true, true] {
            let mut pair = Pair::new(Cut::Whole);
            pair.server
                .push(crate::kit::server(server.clone()))
                .unwrap();
            let layer = crate::kit::client(client.clone(), name());
            pair.client.push(layer).unwrap();
            echo(&mut pair, 100);
            let info = pair.client.info::<TlsInfo>().unwrap();
            assert_eq!(info.resumed, resumed, "{info:?}");
        }
    }
}

#[test]
fn tls_goes_through_tls() {
    for (outer, inner) in [(&TLS13, &TLS13), (&TLS12, &TLS13), (&TLS13, &TLS12)] {
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(5000)] {
            let (mut pair, lower) = Pair::up(&configs(outer), cut);
            let upper = pair.push(&configs(inner));
            echo(&mut pair, 50_000);
            pair.pop_both(upper);
            echo(&mut pair, 5_000);
            pair.take(upper);
            pair.pop_both(lower);
            echo(&mut pair, 5_000);
            pair.take(lower);
        }
    }
}

#[test]
fn a_turn_of_little_work_goes_on_in_the_next() {
    for work in 1..5 {
        let limits = Limits {
            work,
            ..Limits::default()
        };
        let mut pair = Pair::with_limits(Cut::Whole, limits);
        for _ in 0..2 {
            pair.push(&configs(&TLS13));
            echo(&mut pair, 200_000);
        }
    }
}

#[test]
fn a_reader_without_room_is_waited_for() {
    let limits = Limits {
        inbox: 1000,
        ..Limits::default()
    };
    let mut pair = Pair::with_limits(Cut::Whole, limits);
    let ids = pair.push(&configs(&TLS13));
    pair.settle();
    let data = pattern(60_000);
    pair.client.write(&data[..]).unwrap();
    pair.settle();
    // A record at the most beyond what fits.
    assert_eq!(pair.server.readable().len(), 16384);
    pair.client.start_pop(ids.client.key()).unwrap();
    pair.client.write(b"plain").unwrap();
    let (_, got) = pair.exchange();
    assert_eq!(got, data);
    assert_eq!(pair.server.parked(), Some(ids.server.key()));
}

/// An application in callbacks, which answers what it reads and remembers what it was told.
#[derive(Default)]
struct App(Vec<String>);

impl stack::Protocol for App {
    fn received(
        &mut self,
        cx: &mut stack::Context<'_>,
        bytes: &mut [u8],
    ) -> Result<usize, stack::Error> {
        bytes.make_ascii_uppercase();
        cx.send(&*bytes);
        Ok(bytes.len())
    }

    fn event(&mut self, cx: &mut stack::Context<'_>, event: Event) {
        if let Event::Up(_) = event {
            cx.send(b"welcome ");
        }
        self.0.push(format!("{event:?}"));
    }
}

#[test]
fn an_application_in_callbacks_answers_through_the_layer() {
    for version in VERSIONS {
        for cut in [Cut::Whole, Cut::Every(1)] {
            let configs = configs(version);
            let mut pair = Pair::new(cut);
            pair.server = Stack::with_app(Box::<App>::default(), Limits::default());
            pair.push(&configs);
            pair.client.write(b"hello").unwrap();
            let (got, _) = pair.exchange();
            // Also if the input came in one segment with the handshake's end.
            assert_eq!(got, b"welcome HELLO");
        }
    }
}

#[test]
fn a_shutdown_during_the_handshake_waits_for_its_end() {
    for version in VERSIONS {
        let mut pair = Pair::new(Cut::Every(1));
        pair.push(&configs(version));
        pair.client.write(b"only this").unwrap();
        pair.client.shutdown();
        assert!(!pair.client.outgoing_ended());
        let (_, got) = pair.exchange();
        assert!(pair.client.outgoing_ended());
        assert_eq!(got, b"only this");
        assert!(matches!(pair.server.input_end(), Some(stack::End::Clean)));
    }
}

#[test]
fn a_pop_during_the_handshake_waits_for_its_end() {
    for version in VERSIONS {
        let mut pair = Pair::new(Cut::Whole);
        let ids = pair.push(&configs(version));
        pair.client.write(b"secret").unwrap();
        pair.client.start_pop(ids.client.key()).unwrap();
        pair.server.start_pop(ids.server.key()).unwrap();
        let (_, got) = pair.exchange();
        assert_eq!(got, b"secret");
        pair.take(ids);
        echo(&mut pair, 100);
    }
}

#[test]
fn a_session_is_not_begun_twice() {
    let (mut pair, ids) = Pair::up(&configs(&TLS13), Cut::Whole);
    pair.pop_both(ids);
    pair.settle();
    let (layer, _) = pair.client.take_popped(ids.client).unwrap();
    let refused = pair.client.push(layer).unwrap_err();
    assert!(
        matches!(refused, stack::PushError::Refused { .. }),
        "{refused}"
    );
}

#[test]
fn writing_goes_on_beside_half_a_message_of_the_peer() {
    let mut configs = configs(&TLS13);
    // Session tickets that take many records.
    configs.server.max_fragment_size = Some(40);
    let mut at = 0;
    loop {
        let mut pair = Pair::new(Cut::Whole);
        pair.push(&configs);
        carry(&mut pair.client, &mut pair.server, Cut::Whole);
        carry(&mut pair.server, &mut pair.client, Cut::Whole);
        carry(&mut pair.client, &mut pair.server, Cut::Whole);
        assert!(pair.client.is_up() && pair.server.is_up());
        let mut tickets = outgoing(&mut pair.server);
        let (before, behind) = tickets.split_at_mut(at);
        pair.client.receive(before);
        pair.client.write(b"beside").unwrap();
        let mut sealed = outgoing(&mut pair.client);
        pair.server.receive(&mut sealed);
        assert_eq!(read(&mut pair.server), b"beside");
        pair.client.receive(behind);
        echo(&mut pair, 100);
        if at == tickets.len() {
            return;
        }
        at += 1;
    }
}

#[test]
fn records_may_be_as_small_as_the_configuration_says() {
    for version in VERSIONS {
        let mut configs = configs(version);
        configs.client.max_fragment_size = Some(40);
        configs.server.max_fragment_size = Some(32);
        let (mut pair, _) = Pair::up(&configs, Cut::Whole);
        echo(&mut pair, 40_000);
    }
}
