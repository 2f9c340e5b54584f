//! Configurations out of PEM, and what can be wrong with it.

use std::env;
use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use tls_layer::config::{self, ConfigError, ConfigErrorKind, Pem};
use tls_layer::rustls::crypto::{CryptoProvider, ring};
use tls_layer::rustls::{Error, RootCertStore, ServerConfig};

use crate::kit::*;

/// A certificate for [`NAME`] and its key, in PEM.
fn made() -> (String, String) {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn provider() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(ring::default_provider()))
}

/// A file of this test's own, below cargo's folder for such.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path
}

fn server<'a>(
    chain: impl Into<Pem<'a>>,
    key: impl Into<Pem<'a>>,
) -> Result<ServerConfig, ConfigError> {
    config::server(chain, key, provider())
}

/// Both ends come up, and talk.
fn talk(configs: &Configs) {
    let (mut pair, _) = Pair::up(configs, Cut::Whole);
    pair.client.write(b"there").unwrap();
    pair.server.write(b"back").unwrap();
    assert_eq!(pair.exchange(), (b"back".to_vec(), b"there".to_vec()));
}

#[test]
fn files_and_memory_make_two_ends_that_trust_each_other() {
    let (chain, key) = made();
    let both = file("both.pem", &[&key[..], &chain].concat());
    let (chain_file, key_file) = (file("chain.pem", &chain), file("key.pem", &key));
    for (server, roots) in [
        (server(&chain_file, &key_file), config::roots(&chain_file)),
        (server(&both, &both), config::roots(&both)),
        (
            server(chain.as_bytes(), key.as_bytes()),
            config::roots(chain.as_bytes()),
        ),
    ] {
        talk(&Configs {
            client: config::client(roots.unwrap(), provider()).unwrap(),
            server: server.unwrap(),
        });
    }
}

#[test]
fn all_roots_of_a_file_are_trusted() {
    let (ours, others) = (made(), made());
    let roots = config::roots([others.0, ours.0.clone()].concat().as_bytes()).unwrap();
    assert_eq!(roots.len(), 2);
    talk(&Configs {
        client: config::client(roots, provider()).unwrap(),
        server: server(ours.0.as_bytes(), ours.1.as_bytes()).unwrap(),
    });
}

/// What is wrong, in which file, and in which words.
#[track_caller]
fn assert_wrong(error: ConfigError, kind: ConfigErrorKind, file: &Path, words: &str) {
    assert_eq!((error.kind(), error.file()), (kind, Some(file)));
    let said = error.to_string();
    assert_eq!(
        said.strip_prefix(&format!("{}: ", file.display())),
        Some(words)
    );
}

#[test]
fn an_error_names_the_file_and_what_is_wrong_with_it() {
    let (chain, key) = made();
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = file("cut.pem", &chain[..chain.len() - 10]);
    let chain_file = file("error-chain.pem", &chain);
    let key_file = file("error-key.pem", &key);

    let missing = Path::new("/no/such/file.pem");
    let error = server(missing, &key_file).unwrap_err();
    let reason = fs::read(missing).unwrap_err();
    let words = format!("it cannot be read: {reason}");
    assert!(error.source().unwrap().is::<std::io::Error>());
    assert_wrong(error, ConfigErrorKind::Unreadable, missing, &words);

    let error = server(&cut, &key_file).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::NotPem);
    assert_eq!(error.file(), Some(&*cut));

    let error = server(&key_file, &key_file).unwrap_err();
    let words = "there is no certificate";
    assert_wrong(error, ConfigErrorKind::NoCertificate, &key_file, words);
    let error = config::roots(&key_file).unwrap_err();
    assert_wrong(error, ConfigErrorKind::NoCertificate, &key_file, words);

    let error = server(&chain_file, &chain_file).unwrap_err();
    let words = "there is no private key that is not encrypted";
    assert_wrong(error, ConfigErrorKind::NoKey, &chain_file, words);

    let other = file("other-key.pem", &made().1);
    let error = server(&chain_file, &other).unwrap_err();
    let words = "the private key is not that of the certificate";
    assert_wrong(error, ConfigErrorKind::KeyMismatch, &other, words);

    let bad = file(
        "bad-key.pem",
        &nonsense.replace("CERTIFICATE", "PRIVATE KEY"),
    );
    let error = server(&chain_file, &bad).unwrap_err();
    assert_eq!(
        (error.kind(), error.file()),
        (ConfigErrorKind::BadKey, Some(&*bad))
    );

    let bad = file("bad-chain.pem", nonsense);
    let error = server(&bad, &key_file).unwrap_err();
    let kind = ConfigErrorKind::BadCertificate(1);
    assert_eq!((error.kind(), error.file()), (kind, Some(&*bad)));
    let bad = file("bad-roots.pem", &[&chain, nonsense].concat());
    let words = "certificate 2 cannot be used: invalid peer certificate: BadEncoding";
    let error = config::roots(&bad).unwrap_err();
    assert!(error.source().unwrap().is::<Error>());
    assert_wrong(error, ConfigErrorKind::BadCertificate(2), &bad, words);
}

