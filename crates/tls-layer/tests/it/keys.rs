//! A session's keys: who is told of them, and what becomes of them when they have been used enough.

use std::sync::{Arc, Mutex};

use stack::Blame;
use tls_layer::rustls::crypto::{CipherSuiteCommon, CryptoProvider, ring};
use tls_layer::rustls::version::{TLS12, TLS13};
use tls_layer::rustls::{KeyLog, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite};

use crate::kit::*;

/// What a configuration's key log was told: labels and secrets.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<(String, Vec<u8>)>>);

impl KeyLog for Log {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        let entry = (label.to_owned(), secret.to_vec());
        self.0.lock().unwrap().push(entry);
    }
}

#[test]
fn both_ends_log_the_same_keys_if_they_are_to() {
    for version in VERSIONS {
        let (client, server) = (Arc::new(Log::default()), Arc::new(Log::default()));
        let mut configs = configs(version);
        configs.client.key_log = client.clone();
        configs.server.key_log = server.clone();
        Pair::up(&configs, Cut::Whole);
        let [mut client, mut server] = [client, server].map(|log| log.0.lock().unwrap().clone());
        client.sort();
        server.sort();
        assert_eq!(client, server);
        let labels: Vec<_> = client.iter().map(|(label, _)| &label[..]).collect();
        if version.version == TLS13.version {
            assert_eq!(
                labels,
                [
                    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
                    "CLIENT_TRAFFIC_SECRET_0",
                    "EXPORTER_SECRET",
                    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
                    "SERVER_TRAFFIC_SECRET_0",
                ]
            );
        } else {
            assert_eq!(labels, ["CLIENT_RANDOM"]);
        }
    }
}

/// How many records may be sealed with a key.
const RECORDS: u64 = 10;

/// ring's cryptography, of whose keys each is good for so many records.
fn soon_used_up() -> CryptoProvider {
    let mut provider = ring::default_provider();
    for suite in &mut provider.cipher_suites {
        let common = |common: &CipherSuiteCommon| CipherSuiteCommon {
            suite: common.suite,
            hash_provider: common.hash_provider,
            confidentiality_limit: RECORDS,
        };
        // rustls wants it for as long as the process lives.
        *suite = match *suite {
            SupportedCipherSuite::Tls12(of) => {
                SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                    common: common(&of.common),
                    ..*of
                })))
            }
            SupportedCipherSuite::Tls13(of) => {
                SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                    common: common(&of.common),
                    ..*of
                })))
            }
        };
    }
    provider
}

#[test]
fn under_tls_1_3_keys_that_are_used_up_are_updated() {
    let (mut pair, _) = Pair::up(&with_provider(soon_used_up(), &TLS13), Cut::Every(1000));
    let data = pattern(40 * 16384);
    pair.client.write(&data[..]).unwrap();
    pair.server.write(&data[1..]).unwrap();
    assert!(pair.exchange() == (data[1..].to_vec(), data));
}

#[test]
fn under_tls_1_2_keys_that_are_used_up_end_the_session_and_not_as_if_it_were_whole() {
    let (mut pair, _) = Pair::up(&with_provider(soon_used_up(), &TLS12), Cut::Whole);
    let error = (0..RECORDS).find_map(|_| {
        let written = pair.client.write(&[7; 16384]);
        written.err()
    });
    assert_eq!(error.unwrap().blame(), Blame::Local);
    pair.settle();
    let got = read(&mut pair.server).len();
    assert!(got > 0 && got < RECORDS as usize * 16384);
    assert!(!matches!(pair.server.input_end(), Some(stack::End::Clean)));
    // Nor when something comes that rustls would answer.
    pair.server.write(b"more").unwrap();
    pair.settle();
    assert!(!matches!(pair.server.input_end(), Some(stack::End::Clean)));
}
