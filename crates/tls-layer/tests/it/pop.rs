//! Popping: exact to the byte, whoever begins.

use stack::{End, ErrorKind, Popping};
use tls_layer::rustls::version::TLS13;

use crate::kit::*;

#[test]
fn what_follows_the_close_notify_goes_up_untouched_at_every_cut() {
    for version in VERSIONS {
        let configs = configs(version);
        // One segment: data, close_notify, and then what looks like a record and is none of ours.
        let plain = b"\x17\x03\x03\x00\x05plain, from the next byte on";
        let mut length = 2;
        let mut at = 1;
        while at < length {
            let (mut pair, ids) = Pair::up(&configs, Cut::Whole);
            pair.server.start_pop(ids.server.key()).unwrap();
            outgoing(&mut pair.server);
            pair.client.write(b"protected").unwrap();
            pair.client.start_pop(ids.client.key()).unwrap();
            pair.client.write(plain).unwrap();
            let mut segment = outgoing(&mut pair.client);
            length = segment.len();
            for piece in Cut::At(at).pieces(&mut segment) {
                pair.server.receive(piece);
            }
            assert_eq!(pair.server.readable(), b"protected");
            assert_eq!(pair.server.epoch().layers().collect::<Vec<_>>(), ["tls"]);
            pair.server.consume(9);
            assert_eq!(pair.server.readable(), plain);
            assert_eq!(pair.server.epoch().layers().len(), 0);
            assert!(pair.server.take_popped(ids.server).is_some());
            at += 1;
        }
    }
}

#[test]
fn either_end_pops_first_or_both_at_once_with_data_under_way() {
    for version in VERSIONS {
        for cut in [Cut::Whole, Cut::Every(1), Cut::Every(1000), Cut::At(25)] {
            for first in 0..3 {
                let (mut pair, ids) = Pair::up(&configs(version), cut);
                let data = pattern(70_000);
                pair.client.write(&data[..]).unwrap();
                pair.server.write(&data[1..]).unwrap();
                if first != 1 {
                    pair.client.start_pop(ids.client.key()).unwrap();
                }
                if first != 0 {
                    pair.server.start_pop(ids.server.key()).unwrap();
                }
                let mut ends = pair.exchange();
                if first == 1 {
                    pair.client.start_pop(ids.client.key()).unwrap();
                }
                if first == 0 {
                    pair.server.start_pop(ids.server.key()).unwrap();
                }
                pair.client.write(b"plain there").unwrap();
                pair.server.write(b"plain back").unwrap();
                let rest = pair.exchange();
                ends.0.extend(rest.0);
                ends.1.extend(rest.1);
                assert!(ends.0 == [&data[1..], b"plain back"].concat());
                assert!(ends.1 == [&data[..], b"plain there"].concat());
                pair.take(ids);
            }
        }
    }
}

#[test]
fn after_a_pop_another_session_can_be_pushed() {
    for version in VERSIONS {
        let configs = configs(version);
        let mut pair = Pair::new(Cut::Every(33));
        for round in 0..3u8 {
            let ids = pair.push(&configs);
            pair.client.write(&[round; 100]).unwrap();
            assert_eq!(pair.exchange().1, [round; 100]);
            pair.pop_both(ids);
            pair.server.write(b"plain").unwrap();
            assert_eq!(pair.exchange().0, b"plain");
            pair.take(ids);
        }
    }
}

#[test]
fn a_close_notify_that_nobody_asked_for_parks() {
    let (mut pair, ids) = Pair::up(&configs(&TLS13), Cut::Whole);
    pair.client.write(b"last").unwrap();
    pair.client.start_pop(ids.client.key()).unwrap();
    pair.client.write(b"in clear").unwrap();
    pair.settle();
    assert_eq!(pair.server.parked(), None);
    assert_eq!(read(&mut pair.server), b"last");
    // A clean end of this epoch, and not a byte of the next.
    assert!(matches!(pair.server.input_end(), Some(End::Clean)));
    assert_eq!(pair.server.parked(), Some(ids.server.key()));
    // Our own half still protects.
    pair.server.write(b"still protected").unwrap();
    let wire = outgoing(&mut pair.server);
    assert!(!wire.windows(5).any(|bytes| bytes == b"still"));
    pair.client.receive(&mut wire.clone());
    assert_eq!(read(&mut pair.client), b"still protected");
    pair.server.start_pop(ids.server.key()).unwrap();
    assert_eq!(read(&mut pair.server), b"in clear");
    pair.settle();
    pair.take(ids);
}

#[test]
fn a_leaving_layer_decodes_until_the_peers_mark() {
    let (mut pair, ids) = Pair::up(&configs(&TLS13), Cut::Whole);
    pair.client.start_pop(ids.client.key()).unwrap();
    pair.settle();
    for _ in 0..3 {
        pair.server.write(b"late").unwrap();
        assert_eq!(pair.exchange().0, b"late");
    }
    let popping = pair.client.popping(ids.client.key());
    assert!(matches!(popping, Popping::OutboundEnded { .. }));
    pair.server.start_pop(ids.server.key()).unwrap();
    pair.settle();
    pair.take(ids);
}

#[test]
fn plaintext_without_a_close_notify_is_an_error() {
    let clear = b"200 in clear at once\r\n";
    for version in VERSIONS {
        for cut in (1..=clear.len()).map(Cut::At).chain([Cut::Every(1)]) {
            let (mut pair, ids) = Pair::up(&configs(version), Cut::Whole);
            pair.client.start_pop(ids.client.key()).unwrap();
            assert!(!outgoing(&mut pair.client).is_empty());
            for piece in cut.pieces(&mut clear.to_vec()) {
                pair.client.receive(piece);
            }
            assert_eq!(failed(&mut pair.client).0, ErrorKind::Protocol);
            assert!(outgoing(&mut pair.client).is_empty(), "{cut:?}");
        }
    }
}

#[test]
fn an_old_record_after_the_pop_is_plain_bytes() {
    let (mut pair, ids) = Pair::up(&configs(&TLS13), Cut::Whole);
    pair.client.write(b"secret").unwrap();
    let old = outgoing(&mut pair.client);
    pair.server.receive(&mut old.clone());
    pair.pop_both(ids);
    assert_eq!(pair.exchange().1, b"secret");
    pair.take(ids);
    pair.server.receive(&mut old.clone());
    assert_eq!(pair.server.readable(), old);
}

#[test]
fn the_outgoing_half_ends_and_the_other_goes_on() {
    for version in VERSIONS {
        let (mut pair, _) = Pair::up(&configs(version), Cut::Every(10));
        pair.client.write(b"request").unwrap();
        pair.client.shutdown();
        assert_eq!(pair.exchange().1, b"request");
        assert!(matches!(pair.server.input_end(), Some(End::Clean)));
        pair.server.write(b"response").unwrap();
        pair.server.shutdown();
        assert_eq!(pair.exchange().0, b"response");
        pair.client.receive_end();
        assert!(matches!(pair.client.input_end(), Some(End::Clean)));
    }
}
