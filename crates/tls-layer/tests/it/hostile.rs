//! Peers that smuggle, cut, garble or speak something else. Nothing of it reaches the
//! application, and nothing leaves in clear.

use stack::{Blame, End, ErrorKind, PushError};
use tls_layer::rustls::version::{TLS12, TLS13};
use tls_layer::rustls::{AlertDescription, Error as TlsError, SupportedProtocolVersion};

use crate::kit::*;

/// Two ends at work, and what the client sends next, a record for each text.
fn records(version: &'static SupportedProtocolVersion, texts: &[&str]) -> (Pair, Vec<Vec<u8>>) {
    let (mut pair, _) = Pair::up(&configs(version), Cut::Whole);
    let records = texts.iter().map(|text| {
        pair.client.write(text.as_bytes()).unwrap();
        outgoing(&mut pair.client)
    });
    let records = records.collect();
    (pair, records)
}

/// An alert went out: encrypted, so that it shows by its header and length only, or in clear.
#[track_caller]
fn assert_alert(stack: &mut stack::Stack, protected: bool) {
    let bytes = stack.outgoing();
    let kind = if protected { 23 } else { 21 };
    assert!(
        matches!(bytes, [k, 3, 3, 0, _, ..] if *k == kind),
        "{bytes:x?}"
    );
    assert!(bytes.len() < 64);
}

#[test]
fn s1_s2_s3_bytes_before_the_answer_are_rejected() {
    let configs = configs(&TLS13);
    let mut pair = Pair::new(Cut::Whole);
    pair.server.receive(&mut b"STARTTLS\r\nNOOP\r\n".to_vec());
    pair.server.consume(10);
    let pushed = pair.server.push_after(b"220 go\r\n", configs.server());
    let Err(PushError::Rejected { residue, error, .. }) = pushed else {
        panic!("{pushed:?}");
    };
    assert_eq!(
        (&residue[..], error.kind()),
        (&b"NOOP\r\n"[..], ErrorKind::Residue)
    );
    assert!(pair.server.outgoing().is_empty() && pair.server.readable().is_empty());

    pair.client.receive(&mut b"220 go\r\n250 AUTH\r\n".to_vec());
    pair.client.consume(8);
    let pushed = pair.client.push(configs.client());
    assert!(matches!(pushed, Err(PushError::Rejected { .. })));
    assert!(pair.client.readable().is_empty() && pair.client.outgoing().is_empty());

    for at in 1..16 {
        let mut pair = Pair::new(Cut::Whole);
        let mut sent = b"STARTTLS\r\nNOOP\r\n".to_vec();
        let (before, behind) = sent.split_at_mut(at.max(10));
        pair.server.receive(before);
        pair.server.consume(10);
        if pair
            .server
            .push_after(b"220 go\r\n", configs.server())
            .is_ok()
        {
            pair.server.receive(behind);
            assert_eq!(failed(&mut pair.server).0, ErrorKind::Protocol);
        }
        assert!(pair.server.readable().is_empty());
    }
}

#[test]
fn s6_a_hello_behind_a_proxy_header_is_fed() {
    let configs = configs(&TLS13);
    let mut pair = Pair::new(Cut::Whole);
    pair.client.write(b"PROXY UNKNOWN\r\n").unwrap();
    pair.client.push(configs.client()).unwrap();
    pair.settle();
    pair.server.consume(15);
    pair.server.push(feed(configs.server())).unwrap();
    pair.client.write(b"hello").unwrap();
    assert_eq!(pair.exchange().1, b"hello");
}

#[test]
fn s7_t1_t2_an_early_end_is_truncation() {
    for version in VERSIONS {
        let configs = configs(version);
        // Within the handshake, after each byte of the hello.
        let mut whole = 1;
        let mut n = 0;
        while n < whole {
            let mut pair = Pair::new(Cut::Whole);
            pair.push(&configs);
            let mut hello = outgoing(&mut pair.client);
            whole = hello.len();
            pair.server.receive(&mut hello[..n]);
            pair.server.receive_end();
            assert_eq!(failed(&mut pair.server).0, ErrorKind::Truncated);
            n += 1;
        }
        // Between records: what came before is read.
        let (mut pair, mut sent) = records(version, &["whole", "cut"]);
        pair.server.receive(&mut sent[0]);
        pair.server.receive_end();
        assert_eq!(read(&mut pair.server), b"whole");
        assert_eq!(failed(&mut pair.server).0, ErrorKind::Truncated);
        // Within a record, after each byte of it.
        let (_, sent) = records(version, &["whole", "cut"]);
        for n in 1..sent[1].len() {
            let (mut pair, mut sent) = records(version, &["whole", "cut"]);
            pair.server.receive(&mut sent[0]);
            pair.server.receive(&mut sent[1][..n]);
            pair.server.receive_end();
            assert_eq!(read(&mut pair.server), b"whole");
            assert_eq!(failed(&mut pair.server).0, ErrorKind::Truncated);
        }
    }
}

