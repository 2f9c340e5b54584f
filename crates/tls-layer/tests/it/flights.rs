//! Handshakes that a peer breaks off, stretches or garbles.

use std::sync::Arc;
use std::time::Duration;

use stack::{ErrorKind, Limits, Stack};
use tls_layer::TlsInfo;
use tls_layer::rustls::crypto::ring::Ticketer;
use tls_layer::rustls::version::{TLS12, TLS13};
use tls_layer::rustls::{AlertDescription, ClientConfig, Error, PeerMisbehaved, ServerConfig};

use crate::forger::{ROLES, Role};
use crate::kit::*;

const CLOSE_NOTIFY: &[u8] = &[21, 3, 3, 0, 2, 1, 0];
const CHANGE_CIPHER_SPEC: &[u8] = &[20, 3, 3, 0, 1, 1];

/// The ends of a handshake of which this one, the peer, is not to be trusted: it, and the other.
fn ends(pair: &mut Pair, peer: Role) -> (&mut Stack, &mut Stack) {
    match peer {
        Role::Client => (&mut pair.client, &mut pair.server),
        Role::Server => (&mut pair.server, &mut pair.client),
    }
}

/// The first records of an honest peer, to the other end of the handshake.
fn first_flight(pair: &mut Pair, peer: Role) -> Vec<u8> {
    if peer == Role::Server {
        carry(&mut pair.client, &mut pair.server, Cut::Whole);
    }
    outgoing(ends(pair, peer).0)
}

/// The first record alone: the hello.
fn hello(pair: &mut Pair, peer: Role) -> Vec<u8> {
    let mut flight = first_flight(pair, peer);
    let body = u16::from_be_bytes([flight[3], flight[4]]);
    flight.truncate(5 + usize::from(body));
    flight
}

/// Each cut that a wire can have; and all at once, and a byte at a time.
fn cuts(wire: &[u8]) -> impl Iterator<Item = Cut> + use<> {
    let at = (1..wire.len()).map(Cut::At);
    at.chain([Cut::Whole, Cut::Every(1)])
}

/// Plays a hello, and what is to follow it, at each cut.
fn behind_hello(
    peer: Role,
    configs: &Configs,
    rest: &[u8],
    check: impl Fn(&mut Stack, &mut Stack),
) {
    let mut pair = Pair::new(Cut::Whole);
    pair.push(configs);
    // Another hello may be a few bytes longer or shorter, by its signature.
    for cut in cuts(&[&hello(&mut pair, peer), rest].concat()) {
        let mut pair = Pair::new(Cut::Whole);
        pair.push(configs);
        let mut wire = [&hello(&mut pair, peer), rest].concat();
        let (peer, other) = ends(&mut pair, peer);
        for piece in cut.pieces(&mut wire) {
            other.receive(piece);
        }
        check(peer, other);
    }
}

#[test]
fn t3_a_hello_and_a_close_notify() {
    for peer in ROLES {
        behind_hello(peer, &configs(&TLS13), CLOSE_NOTIFY, |peer, other| {
            let error = Error::AlertReceived(AlertDescription::CloseNotify);
            assert_eq!(why(other), error);
            assert!(!other.has_work());
            assert_eq!(alert(other, peer), AlertDescription::DecodeError);
        });
        // Under TLS 1.2 it is a warning until the handshake is over; whoever leaves it at that is
        // as one who is silent, or who hangs up.
        let at_end = Limits::default().handshake;
        for hangs_up in [false, true] {
            behind_hello(peer, &configs(&TLS12), CLOSE_NOTIFY, |_, other| {
                work(other);
                assert!(other.input_end().is_none() && other.deadline() == Some(at_end));
                match hangs_up {
                    true => other.receive_end(),
                    false => other.advance(at_end),
                }
                let kind = match hangs_up {
                    true => ErrorKind::Truncated,
                    false => ErrorKind::TimedOut,
                };
                assert_eq!(failed(other).0, kind);
            });
        }
    }
}

#[test]
fn t15_five_warnings_in_place_of_a_hello() {
    for version in VERSIONS {
        for peer in ROLES {
            let wire = CLOSE_NOTIFY.repeat(5);
            for cut in cuts(&wire) {
                let mut pair = Pair::new(Cut::Whole);
                pair.push(&configs(version));
                outgoing(&mut pair.client);
                let (_, other) = ends(&mut pair, peer);
                for piece in cut.pieces(&mut wire.clone()) {
                    other.receive(piece);
                }
                let error = PeerMisbehaved::TooManyWarningAlertsReceived;
                assert_eq!(why(other), error.into());
                assert!(outgoing(other).is_empty());
            }
        }
    }
}

#[test]
fn t17_three_change_cipher_specs() {
    for peer in ROLES {
        let three = CHANGE_CIPHER_SPEC.repeat(3);
        behind_hello(peer, &configs(&TLS13), &three, |_, other| {
            let error = PeerMisbehaved::IllegalMiddleboxChangeCipherSpec;
            assert_eq!(why(other), error.into());
        });
        behind_hello(peer, &configs(&TLS13), &three[..12], |_, other| {
            work(other);
            assert!(other.input_end().is_none());
        });
        // Under TLS 1.2 there is a place for one.
        behind_hello(peer, &configs(&TLS12), &three, |peer, other| {
            assert!(error(other).to_string().contains("unexpected message"));
            assert_eq!(alert(other, peer), AlertDescription::UnexpectedMessage);
        });
    }
}

