//! TLS on a live connection: what others write, and where it may come in.

use std::sync::Arc;

use compress_layer::CompressLayer;
use rustls::ServerConfig;
use stack::{Connection, Residue};
use tls_layer::{EARLY_DATA, TlsInfo, TlsLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::TlsConnector;

use crate::real::{client, configs, name, pattern, server};

/// Without session tickets, so that nothing else comes.
pub(crate) fn without_tickets(config: &ServerConfig) -> Arc<ServerConfig> {
    let mut config = config.clone();
    config.send_tls13_tickets = 0;
    Arc::new(config)
}

#[tokio::test]
async fn a_key_update_is_answered_while_the_owner_only_reads() {
    let (client_config, server_config) = configs();
    let (near, far) = duplex(16_384);
    let reads = async {
        let tls = server(&without_tickets(&server_config));
        let mut connection = Connection::wrap(near, tls).await.unwrap();
        let mut said = [0; 3];
        connection.read_exact(&mut said).await.unwrap();
        said
    };
    let asks = async {
        let connector = TlsConnector::from(client_config);
        let mut stream = connector.connect(name(), far).await.unwrap();
        stream.get_mut().1.refresh_traffic_keys().unwrap();
        stream.flush().await.unwrap();
        let (io, session) = stream.get_mut();
        let mut answer = [0; 5];
        io.read_exact(&mut answer).await.unwrap();
        // A protected record, which holds no more than the five bytes of a KeyUpdate.
        assert_eq!(answer, [23, 3, 3, 0, 5 + 1 + 16]);
        let mut body = [0; 22];
        io.read_exact(&mut body).await.unwrap();
        let record = [&answer[..], &body].concat();
        session.read_tls(&mut &record[..]).unwrap();
        session.process_new_packets().unwrap();
        stream.write_all(b"end").await.unwrap();
        stream.flush().await.unwrap();
        stream
    };
    let (said, _stream) = tokio::join!(reads, asks);
    assert_eq!(&said, b"end");
}

/// A codec runs on a plain connection, and TLS is put below it, for instance by a proxy that has
/// negotiated it late.
#[tokio::test]
async fn tls_comes_in_below_a_layer_that_runs() {
    let (client_config, server_config) = configs();
    let (near, far) = duplex(65_536);
    let body = pattern(300_000, 3);
    let end = async |io, tls: TlsLayer, first: bool| {
        let mut connection = Connection::new(io);
        let codec = connection.push(CompressLayer::zstd(3)).await.unwrap();
        let mut said = [0; 5];
        connection.write_all(b"plain").await.unwrap();
        connection.flush().await.unwrap();
        connection.read_exact(&mut said).await.unwrap();
        // In silence: nothing is on its way now, in either direction.
        let tls = tls.with_residue(Residue::Feed);
        let tls = connection.insert_below(codec, tls).await.unwrap();
        let drawn = connection.stack().to_string();
        assert_eq!(drawn, "app <=> zstd <=> tls <=> network");
        let mut seen = vec![0; body.len()];
        for writes in [first, !first] {
            if writes {
                connection.write_all(&body).await.unwrap();
                connection.flush().await.unwrap();
            } else {
                connection.read_exact(&mut seen).await.unwrap();
            }
        }
        assert!(seen == body && connection.info::<TlsInfo>().is_some());
        let epoch = connection.read_epoch();
        assert_eq!(epoch.layers().collect::<Vec<_>>(), ["tls", "zstd"]);
        connection.pop(codec).await.unwrap();
        connection.pop(tls).await.unwrap();
        connection
    };
    let (_a, _b) = tokio::join!(
        end(near, client(&client_config), true),
        end(far, server(&server_config), false)
    );
}

/// A server that awaits its push has the early data before the client has ended its handshake.
#[tokio::test]
async fn early_data_is_read_before_the_handshake_is_over() {
    let (client_config, server_config) = configs();
    let mut client_config = Arc::unwrap_or_clone(client_config);
    client_config.enable_early_data = true;
    let mut server_config = Arc::unwrap_or_clone(server_config);
    server_config.max_early_data_size = 16_384;
    server_config.send_half_rtt_data = true;
    let (client_config, server_config) = (Arc::new(client_config), Arc::new(server_config));
    for known in [false, true] {
        let (near, far) = duplex(65_536);
        let visits = async {
            let tls = client(&client_config).with_early_data("hello");
            let mut connection = Connection::wrap(near, tls).await.unwrap();
            connection.write_all(b" again").await.unwrap();
            connection.shutdown().await.unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "welcome");
            assert_eq!(connection.info::<TlsInfo>().unwrap().early_data, known);
        };
        let serves = async {
            let mut connection = Connection::new(far);
            let tls = server(&server_config).taking_early_data();
            connection.push(tls).await.unwrap();
            let mut said = [0; 5];
            connection.read_exact(&mut said).await.unwrap();
            assert_eq!(&said, b"hello");
            connection.write_all(b"welcome").await.unwrap();
            let mut rest = String::new();
            connection.read_to_string(&mut rest).await.unwrap();
            assert_eq!(rest, " again");
            connection.shutdown().await.unwrap();
        };
        tokio::join!(visits, serves);
    }

    // And which of it was early.
    let (near, far) = duplex(65_536);
    let visits = async {
        let tls = client(&client_config).with_early_data("hello");
        let mut connection = Connection::wrap(near, tls).await.unwrap();
        connection.write_all(b" again").await.unwrap();
        connection.flush().await.unwrap();
        connection
    };
    let serves = async {
        let mut connection = Connection::new(far);
        let tls = server(&server_config).taking_early_data();
        connection.push(tls).await.unwrap();
        let mut seen = Vec::new();
        for _ in 0..2 {
            let mut said = [0; 100];
            let n = connection.read(&mut said).await.unwrap();
            seen.push(String::from_utf8_lossy(&said[..n]).into_owned());
            if seen.len() == 1 {
                let epoch = connection.read_epoch();
                assert!(epoch.layers().eq([EARLY_DATA]) || epoch.layers().eq(["tls"]));
            }
        }
        assert_eq!(seen, ["hello", " again"]);
        assert!(connection.read_epoch().layers().eq(["tls"]));
        connection
    };
    tokio::join!(visits, serves);
}
