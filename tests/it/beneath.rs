//! A layer that is taken out beneath one that it has carried, as TDS takes its frames from below TLS.

use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use stack::{LayerId, Limits, Outcome, Popping, Stack};

use crate::certificate;
use crate::prelogin::{HEADER, PRELOGIN, Prelogin};
use crate::real::{client, server};

/// One end, with all that it has sent.
struct End {
    stack: Stack,
    framing: LayerId<Prelogin>,
    wire: Vec<u8>,
}

impl End {
    fn new(push_tls: impl FnOnce(&mut Stack)) -> Self {
        let mut stack = Stack::new(Limits::default());
        let framing = stack.push(Prelogin::default()).unwrap();
        push_tls(&mut stack);
        Self {
            stack,
            framing,
            wire: Vec::new(),
        }
    }

    /// Hands over what it has to send, in pieces. Returns whether there was any.
    fn send(&mut self, to: &mut Self, piece: usize) -> bool {
        self.stack.flush();
        let bytes = self.stack.outgoing().to_vec();
        self.stack.sent(bytes.len());
        for piece in bytes.chunks(piece) {
            to.stack.receive(&mut piece.to_vec());
        }
        self.wire.extend(&bytes);
        !bytes.is_empty()
    }

    fn says(&mut self, words: &[u8], to: &mut Self, piece: usize) {
        self.stack.write(words).unwrap();
        talk(self, to, piece);
    }

    fn hears(&mut self, words: &[u8]) {
        assert_eq!(self.stack.readable(), words);
        self.stack.consume(words.len());
    }

    /// Whether its frames are gone, and TLS stands alone.
    fn is_bare(&mut self) -> bool {
        let popped = self.stack.take_popped(self.framing);
        assert!(
            popped
                .as_ref()
                .is_none_or(|(_, outcome)| *outcome == Outcome::Clean)
        );
        popped.is_some() && self.stack.to_string() == "app <=> tls <=> network"
    }

    /// How many bytes went in frames; all that follow are records of TLS, of these types.
    fn framed(&self, records: &[u8]) -> usize {
        let mut at = 0;
        while self.wire.get(at) == Some(&PRELOGIN) {
            at += usize::from(u16::from_be_bytes([self.wire[at + 2], self.wire[at + 3]]));
        }
        let mut types = Vec::new();
        let mut rest = &self.wire[at..];
        while let [kind, 3, 3, high, low, more @ ..] = rest {
            types.push(*kind);
            rest = &more[usize::from(u16::from_be_bytes([*high, *low]))..];
        }
        assert_eq!((types.as_slice(), rest), (records, &[][..]));
        at
    }
}

fn talk(one: &mut End, other: &mut End, piece: usize) {
    while one.send(other, piece) | other.send(one, piece) {}
}

/// When the server takes its frames out.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    /// Before it hears anything behind the handshake.
    Before,
    /// When the client's first bytes without a frame are here already.
    Behind,
}

/// A client and a server of this version.
fn configs(version: &'static SupportedProtocolVersion) -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let (certificate, server) = certificate::make("mail.example").unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let client = client.with_protocol_versions(&[version]).unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    (Arc::new(client), server)
}

#[test]
fn frames_leave_from_below_live_tls_at_the_exact_byte() {
    for version in [&TLS12, &TLS13] {
        let configs = configs(version);
        for piece in (1..=64).chain([usize::MAX]) {
            for order in [Order::Before, Order::Behind] {
                leave(&configs, piece, order);
            }
        }
    }
}

fn leave(
    (client_config, server_config): &(Arc<ClientConfig>, Arc<ServerConfig>),
    piece: usize,
    order: Order,
) {
    let mut near = End::new(|stack| {
        stack.push(client(client_config)).unwrap();
    });
    let mut far = End::new(|stack| {
        stack.push(server(server_config)).unwrap();
    });
    talk(&mut near, &mut far, piece);
    assert!(near.stack.is_up() && far.stack.is_up());

    near.stack.start_pop(near.framing).unwrap();
    if order == Order::Before {
        far.stack.start_pop(far.framing).unwrap();
    }
    near.says(b"who I am", &mut far, piece);
    if order == Order::Behind {
        // They wait below the frames' layer.
        assert_eq!(far.stack.readable(), b"");
        assert_eq!(far.stack.popping(far.framing), Popping::NotAsked);
        far.stack.start_pop(far.framing).unwrap();
    }
    far.hears(b"who I am");
    assert!(far.is_bare(), "{piece}, {order:?}");
    far.says(b"welcome", &mut near, piece);
    near.hears(b"welcome");
    assert!(near.is_bare(), "{piece}, {order:?}");
    near.says(b"a question", &mut far, piece);
    far.hears(b"a question");

    // In frames, the handshake and nothing else; then one record for each thing said.
    assert!(near.framed(&[23, 23]) > 2 * HEADER);
    assert!(far.framed(&[23]) > HEADER);
}