#[test]
fn s7_plaintext_and_an_end_in_place_of_the_handshake() {
    let text = b"MAIL FROM:<x>\r\n";
    for version in VERSIONS {
        for at in 1..=text.len() {
            let mut pair = Pair::new(Cut::Whole);
            pair.push(&configs(version));
            for piece in Cut::At(at).pieces(&mut text.to_vec()) {
                pair.server.receive(piece);
            }
            pair.server.receive_end();
            assert!(matches!(why(&mut pair.server), TlsError::InvalidMessage(_)));
            assert_eq!(outgoing(&mut pair.server), [21, 3, 3, 0, 2, 2, 50]);
        }
    }
}

#[test]
fn s16_text_in_place_of_a_hello_fails_by_the_fifth_byte() {
    for text in [
        "GET / HTTP/1.1\r\n\r\n",
        "EHLO example.org\r\n",
        "\x16\x02...",
    ] {
        let mut pair = Pair::new(Cut::Whole);
        pair.push(&configs(&TLS13));
        for (n, byte) in text.bytes().enumerate() {
            pair.server.receive(&mut [byte]);
            if let Some(End::Error(error)) = pair.server.input_end() {
                assert!(n < 5 && error.blame() == Blame::Remote);
                break;
            }
            assert!(n < 4);
        }
        failed(&mut pair.server);
        // A decode_error, and nothing else.
        assert_eq!(outgoing(&mut pair.server), [21, 3, 3, 0, 2, 2, 50]);
    }
}

#[test]
fn s17_without_a_common_application_protocol_there_is_no_session() {
    for version in VERSIONS {
        let mut configs = configs(version);
        configs.client.alpn_protocols = vec![b"imap".to_vec()];
        configs.server.alpn_protocols = vec![b"h2".to_vec()];
        let mut pair = Pair::new(Cut::Whole);
        pair.push(&configs);
        pair.client.write(b"never").unwrap();
        pair.settle();
        assert_eq!(why(&mut pair.server), TlsError::NoApplicationProtocol);
        let error = TlsError::AlertReceived(AlertDescription::NoApplicationProtocol);
        assert_eq!(why(&mut pair.client), error);
    }
}

#[test]
fn s19_records_dropped_doubled_or_swapped_are_refused() {
    for version in VERSIONS {
        let texts = ["one", "two", "three"];
        for (order, intact) in [
            (&[1, 2][..], ""),
            (&[0, 0][..], "one"),
            (&[0, 2][..], "one"),
            (&[0, 2, 1][..], "one"),
        ] {
            let (_, sent) = records(version, &texts);
            let length: usize = order.iter().map(|&n| sent[n].len()).sum();
            let cuts = (1..=length).map(Cut::At).chain([Cut::Every(1)]);
            for cut in cuts {
                let (mut pair, sent) = records(version, &texts);
                let wire = order.iter().flat_map(|&n| sent[n].clone());
                for piece in cut.pieces(&mut wire.collect::<Vec<_>>()) {
                    pair.server.receive(piece);
                }
                assert_eq!(read(&mut pair.server), intact.as_bytes());
                assert_eq!(why(&mut pair.server), TlsError::DecryptError);
                let told = alert(&mut pair.server, &mut pair.client);
                assert_eq!(told, AlertDescription::BadRecordMac, "{cut:?}");
            }
        }
    }
}

#[test]
fn s19_t19_each_flipped_byte_is_refused() {
    for version in VERSIONS {
        let (_, sent) = records(version, &["one"]);
        let bytes = 0..sent[0].len();
        // To another type of record, and to none.
        for (at, flip) in bytes.flat_map(|at| [(at, 1), (at, 2), (at, 3), (at, 0x55)]) {
            if at == 2 && version.version == TLS13.version {
                continue; // The legacy version has no meaning (RFC 8446, section 5.1).
            }
            let (mut pair, mut sent) = records(version, &["one", "two"]);
            sent[0][at] ^= flip;
            pair.server.receive(&mut sent[0]);
            pair.server.receive(&mut sent[1]);
            pair.server.receive_end();
            assert!(read(&mut pair.server).is_empty());
            failed(&mut pair.server);
        }
    }
}

#[test]
fn a_record_that_hides_its_kind_passes_no_bound() {
    // The type outside is not authenticated, and the layer asks it whether there must be room.
    for kind in 20..=22 {
        let (mut pair, _) = Pair::up(&configs(&TLS13), Cut::Whole);
        pair.client.write(&[7; 1 << 20]).unwrap();
        let mut wire = outgoing(&mut pair.client);
        wire[0] = kind;
        pair.server.receive(&mut wire);
        assert!(read(&mut pair.server).is_empty());
        let (_, error) = failed(&mut pair.server);
        assert!(error.contains("unexpected_message"), "{error}");
        assert_alert(&mut pair.server, true);
        // The peer learns the same.
        let told = alert(&mut pair.server, &mut pair.client);
        assert_eq!(told, AlertDescription::UnexpectedMessage);
    }
}

