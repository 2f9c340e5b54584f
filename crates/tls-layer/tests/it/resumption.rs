//! Sessions that are taken up again (RFC 8446, section 2.2; RFC 5077; RFC 5246, section 7.3).

use std::sync::Arc;

use tls_layer::TlsInfo;
use tls_layer::rustls::client::{Resumption, Tls12Resumption};
use tls_layer::rustls::crypto::ring::Ticketer;
use tls_layer::rustls::server::{NoServerSessionStorage, ServerConfig};
use tls_layer::rustls::version::{TLS12, TLS13};

use crate::kit::*;

/// A session from its push to its pop, and what each end knows of it, the client's first.
fn meet(configs: &Configs) -> [TlsInfo; 2] {
    let (mut pair, ids) = Pair::up(configs, Cut::Every(100));
    pair.server.write(b"hello").unwrap();
    assert_eq!(pair.exchange().0, b"hello");
    let known = [&pair.client, &pair.server].map(|stack| stack.info::<TlsInfo>().unwrap().clone());
    pair.pop_both(ids);
    pair.settle();
    pair.take(ids);
    known
}

/// Whether the second of two sessions takes up the first. Both ends must know the same.
#[track_caller]
fn resumes(configs: &Configs) -> bool {
    assert_eq!(meet(configs).map(|info| info.resumed), [false, false]);
    let [client, server] = meet(configs).map(|info| info.resumed);
    assert_eq!(client, server);
    client
}

fn keep_tickets_only(server: &mut ServerConfig) {
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.ticketer = Ticketer::new().unwrap();
}

#[test]
fn a_session_is_resumed_by_a_ticket_that_the_server_can_open() {
    for version in VERSIONS {
        let mut configs = configs(version);
        keep_tickets_only(&mut configs.server);
        assert!(resumes(&configs));
        // With another key the ticket is of no use, and the session simply a new one.
        configs.server.ticketer = Ticketer::new().unwrap();
        assert_eq!(meet(&configs).map(|info| info.resumed), [false, false]);
        assert_eq!(meet(&configs).map(|info| info.resumed), [true, true]);
    }
}

#[test]
fn a_session_is_resumed_out_of_the_servers_memory() {
    for version in VERSIONS {
        let mut configs = configs(version);
        assert!(!configs.server.ticketer.enabled());
        assert!(resumes(&configs));
        configs.server.session_storage = Arc::new(NoServerSessionStorage {});
        assert_eq!(meet(&configs).map(|info| info.resumed), [false, false]);
    }
}

#[test]
fn a_client_of_tls_1_2_chooses_between_session_ids_and_tickets() {
    for (kind, by_ticket) in [
        (Tls12Resumption::SessionIdOnly, false),
        (Tls12Resumption::SessionIdOrTickets, true),
    ] {
        let kept = || Resumption::in_memory_sessions(8).tls12_resumption(kind);
        let mut configs = configs(&TLS12);
        configs.client.resumption = kept();
        assert!(resumes(&configs), "{kind:?}");
        configs.client.resumption = kept();
        keep_tickets_only(&mut configs.server);
        assert_eq!(resumes(&configs), by_ticket, "{kind:?}");
    }
}

#[test]
fn without_a_memory_of_sessions_each_is_new() {
    for version in VERSIONS {
        let mut configs = configs(version);
        configs.client.resumption = Resumption::disabled();
        assert!(!resumes(&configs));
    }
}

#[test]
fn a_resumed_session_knows_what_the_first_one_knew() {
    for version in VERSIONS {
        let mut configs = configs(version);
        configs.client.alpn_protocols = vec![b"imap".to_vec()];
        configs.server.alpn_protocols = vec![b"imap".to_vec()];
        let first = meet(&configs);
        for (first, again) in first.into_iter().zip(meet(&configs)) {
            assert!(again.resumed);
            assert_eq!(again.version, first.version);
            assert_eq!(again.cipher_suite, first.cipher_suite);
            assert_eq!(again.alpn.as_deref(), Some(&b"imap"[..]));
            assert_eq!(again.server_name.as_deref(), Some(NAME));
            assert_eq!(again.peer_certificates, first.peer_certificates);
            // TLS 1.2 exchanges no keys then.
            let group = (version.version == TLS13.version).then_some("X25519");
            assert_eq!(again.group.as_deref(), group);
        }
    }
}
