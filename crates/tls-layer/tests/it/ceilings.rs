//! How much memory one connection takes at the most, whoever is at its other end.

use std::future::pending;
use std::thread;

use allocation_counter::{measure, opt_out};
use stack::{Error, Limits, Stack};
use tls_layer::TlsLayer;
use tls_layer::rustls::SupportedProtocolVersion;
use tls_layer::rustls::version::{TLS12, TLS13};

use crate::forger::*;
use crate::kit::*;

const KIB: u64 = 1024;
/// It was to be 16, and is less.
const IDLE: u64 = 10 * KIB;
const HANDSHAKING: u64 = 160 * KIB;
const ACTIVE: u64 = 256 * KIB;
/// Neither end reads, and the peer has left a message and a record unfinished: twice the above.
const WORST: u64 = 512 * KIB;

/// What a driver carries at once.
const SEGMENT: usize = 16 * 1024;

/// What is done apart, the peer does, and it is not counted.
fn apart<R>(it: impl FnOnce() -> R) -> R {
    let mut made = None;
    opt_out(|| made = Some(it()));
    made.unwrap()
}

/// As a driver does it, who begins a turn before, and flushes behind.
fn receive(stack: &mut Stack, bytes: &mut [u8]) {
    work(stack);
    stack.receive(bytes);
    work(stack);
    stack.flush();
}

/// Receives what the peer makes.
fn receive_from(stack: &mut Stack, make: impl FnOnce() -> Vec<u8>) {
    let mut wire = apart(make);
    receive(stack, &mut wire);
    apart(|| drop(wire));
}

/// Carries to the stack what the peer has to send, and to the peer what the stack has. Whether
/// that was anything.
fn exchange(stack: &mut Stack, peer: &mut Stack) -> bool {
    let mut there = apart(|| outgoing(peer));
    for segment in there.chunks_mut(SEGMENT) {
        receive(stack, segment);
    }
    work(stack);
    stack.flush();
    let mut back = apart(|| stack.outgoing().to_vec());
    stack.sent(back.len());
    apart(|| {
        peer.receive(&mut back);
        let moved = there.len() + back.len();
        drop((there, back));
        moved > 0
    })
}

#[test]
fn idle_tls_takes_10_kib_at_the_most() {
    // What a thread keeps for the next connection that needs it is no connection's.
    let (mut pair, _) = Pair::up(&configs(&TLS13), Cut::Whole);
    pair.client.write(&pattern(100_000)[..]).unwrap();
    pair.settle();
    for version in VERSIONS {
        for role in ROLES {
            let configs = configs(version);
            let layer = |of: Role| -> TlsLayer {
                match of {
                    Role::Client => configs.client(),
                    Role::Server => configs.server(),
                }
            };
            let ours = match role {
                Role::Client => Role::Server,
                Role::Server => Role::Client,
            };
            let (mut stack, mut peer) = (None, Stack::new(Limits::default()));
            let fresh = measure(|| {
                let stack = stack.insert(Stack::new(Limits::default()));
                stack.push(layer(ours)).unwrap();
                apart(|| peer.push(layer(role)).unwrap());
                while exchange(stack, &mut peer) {}
            });
            let stack = stack.as_mut().unwrap();
            assert!(stack.is_up());
            let used = measure(|| {
                for _ in 0..100 {
                    stack.write(&[7; 10_000]).unwrap();
                    apart(|| peer.write(&[7; 10_000]).unwrap());
                    while exchange(stack, &mut peer) {
                        stack.consume(stack.readable().len());
                        apart(|| drop(read(&mut peer)));
                    }
                }
            });
            let idle = fresh.bytes_current + used.bytes_current;
            assert!(idle <= IDLE as i64, "{version:?} {ours:?}: {idle}");
        }
    }
}

/// A message of a handshake that is as long as it can be, in records of this size.
fn long_message(kind: u8, record: usize) -> Vec<u8> {
    let message = [&[kind, 0, 0xff, 0xff][..], &[0; 0xffff]].concat();
    let records = message.chunks(record).map(|body| {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[22, 3, 3], &length[..], body].concat()
    });
    records.collect::<Vec<_>>().concat()
}

/// What a connection takes at the most whose peer shakes hands with such a message, piece by piece.
fn handshaking(role: Role, chooses: bool, record: usize, piece: usize) -> u64 {
    let script = || {
        let mut stack = Stack::new(Limits::default());
        let mut wire = match role {
            Role::Client => {
                let configs = apart(|| configs(&TLS13));
                let server = match chooses {
                    true => TlsLayer::server_with(|_| pending::<Result<_, Error>>()),
                    false => configs.server(),
                };
                stack.push(server).unwrap();
                apart(|| {
                    drop(configs);
                    long_message(1, record)
                })
            }
            // A certificate, behind a hello.
            Role::Server => {
                let configs = apart(|| configs(&TLS12));
                stack.push(configs.client()).unwrap();
                apart(|| {
                    let mut peer = Stack::new(Limits::default());
                    peer.push(configs.server()).unwrap();
                    carry(&mut stack, &mut peer, Cut::Whole);
                    let mut wire = outgoing(&mut peer);
                    wire.truncate(9 + usize::from(wire[8]));
                    let body = u16::try_from(wire.len() - 5).unwrap();
                    wire[3..5].copy_from_slice(&body.to_be_bytes());
                    drop(configs);
                    [wire, long_message(11, record)].concat()
                })
            }
        };
        wire.chunks_mut(piece)
            .for_each(|piece| receive(&mut stack, piece));
        apart(|| {
            let error = failed(&mut stack).1;
            assert!(
                error.contains("TooLarge") || error.contains("larger"),
                "{error}"
            );
            drop((stack, wire));
        });
    };
    on_a_thread(script)
}