#[test]
fn s20_a_wrong_name_never_falls_back_to_plaintext() {
    for version in VERSIONS {
        let configs = configs(version);
        let mut pair = Pair::new(Cut::Whole);
        pair.server.push(configs.server()).unwrap();
        pair.client
            .push(configs.client_of("other.example"))
            .unwrap();
        pair.client.write(b"password").unwrap();
        let mut wire = Vec::new();
        for _ in 0..4 {
            let mut bytes = outgoing(&mut pair.client);
            wire.extend_from_slice(&bytes);
            pair.server.receive(&mut bytes);
            let mut bytes = outgoing(&mut pair.server);
            pair.client.receive(&mut bytes);
        }
        let (_, error) = failed(&mut pair.client);
        assert!(error.contains("other.example"), "{error}");
        assert!(!wire.windows(8).any(|bytes| bytes == b"password"));
        let error = TlsError::AlertReceived(AlertDescription::BadCertificate);
        assert_eq!(why(&mut pair.server), error);
    }
}

#[test]
fn t5_plaintext_within_tls_is_refused() {
    for version in VERSIONS {
        for text in ["clear", "\x17\x03\x03\x00\x05clear"] {
            let (_, sent) = records(version, &["one"]);
            let length = sent[0].len() + text.len();
            for cut in (1..=length).map(Cut::At).chain([Cut::Every(1)]) {
                let (mut pair, mut sent) = records(version, &["one"]);
                sent[0].extend_from_slice(text.as_bytes());
                for piece in cut.pieces(&mut sent[0]) {
                    pair.server.receive(piece);
                }
                assert_eq!(read(&mut pair.server), b"one");
                failed(&mut pair.server);
                let told = alert(&mut pair.server, &mut pair.client);
                let right = match text {
                    "clear" => AlertDescription::DecodeError,
                    _ => AlertDescription::BadRecordMac,
                };
                assert_eq!(told, right, "{cut:?}");
            }
        }
    }
}

#[test]
fn t10_a_record_that_is_too_long_fails_by_its_header() {
    for (version, body) in [(&TLS13, 16641u16), (&TLS12, 18433)] {
        let (mut pair, _) = Pair::up(&configs(version), Cut::Whole);
        let [high, low] = body.to_be_bytes();
        for byte in [23, 3, 3, high, low] {
            assert!(pair.server.input_end().is_none());
            pair.server.receive(&mut [byte]);
        }
        assert_eq!(why(&mut pair.server), TlsError::PeerSentOversizedRecord);
        // For a header rustls has no other.
        let told = alert(&mut pair.server, &mut pair.client);
        assert_eq!(told, AlertDescription::DecodeError);
    }
    // Before the version is known, and a hello longer than any.
    let mut pair = Pair::new(Cut::Whole);
    pair.push(&configs(&TLS13));
    pair.server.receive(&mut [22, 3, 1, 0x40, 1]);
    failed(&mut pair.server);
    let mut pair = Pair::new(Cut::Whole);
    pair.push(&configs(&TLS13));
    pair.server.receive(&mut [22, 3, 1, 0, 4, 1, 1, 0, 0]);
    assert!(failed(&mut pair.server).1.contains("TooLarge"));
}

#[test]
fn t11_a_hello_of_a_thousand_records_is_joined_or_refused() {
    let configs = configs(&TLS13);
    for piece in [1, 7, 100] {
        let mut pair = Pair::new(Cut::Every(3));
        pair.push(&configs);
        let hello = outgoing(&mut pair.client);
        let mut wire = Vec::new();
        for piece in hello[5..].chunks(piece) {
            wire.extend_from_slice(&[22, 3, 1, 0, piece.len() as u8]);
            wire.extend_from_slice(piece);
        }
        pair.server.receive(&mut wire);
        pair.client.write(b"hello").unwrap();
        assert_eq!(pair.exchange().1, b"hello");
    }
    // 65,535 bytes of hello, in records of a byte each.
    let mut pair = Pair::new(Cut::Whole);
    pair.push(&configs);
    pair.server.receive(&mut [22, 3, 1, 0, 4, 1, 0, 0xff, 0xff]);
    let refused = (0..65_535).any(|_| {
        pair.server.receive(&mut [22, 3, 1, 0, 1, 0]);
        pair.server.input_end().is_some()
    });
    assert!(refused);
    failed(&mut pair.server);
}
