//! Records of a peer that has a session and breaks its rules. At each cut, what came before the
//! offending record is read, nothing from it on is, and the right alert is the last word.

use stack::{End, Stack};
use tls_layer::rustls::version::{TLS12, TLS13};
use tls_layer::rustls::{
    AlertDescription, ContentType, Error, InvalidMessage, PeerMisbehaved, SupportedProtocolVersion,
};

use crate::forger::*;
use crate::kit::*;

type Version = &'static SupportedProtocolVersion;

/// What becomes of an attack.
struct Fate {
    error: Error,
    alert: Option<AlertDescription>,
}

fn with_alert(error: impl Into<Error>, alert: AlertDescription) -> Fate {
    Fate {
        error: error.into(),
        alert: Some(alert),
    }
}

/// The limits are rustls's, which tells its caller, and the peer only by hanging up.
fn silent(error: impl Into<Error>) -> Fate {
    Fate {
        error: error.into(),
        alert: None,
    }
}

/// In two segments, with the cut at each byte of the last record but one; and all at once, and a
/// byte at a time.
fn cuts(wire: &[u8]) -> impl Iterator<Item = Cut> {
    let mut ends = vec![0];
    while let Some([_, _, _, high, low]) = wire[ends[ends.len() - 1]..].first_chunk() {
        ends.push(ends[ends.len() - 1] + 5 + usize::from(u16::from_be_bytes([*high, *low])));
    }
    let [.., from, to, _] = ends[..] else {
        unreachable!()
    };
    // What is long is cut at its edges.
    let edge = move |at: &usize| *at < from + 40 || *at + 40 > to;
    let at = (from..=to).filter(edge).map(Cut::At);
    at.chain([Cut::Whole, Cut::Every(1)])
}

/// Lets the layer receive what is made, at each of the cuts.
fn each(
    role: Role,
    version: Version,
    wire: impl Fn(&mut Forger) -> Vec<u8>,
    check: impl Fn(&mut Forger, &mut Stack),
) {
    let (mut forger, _) = Forger::up(role, configs(version));
    for cut in cuts(&wire(&mut forger)) {
        let (mut forger, mut stack) = Forger::up(role, configs(version));
        for piece in cut.pieces(&mut wire(&mut forger)) {
            stack.receive(piece);
        }
        check(&mut forger, &mut stack);
    }
}

/// Plays an attack behind a record of data and before another. `good` is what may be read of it.
#[track_caller]
fn is_refused(
    role: Role,
    version: Version,
    attack: impl Fn(&mut Forger) -> Vec<u8>,
    good: &str,
    fate: Fate,
) {
    let wire = |forger: &mut Forger| {
        let before = forger.data(b"before ");
        [before, attack(forger), forger.data(b"behind")].concat()
    };
    each(role, version, wire, |forger, stack| {
        let seen = String::from_utf8(read(stack)).unwrap();
        assert_eq!(seen, format!("before {good}"), "{role:?}");
        assert_eq!(why(stack), fate.error, "{role:?}");
        assert_eq!(last_word(forger, stack), fate.alert, "{role:?}");
    });
}

/// Plays what is out of the ordinary, and still within the rules.
#[track_caller]
fn is_taken(role: Role, version: Version, wire: impl Fn(&mut Forger) -> Vec<u8>, good: &str) {
    each(role, version, wire, |forger, stack| {
        assert_eq!(String::from_utf8(read(stack)).unwrap(), good, "{role:?}");
        assert!(stack.input_end().is_none(), "{:?}", stack.input_end());
        assert_eq!(last_word(forger, stack), None, "{role:?}");
    });
}

/// The fatal alert that the layer has sent behind anything else, if there is one.
#[track_caller]
fn last_word(forger: &mut Forger, stack: &mut Stack) -> Option<AlertDescription> {
    let records = forger.open(&outgoing(stack));
    let fatal = |(typ, plain): &(_, Vec<u8>)| *typ == ContentType::Alert && plain[0] == FATAL;
    let at = records.iter().position(fatal)?;
    assert_eq!((at, records[at].1.len()), (records.len() - 1, 2));
    Some(records[at].1[1].into())
}

/// So many records of a kind.
fn many(n: usize, mut record: impl FnMut() -> Vec<u8>) -> Vec<u8> {
    (0..n).flat_map(|_| record()).collect()
}

#[test]
fn what_is_forged_is_taken_for_genuine() {
    for version in VERSIONS {
        for role in ROLES {
            let (mut forger, mut stack) = Forger::up(role, configs(version));
            stack.receive(&mut forger.data(b"there"));
            stack.write(b"back").unwrap();
            let back = forger.open(&outgoing(&mut stack));
            assert_eq!(back, [(ContentType::ApplicationData, b"back".to_vec())]);
            assert_eq!(read(&mut stack), b"there");
        }
    }
}