/// How much memory is taken at the most, on a thread of its own, which has no more to lend than
/// what a few bytes need.
fn on_a_thread(script: impl FnOnce() + Send) -> u64 {
    let counted = || {
        Stack::new(Limits::default()).receive(&mut [0]);
        measure(script).bytes_max
    };
    thread::scope(|scope| scope.spawn(counted).join().unwrap())
}

#[test]
fn t11_a_handshake_takes_160_kib_at_the_most() {
    // A server that is yet to choose its configuration keeps the hello where it came.
    for (role, chooses) in [
        (Role::Client, false),
        (Role::Server, false),
        (Role::Client, true),
    ] {
        for record in [1, 100, 16_384] {
            for piece in [1, 100, SEGMENT] {
                let most = handshaking(role, chooses, record, piece);
                assert!(
                    most <= HANDSHAKING,
                    "{role:?} {chooses} {record} {piece}: {most}"
                );
            }
        }
    }
}

/// What a connection does that takes memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// The application writes until it is to pause, and the peer reads nothing.
    Writing,
    /// The peer writes until it is to pause, and the application reads all but a byte.
    Reading,
    /// A message has come, all but its end.
    HalfAMessage,
    /// A record has come, all but its end.
    HalfARecord,
}

/// What all that takes at the most, with records of this size.
fn most(
    role: Role,
    version: &'static SupportedProtocolVersion,
    record: usize,
    all: &[Doing],
) -> u64 {
    let (mut forger, mut stack) = Forger::up(role, configs(version));
    let script = move || {
        for doing in all {
            match doing {
                Doing::Writing => {
                    while stack.writable() {
                        stack.write(&[7; 1000]).unwrap();
                        stack.flush();
                    }
                }
                Doing::Reading => {
                    while stack.wants_input() {
                        receive_from(&mut stack, || forger.data(&vec![7; record]));
                    }
                    stack.consume(stack.readable().len() - 1);
                }
                Doing::HalfAMessage => {
                    receive_from(&mut stack, || forger.handshake(&[11, 0, 0xff, 0xff]));
                    for _ in 0..60_000 / (record + 40) {
                        receive_from(&mut stack, || forger.handshake(&vec![0; record]));
                    }
                }
                Doing::HalfARecord => {
                    let mut sealed = apart(|| forger.handshake(&[0; 16_384]));
                    sealed.truncate(16_000);
                    sealed
                        .chunks_mut(100)
                        .for_each(|piece| receive(&mut stack, piece));
                    apart(|| drop(sealed));
                }
            }
        }
        assert!(stack.input_end().is_none(), "{:?}", stack.input_end());
        apart(|| drop((stack, forger)));
    };
    IDLE + on_a_thread(script)
}

#[test]
fn active_tls_takes_256_kib_at_the_most() {
    use Doing::*;
    for (version, role) in VERSIONS.into_iter().zip(ROLES) {
        for record in [1, 1000, 16_384] {
            for (all, ceiling) in [
                (&[Writing][..], ACTIVE),
                (&[Reading], ACTIVE),
                (&[HalfAMessage, HalfARecord], ACTIVE),
                (&[Writing, Reading, HalfAMessage, HalfARecord], WORST),
            ] {
                let most = most(role, version, record, all);
                assert!(most <= ceiling, "{version:?} {record} {all:?}: {most}");
            }
        }
    }
}

#[test]
fn t13_key_updates_with_data_between_take_no_memory() {
    // Each leaves exactly nothing, so a million leaves as much as these.
    const MANY: usize = 20_000;
    for role in ROLES {
        let (mut forger, mut stack) = Forger::up(role, configs(&TLS13));
        let mut update = |asked| {
            receive_from(&mut stack, || {
                [forger.key_update(asked), forger.data(b"x")].concat()
            });
            assert_eq!(stack.readable(), b"x");
            stack.consume(1);
        };
        update(false);
        let counted = measure(|| (0..MANY).for_each(|_| update(false)));
        assert_eq!((counted.bytes_current, counted.count_current), (0, 0));
        assert!(counted.bytes_max < 2 * KIB, "{counted:?}");
        // Answers that the peer does not read are no more than it may leave of anything.
        let counted = measure(|| (0..5_000).for_each(|_| update(true)));
        assert!(IDLE + counted.bytes_max <= ACTIVE, "{counted:?}");
        assert!(stack.outgoing().len() <= Limits::default().outbox_high + 100);
    }
}

#[test]
fn session_tickets_take_no_memory() {
    // Lifetime, age_add, a nonce, a ticket, and no extensions (RFC 8446, section 4.6.1).
    let body = [0, 0, 14, 16, 0, 0, 0, 0, 1, 9, 0, 100];
    let body = [&body[..], &[7; 100], &[0, 0]].concat();
    let message = [&[4, 0, 0, body.len() as u8], &body[..]].concat();
    let (mut forger, mut stack) = Forger::up(Role::Server, configs(&TLS13));
    let mut ticket = || receive_from(&mut stack, || forger.handshake(&message));
    // The configuration keeps some.
    (0..100).for_each(|_| ticket());
    let counted = measure(|| (0..1000).for_each(|_| ticket()));
    assert_eq!((counted.bytes_current, counted.count_current), (0, 0));
    assert!(stack.input_end().is_none());
}
