//! Keys for other protocols, and channel bindings.

use std::io::{Read, Write};
use std::sync::Arc;

use stack::{Blame, Stack};
use tls_layer::rustls::version::{TLS12, TLS13};
use tls_layer::rustls::{ClientConnection, Connection, ServerConnection};
use tls_layer::{Exporter, TlsInfo, TlsLayer, server_end_point};

use crate::kit::*;

/// Two ends that export, the handshake behind them.
fn exporting(configs: &Configs) -> Pair {
    let mut pair = Pair::new(Cut::Every(100));
    push_exporting(&mut pair, configs);
    pair.settle();
    pair
}

fn push_exporting(pair: &mut Pair, configs: &Configs) {
    let (client, server) = (configs.client.clone(), configs.server.clone());
    let server = TlsLayer::server(Arc::new(server)).with_exporter();
    let client = TlsLayer::client(Arc::new(client), name()).with_exporter();
    pair.server.push(server).unwrap();
    pair.client.push(client).unwrap();
}

fn exported(stack: &Stack, label: &str, context: Option<&[u8]>) -> [u8; 50] {
    let exporter = stack.info::<Exporter>().unwrap();
    exporter.export(label.as_bytes(), context, [0; 50]).unwrap()
}

#[test]
fn both_ends_export_the_same_and_no_other_session_does() {
    for version in VERSIONS {
        let configs = configs(version);
        let (one, other) = (exporting(&configs), exporting(&configs));
        let mut seen = Vec::new();
        for (label, context) in [
            ("EXPERIMENTAL a", None),
            ("EXPERIMENTAL a", Some(&b"context"[..])),
            ("EXPERIMENTAL b", None),
        ] {
            for pair in [&one, &other] {
                let key = exported(&pair.client, label, context);
                assert_eq!(exported(&pair.server, label, context), key);
                assert!(!seen.contains(&key));
                seen.push(key);
            }
        }
    }
}

#[test]
fn no_context_and_an_empty_one_are_the_same_under_tls_1_3_only() {
    for version in VERSIONS {
        let pair = exporting(&configs(version));
        let none = exported(&pair.client, "EXPERIMENTAL", None);
        let empty = exported(&pair.client, "EXPERIMENTAL", Some(&[]));
        assert_eq!(none == empty, version.version == TLS13.version);
    }
}

#[test]
fn the_exporter_is_there_once_the_layer_is_up_if_it_was_asked_for() {
    let configs = configs(&TLS13);
    let mut pair = Pair::new(Cut::Whole);
    push_exporting(&mut pair, &configs);
    assert!(pair.client.info::<Exporter>().is_none());
    assert!(pair.server.info::<Exporter>().is_none());
    pair.settle();
    assert!(pair.client.info::<Exporter>().is_some());
    assert!(pair.server.info::<Exporter>().is_some());
    let (pair, _) = Pair::up(&configs, Cut::Whole);
    assert!(pair.client.info::<TlsInfo>().is_some());
    assert!(pair.client.info::<Exporter>().is_none());
}

#[test]
fn what_cannot_be_exported_is_an_error() {
    for version in VERSIONS {
        let pair = exporting(&configs(version));
        let exporter = pair.client.info::<Exporter>().unwrap();
        let error = exporter.export(b"EXPERIMENTAL", None, []).unwrap_err();
        assert_eq!(error.blame(), Blame::Local);
    }
    let pair = exporting(&configs(&TLS13));
    let exporter = pair.client.info::<Exporter>().unwrap();
    let error = exporter.export(b"EXPERIMENTAL", None, vec![0; 255 * 48 + 1]);
    assert_eq!(error.unwrap_err().blame(), Blame::Local);
}

#[test]
fn keys_are_exported_after_a_key_update_as_before_it() {
    let configs = configs(&TLS13);
    let (mut ours, mut theirs) = against(&configs, true);
    let before = exported(&ours, "EXPERIMENTAL", None);
    theirs.refresh_traffic_keys().unwrap();
    theirs.writer().write_all(b"with new keys").unwrap();
    shuttle(&mut ours, &mut theirs);
    assert_eq!(read(&mut ours), b"with new keys");
    assert_eq!(exported(&ours, "EXPERIMENTAL", None), before);
}