// ---- limits ----

#[test]
fn t12_thirty_three_key_updates_without_data() {
    for role in ROLES {
        for asked in [false, true] {
            let updates = |forger: &mut Forger, n| many(n, || forger.key_update(asked));
            let fate = silent(PeerMisbehaved::TooManyKeyUpdateRequests);
            is_refused(role, &TLS13, |forger| updates(forger, 33), "", fate);
            let bearable = |forger: &mut Forger| {
                let first = [updates(forger, 32), forger.data(b"between ")].concat();
                [first, updates(forger, 32), forger.data(b"behind")].concat()
            };
            is_taken(role, &TLS13, bearable, "between behind");
        }
    }
}

#[test]
fn t14_thirty_three_empty_records() {
    for version in VERSIONS {
        for role in ROLES {
            let empty = |forger: &mut Forger, n| many(n, || forger.data(b""));
            let fate = silent(PeerMisbehaved::TooManyEmptyFragments);
            is_refused(role, version, |forger| empty(forger, 33), "", fate);
            let bearable = |forger: &mut Forger| {
                let first = [empty(forger, 32), forger.data(b"between ")].concat();
                [first, empty(forger, 32), forger.data(b"behind")].concat()
            };
            is_taken(role, version, bearable, "between behind");
        }
    }
}

#[test]
fn t15_five_warnings() {
    for role in ROLES {
        let warnings = |forger: &mut Forger, n| many(n, || forger.alert(WARNING, 112));
        let fate = || silent(PeerMisbehaved::TooManyWarningAlertsReceived);
        is_refused(role, &TLS12, |forger| warnings(forger, 5), "", fate());
        // Data between does not make up for them.
        let apart = |forger: &mut Forger| {
            let first = [warnings(forger, 4), forger.data(b"between ")].concat();
            [first, warnings(forger, 1)].concat()
        };
        is_refused(role, &TLS12, apart, "between ", fate());
        let bearable = |forger: &mut Forger| [warnings(forger, 4), forger.data(b"ok")].concat();
        is_taken(role, &TLS12, bearable, "ok");
        // TLS 1.3 has but one (RFC 8446, section 6).
        let error = Error::AlertReceived(AlertDescription::UnrecognisedName);
        let fate = with_alert(error, AlertDescription::DecodeError);
        is_refused(role, &TLS13, |forger| warnings(forger, 1), "", fate);
    }
}

#[test]
fn t16_renegotiation_asked_for_twice() {
    let (hello_request, client_hello) = ([0, 0, 0, 0], client_hello());
    for (role, message) in [
        (Role::Client, &client_hello[..]),
        (Role::Server, &hello_request),
    ] {
        let twice = |forger: &mut Forger| {
            let first = [forger.handshake(message), forger.data(b"between ")].concat();
            [first, forger.handshake(message)].concat()
        };
        let fate = silent(PeerMisbehaved::TooManyRenegotiationRequests);
        is_refused(role, &TLS12, twice, "between ", fate);
        let once = |forger: &mut Forger| [forger.handshake(message), forger.data(b"ok")].concat();
        is_taken(role, &TLS12, once, "ok");
        // The first is declined at once, though nobody writes (RFC 5246, section 7.2.2).
        let (mut forger, mut stack) = Forger::up(role, configs(&TLS12));
        stack.receive(&mut forger.handshake(message));
        let no_renegotiation = (ContentType::Alert, vec![WARNING, 100]);
        assert_eq!(forger.open(&outgoing(&mut stack)), [no_renegotiation]);
    }
}

/// A hello that could begin a session.
fn client_hello() -> Vec<u8> {
    let mut pair = Pair::new(Cut::Whole);
    pair.push(&configs(&TLS12));
    outgoing(&mut pair.client).split_off(5)
}

// ---- messages, whole and in pieces ----

#[test]
fn a_key_update_is_answered_though_nobody_writes() {
    for role in ROLES {
        let (mut forger, mut stack) = Forger::up(role, configs(&TLS13));
        for _ in 0..3 {
            stack.receive(&mut forger.key_update(true));
            let answer = (ContentType::Handshake, key_update(false).to_vec());
            assert_eq!(forger.open(stack.outgoing()), [answer]);
            stack.sent(stack.outgoing().len());
            stack.receive(&mut forger.key_update(false));
            assert!(outgoing(&mut stack).is_empty());
            // Both ways go on under the new keys.
            stack.receive(&mut forger.data(b"there"));
            stack.write(b"back").unwrap();
            let back = (ContentType::ApplicationData, b"back".to_vec());
            assert_eq!(forger.open(&outgoing(&mut stack)), [back]);
            assert_eq!(read(&mut stack), b"there");
        }
    }
}