#[test]
fn what_is_in_memory_has_no_name_and_is_not_shown() {
    let (chain, key) = made();
    let error = server(chain.as_bytes(), chain.as_bytes()).unwrap_err();
    assert_eq!((error.kind(), error.file()), (ConfigErrorKind::NoKey, None));
    assert!(error.to_string().starts_with("PEM in memory: "));
    assert_eq!(format!("{:?}", Pem::from(key.as_bytes())), "Pem(Memory)");
}

#[test]
fn the_provider_is_the_one_given_or_else_the_processs() {
    let (chain, key) = made();
    let (chain, key) = (chain.as_bytes(), key.as_bytes());
    let error = config::server(chain, key, None).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::NoProvider);
    let error = config::client(RootCertStore::empty(), None).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::NoProvider);

    ring::default_provider().install_default().unwrap();
    let default = CryptoProvider::get_default().unwrap();
    let server = config::server(chain, key, None).unwrap();
    assert!(Arc::ptr_eq(server.crypto_provider(), default));
    let given = provider();
    let client = config::client(config::roots(chain).unwrap(), given.clone()).unwrap();
    assert!(Arc::ptr_eq(
        client.crypto_provider(),
        given.as_ref().unwrap()
    ));
    talk(&Configs { client, server });

    let mut nothing = ring::default_provider();
    nothing.cipher_suites.clear();
    let error = config::server(chain, key, Some(Arc::new(nothing))).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::BadProvider);
}

/// The variable that stands for the system's roots.
const ROOTS: &str = "SSL_CERT_FILE";
/// Where a run of this test in an environment of its own finds the server's key.
const KEY: &str = "TLS_LAYER_TEST_KEY";

#[test]
fn the_systems_roots_are_trusted_if_there_are_any() {
    let Some(key) = env::var_os(KEY) else {
        let (chain, key) = made();
        let (chain, key) = (file("native.pem", &chain), file("native-key.pem", &key));
        let test = "config::the_systems_roots_are_trusted_if_there_are_any";
        run_again(test, &chain, &key);
        // A file without a certificate.
        return run_again(test, &key, &key);
    };
    let (roots, key) = (
        PathBuf::from(env::var_os(ROOTS).unwrap()),
        PathBuf::from(key),
    );
    if roots == key {
        let error = config::native_roots().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::NoCertificate);
        assert_eq!(
            error.to_string(),
            "the system's roots: there is no certificate"
        );
    } else {
        talk(&Configs {
            client: config::client(config::native_roots().unwrap(), provider()).unwrap(),
            server: server(&roots, &key).unwrap(),
        });
    }
}

/// Runs a test once more, in a process with other roots.
#[track_caller]
fn run_again(test: &str, roots: &Path, key: &Path) {
    let done = Command::new(env::current_exe().unwrap())
        .args(["--exact", test])
        .env(ROOTS, roots)
        .env(KEY, key)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}