/// One end is ours, the other rustls's own connection; the handshake is behind them.
fn against(configs: &Configs, client_is_ours: bool) -> (Stack, Connection) {
    let (client, server) = (
        Arc::new(configs.client.clone()),
        Arc::new(configs.server.clone()),
    );
    let mut ours = Stack::new(Default::default());
    let mut theirs = if client_is_ours {
        ours.push(TlsLayer::client(client, name()).with_exporter())
            .unwrap();
        Connection::from(ServerConnection::new(server).unwrap())
    } else {
        ours.push(TlsLayer::server(server).with_exporter()).unwrap();
        Connection::from(ClientConnection::new(client, name()).unwrap())
    };
    shuttle(&mut ours, &mut theirs);
    (ours, theirs)
}

/// Moves bytes until nothing moves.
fn shuttle(ours: &mut Stack, theirs: &mut Connection) {
    loop {
        let to_them = outgoing(ours);
        let mut rest = &to_them[..];
        while !rest.is_empty() {
            theirs.read_tls(&mut rest).unwrap();
            theirs.process_new_packets().unwrap();
        }
        let mut to_us = Vec::new();
        while theirs.wants_write() {
            theirs.write_tls(&mut to_us).unwrap();
        }
        ours.receive(&mut to_us);
        if to_them.is_empty() && to_us.is_empty() {
            return;
        }
    }
}

#[test]
fn a_peer_that_is_not_ours_exports_the_same() {
    for version in VERSIONS {
        let configs = configs(version);
        for client_is_ours in [true, false] {
            let (mut ours, mut theirs) = against(&configs, client_is_ours);
            for context in [None, Some(&b"context"[..])] {
                let key = theirs.export_keying_material([0; 50], b"EXPERIMENTAL", context);
                assert_eq!(exported(&ours, "EXPERIMENTAL", context), key.unwrap());
            }
            ours.write(b"beside").unwrap();
            shuttle(&mut ours, &mut theirs);
            let mut read = [0; 6];
            theirs.reader().read_exact(&mut read).unwrap();
            assert_eq!(&read, b"beside");
        }
    }
}

#[test]
fn the_channel_binding_is_unique_or_there_is_none() {
    let binding = |stack: &Stack| stack.info::<Exporter>().unwrap().channel_binding();
    let pair = exporting(&configs(&TLS13));
    let exported = exported(&pair.client, "EXPORTER-Channel-Binding", Some(&[]));
    // TLS 1.3 mixes the length in, so that this is no prefix.
    assert_ne!(binding(&pair.client).unwrap(), exported[..32]);
    assert_eq!(
        binding(&pair.client).unwrap(),
        binding(&pair.server).unwrap()
    );
    // Two sessions of TLS 1.2 may share a master secret, unless an extended one is required.
    let mut configs = configs(&TLS12);
    configs.client.require_ems = true;
    let pair = exporting(&configs);
    assert_eq!(binding(&pair.client).unwrap().len(), 32);
    assert_eq!(binding(&pair.server).unwrap_err().blame(), Blame::Local);
    configs.server.require_ems = true;
    let pair = exporting(&configs);
    assert_eq!(
        binding(&pair.client).unwrap(),
        binding(&pair.server).unwrap()
    );
}

#[test]
fn a_client_finds_the_certificate_whose_hash_binds() {
    let configs = configs(&TLS12);
    let (pair, _) = Pair::up(&configs, Cut::Whole);
    let info = pair.client.info::<TlsInfo>().unwrap();
    let (certificate, _) = certificate(&TLS12);
    assert_eq!(info.peer_certificates, [certificate.to_vec()]);
    let binding = server_end_point(&info.peer_certificates[0]);
    assert_eq!(binding, server_end_point(&certificate));
    assert_eq!(binding.unwrap().len(), 32);
}