#[test]
fn a_message_may_come_in_many_records_and_changes_the_keys_at_its_end() {
    for role in ROLES {
        let update = key_update(true);
        for at in 1..update.len() {
            let (first, second) = update.split_at(at);
            let split = |forger: &mut Forger| {
                let both = [forger.handshake(first), forger.handshake(second)].concat();
                forger.renew();
                [both, forger.data(b"ok")].concat()
            };
            is_taken(role, &TLS13, split, "ok");
        }
    }
}

#[test]
fn nothing_comes_between_the_pieces_of_a_message() {
    for role in ROLES {
        let between: [fn(&mut Forger) -> Vec<u8>; 4] = [
            |forger| forger.data(b"between"),
            |forger| forger.data(b""),
            |forger| forger.alert(WARNING, 90),
            // Not a clean end either.
            |forger| forger.close_notify(),
        ];
        for record in between {
            let attack = |forger: &mut Forger| {
                let first = forger.handshake(&key_update(true)[..2]);
                [first, record(forger)].concat()
            };
            let fate = silent(PeerMisbehaved::MessageInterleavedWithHandshakeMessage);
            is_refused(role, &TLS13, attack, "", fate);
        }
    }
}

#[test]
fn nothing_follows_a_key_update_in_its_record() {
    for role in ROLES {
        for rest in [1, 4, 5] {
            let message = [key_update(true), key_update(true)].concat();
            let attack = |forger: &mut Forger| forger.handshake(&message[..5 + rest]);
            let error = PeerMisbehaved::KeyEpochWithPendingFragment;
            let fate = with_alert(error, AlertDescription::UnexpectedMessage);
            is_refused(role, &TLS13, attack, "", fate);
        }
    }
}

#[test]
fn a_message_is_no_longer_than_64_kib_whatever_it_says() {
    for version in VERSIONS {
        for role in ROLES {
            let fate = || silent(InvalidMessage::HandshakePayloadTooLarge);
            let says = |forger: &mut Forger| forger.handshake(&[11, 1, 0, 0]);
            is_refused(role, version, says, "", fate());
            let is = |forger: &mut Forger| {
                let first = forger.handshake(&[11, 0, 0xff, 0xff]);
                [first, many(4, || forger.handshake(&[0; 16_384]))].concat()
            };
            is_refused(role, version, is, "", fate());
        }
    }
}

#[test]
fn empty_records_of_messages_confuse_nobody() {
    // They must not be sent (RFC 8446, section 5.1); rustls lets them pass, as many as of data.
    for role in ROLES {
        let wire = |forger: &mut Forger| {
            let first = [forger.handshake(b""), forger.data(b"one ")].concat();
            let second = [forger.handshake(b""), forger.key_update(true)].concat();
            let third = [forger.handshake(b""), forger.data(b"two")].concat();
            [first, second, third].concat()
        };
        is_taken(role, &TLS13, wire, "one two");
        let attack = |forger: &mut Forger| many(33, || forger.handshake(b""));
        let fate = silent(PeerMisbehaved::TooManyEmptyFragments);
        is_refused(role, &TLS13, attack, "", fate);
    }
}

#[test]
fn a_message_that_has_no_place_behind_the_handshake_is_refused() {
    const SERVER_HELLO_DONE: u8 = 14;
    for version in VERSIONS {
        for role in ROLES {
            let (mut forger, mut stack) = Forger::up(role, configs(version));
            stack.receive(&mut forger.handshake(&[SERVER_HELLO_DONE, 0, 0, 0]));
            let error = why(&mut stack);
            assert!(error.to_string().contains("unexpected"), "{error}");
            let alert = last_word(&mut forger, &mut stack);
            assert_eq!(alert, Some(AlertDescription::UnexpectedMessage));
        }
    }
}

// ---- records ----

#[test]
fn t10_a_sealed_record_that_holds_too_much() {
    for version in VERSIONS {
        for role in ROLES {
            let attack = |forger: &mut Forger| forger.data(&[7; 16_385]);
            let fate = with_alert(
                Error::PeerSentOversizedRecord,
                AlertDescription::RecordOverflow,
            );
            is_refused(role, version, attack, "", fate);
        }
    }
}

#[test]
fn a_sealed_change_cipher_spec_is_refused() {
    for role in ROLES {
        let attack = |forger: &mut Forger| forger.record(ContentType::ChangeCipherSpec, &[1]);
        let error = PeerMisbehaved::IllegalMiddleboxChangeCipherSpec;
        let fate = with_alert(error, AlertDescription::UnexpectedMessage);
        is_refused(role, &TLS13, attack, "", fate);
    }
}

#[test]
fn a_record_of_padding_alone_is_refused() {
    for role in ROLES {
        let attack = |forger: &mut Forger| forger.record(0.into(), &[0; 100]);
        let fate = silent(PeerMisbehaved::IllegalTlsInnerPlaintext);
        is_refused(role, &TLS13, attack, "", fate);
    }
}