#[test]
fn t18_a_plaintext_message_in_the_server_hellos_record() {
    const ENCRYPTED_EXTENSIONS: [u8; 6] = [8, 0, 0, 2, 0, 0];
    let configs = configs(&TLS13);
    let mut length = 2;
    let mut at = 1;
    while at < length {
        let mut pair = Pair::new(Cut::Whole);
        pair.push(&configs);
        let mut wire = hello(&mut pair, Role::Server);
        wire.extend(ENCRYPTED_EXTENSIONS);
        let body = u16::try_from(wire.len() - 5).unwrap();
        wire[3..5].copy_from_slice(&body.to_be_bytes());
        length = wire.len();
        for piece in Cut::At(at).pieces(&mut wire) {
            pair.client.receive(piece);
        }
        let error = PeerMisbehaved::KeyEpochWithPendingFragment;
        assert_eq!(why(&mut pair.client), error.into());
        // In clear: the keys were not changed.
        assert_eq!(outgoing(&mut pair.client), [21, 3, 3, 0, 2, 2, 10]);
        at += 1;
    }
}

#[test]
fn t11_a_hello_of_64_kib_a_byte_at_a_time() {
    let mut server = Stack::new(Limits::default());
    server.push(configs(&TLS13).server()).unwrap();
    let message = [&[1, 0, 0xff, 0xff][..], &[0; 0xffff]].concat();
    let records = message.chunks(16_384);
    let wire = records.flat_map(|body| [&[22, 3, 1], &length(body)[..], body].concat());
    let refused = wire.into_iter().any(|byte| {
        server.receive(&mut [byte]);
        server.input_end().is_some()
    });
    assert!(refused);
    assert!(failed(&mut server).1.contains("TooLarge"));
}

fn length(body: &[u8]) -> [u8; 2] {
    u16::try_from(body.len()).unwrap().to_be_bytes()
}

/// A handshake in which the peer falls silent after so many bytes; if it is not over by then.
fn stalled(configs: &Configs, peer: Role, mut bytes: usize) -> Option<Pair> {
    let mut pair = Pair::new(Cut::Whole);
    pair.push(configs);
    loop {
        let (peer, other) = ends(&mut pair, peer);
        let mut wire = outgoing(peer);
        wire.truncate(bytes);
        bytes -= wire.len();
        other.receive(&mut wire);
        if other.is_up() {
            return None;
        }
        carry(other, peer, Cut::Whole);
        if bytes == 0 {
            return Some(pair);
        }
    }
}

#[test]
fn t20_silence_after_each_byte_of_the_handshake() {
    let at_end = Limits::default().handshake;
    for version in VERSIONS {
        for peer in ROLES {
            let configs = configs(version);
            let stalls = (0..).map_while(|n| stalled(&configs, peer, n));
            let mut bytes = 0;
            for mut pair in stalls {
                let (_, other) = ends(&mut pair, peer);
                assert_eq!(other.deadline(), Some(at_end));
                other.advance(at_end - Duration::from_nanos(1));
                assert!(other.input_end().is_none());
                other.advance(at_end);
                assert_eq!(failed(other).0, ErrorKind::TimedOut);
                bytes += 1;
            }
            assert!(bytes > 100, "{bytes}");
        }
    }
}

#[test]
fn t20_a_byte_now_and_then_is_no_progress() {
    let mut pair = Pair::new(Cut::Whole);
    pair.push(&configs(&TLS13));
    let hello = outgoing(&mut pair.client);
    for (second, byte) in (1..10).zip(hello) {
        pair.server.advance(Duration::from_secs(second));
        pair.server.receive(&mut [byte]);
        assert!(pair.server.input_end().is_none());
    }
    pair.server.advance(Duration::from_secs(10));
    assert_eq!(failed(&mut pair.server).0, ErrorKind::TimedOut);
}

/// Whether a session with this server is resumed from one before.
fn resumes(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> bool {
    let mut pair = Pair::new(Cut::Whole);
    let layer = crate::kit::server(Arc::clone(server));
    pair.server.push(layer).unwrap();
    let layer = crate::kit::client(Arc::clone(client), NAME.try_into().unwrap());
    pair.client.push(layer).unwrap();
    pair.client.write(b"hello").unwrap();
    assert_eq!(pair.exchange().1, b"hello");
    let of = |stack: &Stack| stack.info::<TlsInfo>().unwrap().resumed;
    assert_eq!(of(&pair.client), of(&pair.server));
    of(&pair.client)
}

#[test]
fn t22_a_session_is_resumed_under_its_own_configuration_only() {
    for version in VERSIONS {
        for stateless in [false, true] {
            let config = || {
                let mut server = configs(version).server;
                if stateless {
                    server.ticketer = Ticketer::new().unwrap();
                }
                Arc::new(server)
            };
            let (client, own, other) = (Arc::new(configs(version).client), config(), config());
            assert!(!resumes(&client, &own));
            assert!(resumes(&client, &own));
            assert!(!resumes(&client, &other), "{version:?} {stateless}");
            assert!(resumes(&client, &other));
            // Nor by a client of another configuration.
            assert!(!resumes(&Arc::new(configs(version).client), &own));
        }
    }
}