// ---- alerts ----

#[test]
fn an_alert_has_two_bytes_and_a_known_level() {
    let missing = |what| Error::InvalidMessage(InvalidMessage::MissingData(what));
    let trailing = InvalidMessage::TrailingData("AlertMessagePayload");
    let unknown = Error::AlertReceived(AlertDescription::CloseNotify);
    let cases = [
        (
            &[][..],
            missing("AlertLevel"),
            AlertDescription::DecodeError,
        ),
        (
            &[1],
            missing("AlertDescription"),
            AlertDescription::DecodeError,
        ),
        (
            &[1, 0, 1, 0],
            trailing.into(),
            AlertDescription::DecodeError,
        ),
        (&[3, 0], unknown, AlertDescription::IllegalParameter),
    ];
    for version in VERSIONS {
        for role in ROLES {
            for (alert, error, answer) in cases.clone() {
                let attack = |forger: &mut Forger| forger.record(ContentType::Alert, alert);
                is_refused(role, version, attack, "", with_alert(error, answer));
            }
        }
    }
}

#[test]
fn a_fatal_alert_ends_the_session_and_is_not_answered() {
    for version in VERSIONS {
        for role in ROLES {
            let attack = |forger: &mut Forger| forger.alert(FATAL, 40);
            let fate = silent(Error::AlertReceived(AlertDescription::HandshakeFailure));
            is_refused(role, version, attack, "", fate);
        }
    }
}

#[test]
fn what_comes_behind_the_close_notify_is_none_of_the_sessions() {
    const USER_CANCELED: u8 = 90;
    for version in VERSIONS {
        for role in ROLES {
            // Whatever comes right before it (RFC 8446, section 6.1), and whatever its level.
            for level in [WARNING, FATAL] {
                let closed = |forger: &mut Forger| {
                    let before = [forger.data(b"data"), forger.alert(WARNING, USER_CANCELED)];
                    let close = [forger.alert(level, 0), forger.data(b"behind")];
                    [before.concat(), close.concat()].concat()
                };
                each(role, version, closed, |forger, stack| {
                    assert_eq!(read(stack), b"data");
                    assert!(matches!(stack.input_end(), Some(End::Clean)));
                    assert!(outgoing(stack).is_empty());
                    let tls = stack.parked().expect("it is not parked");
                    stack.start_pop(tls).unwrap();
                    let behind = read(stack);
                    assert!(behind.starts_with(&[23, 3, 3, 0]) && behind.len() > 5 + 6);
                    let close_notify = (ContentType::Alert, vec![WARNING, 0]);
                    assert_eq!(forger.open(&outgoing(stack)), [close_notify]);
                });
            }
        }
    }
}

// ---- behind our close_notify ----

/// A session whose forger has our close_notify, and data that was in flight meanwhile.
fn leaving(role: Role, version: Version) -> (Forger, Stack) {
    let (mut forger, mut stack) = Forger::up(role, configs(version));
    let tls = stack.layers().next().unwrap().key();
    stack.start_pop(tls).unwrap();
    let close_notify = (ContentType::Alert, vec![WARNING, 0]);
    assert_eq!(forger.open(&outgoing(&mut stack)), [close_notify]);
    stack.receive(&mut forger.data(b"in flight"));
    (forger, stack)
}

#[test]
fn behind_our_close_notify_a_damaged_record_is_refused_without_an_alert() {
    for version in VERSIONS {
        for role in ROLES {
            let mut at = 1;
            let mut length = 2;
            while at < length {
                let (mut forger, mut stack) = leaving(role, version);
                let mut record = forger.data(b"damaged");
                length = record.len();
                record[length - 1] ^= 1;
                for piece in Cut::At(at).pieces(&mut record) {
                    stack.receive(piece);
                }
                assert_eq!(read(&mut stack), b"in flight");
                assert_eq!(why(&mut stack), Error::DecryptError);
                assert!(outgoing(&mut stack).is_empty());
                at += 1;
            }
        }
    }
}

#[test]
fn behind_our_close_notify_we_are_mute_whatever_comes() {
    let all: [fn(&mut Forger) -> Vec<u8>; 5] = [
        |forger| forger.handshake(&key_update(true)),
        |forger| forger.handshake(&client_hello()),
        |forger| forger.handshake(&[0, 0, 0, 0]),
        |forger| forger.alert(FATAL, 40),
        |_| b"in clear".to_vec(),
    ];
    for version in VERSIONS {
        for role in ROLES {
            for wire in all {
                let (mut forger, mut stack) = leaving(role, version);
                stack.receive(&mut wire(&mut forger));
                assert_eq!(read(&mut stack), b"in flight");
                assert!(outgoing(&mut stack).is_empty(), "{version:?} {role:?}");
            }
        }
    }
}
