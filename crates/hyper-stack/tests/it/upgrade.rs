//! What was upgraded is taken back with what hyper had read ahead, and layers are pushed on it.

use std::convert::Infallible;

use compress_layer::CompressLayer;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, UPGRADE};
use hyper::service::service_fn;
use hyper::upgrade::{self, OnUpgrade, Upgraded};
use hyper::{Method, Request, Response, StatusCode, client, server};
use hyper_stack::take_back;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use stack::{Connection, Layer, PushError, Residue};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::peer::{Peer, both};
use crate::setting::{Body, Result, client_layer, configs};

// ---- the client is hyper's ----

const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: it\r\n\r\n";
const TUNNELLED: &str = "HTTP/1.1 200 OK\r\n\r\n";

/// Asks for an upgrade or a tunnel.
async fn upgraded<Io>(io: Io, method: Method) -> Result<Upgraded>
where
    Io: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (mut client, http) = client::conn::http1::handshake(io).await?;
    tokio::spawn(http.with_upgrades());
    let mut request = Request::builder().uri("peer.test:443");
    if method != Method::CONNECT {
        let headers = request.uri("/").header(CONNECTION, "upgrade");
        request = headers.header(UPGRADE, "it");
    }
    let request = request.method(method).body(Body::default())?;
    let answer = client.send_request(request).await?;
    Ok(upgrade::on(answer).await?)
}

/// Takes the connection back when that is there.
async fn ask(io: DuplexStream, method: Method) -> Result<Connection<DuplexStream>> {
    let io = TokioIo::new(Connection::new(io));
    Ok(take_back(upgraded(io, method).await?)?)
}

#[tokio::test(start_paused = true)]
async fn a_client_has_what_rides_behind_a_101_at_every_cut() -> Result<()> {
    let mut cut = 0;
    loop {
        let (near, far) = duplex(4096);
        let mut peer = Peer::new(far);
        let theirs = async {
            peer.head().await?;
            peer.say(SWITCHED, CompressLayer::zstd(3), "hello")?;
            let goes_on = peer.send(cut).await?;
            peer.reads(b"thanks").await?;
            Result::Ok(goes_on)
        };
        let ours = async {
            let mut connection = ask(near, Method::GET).await?;
            connection.push(CompressLayer::zstd(3)).await?;
            let mut heard = [0; 5];
            connection.read_exact(&mut heard).await?;
            assert_eq!(&heard, b"hello");
            connection.write_all(b"thanks").await?;
            connection.flush().await?;
            Ok(connection)
        };
        let (goes_on, _) = both(theirs, ours).await?;
        cut += 1;
        if !goes_on {
            assert!(cut > SWITCHED.len(), "{cut}");
            return Ok(());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_pushes_tls_in_a_tunnel_at_every_cut() -> Result<()> {
    let (client, server) = configs(&[], &[])?;
    for cut in 0..=TUNNELLED.len() {
        let (near, far) = duplex(4096);
        let mut peer = Peer::new(far);
        let theirs = async {
            peer.head().await?;
            peer.say(TUNNELLED, TlsLayer::server(server.clone()), "hello")?;
            peer.send(cut).await?;
            peer.reads(b"thanks").await
        };
        let ours = async {
            let mut connection = ask(near, Method::CONNECT).await?;
            connection.push(client_layer(&client)).await?;
            let mut heard = [0; 5];
            connection.write_all(b"thanks").await?;
            connection.read_exact(&mut heard).await?;
            assert_eq!(&heard, b"hello");
            assert_eq!(connection.stack().to_string(), "app <=> tls <=> network");
            Ok(connection)
        };
        both(theirs, ours).await?;
    }
    Ok(())
}

/// Whoever is between may write behind the 200, in clear; nobody must take that for TLS's.
#[tokio::test(start_paused = true)]
async fn what_is_smuggled_behind_a_200_is_an_error_at_every_cut() -> Result<()> {
    let (client, _) = configs(&[], &[])?;
    let smuggled = format!("{TUNNELLED}smuggled");
    for cut in 0..=smuggled.len() {
        let (near, far) = duplex(4096);
        let mut peer = Peer::new(far);
        let theirs = async {
            peer.head().await?;
            peer.stack.write(smuggled.as_bytes())?;
            peer.stack.flush();
            peer.send(cut).await
        };
        let ours = async {
            let mut connection = ask(near, Method::CONNECT).await?;
            let pushed = connection.push(client_layer(&client)).await;
            let read = connection.read(&mut [0; 9]).await;
            Result::Ok((pushed, read, connection))
        };
        let (_, (pushed, read, _open)) = both(theirs, ours).await?;
        let error = pushed.expect_err("it is no TLS");
        if cut == 0 {
            assert!(matches!(error, PushError::Rejected { .. }), "{error:?}");
        }
        read.expect_err("it is no TLS");
    }
    Ok(())
}

// ---- the server is hyper's ----

const UPGRADES: &str =
    "GET / HTTP/1.1\r\nhost: peer.test\r\nconnection: upgrade\r\nupgrade: it\r\n\r\n";
const CONNECTS: &str = "CONNECT peer.test:443 HTTP/1.1\r\nhost: peer.test:443\r\n\r\n";

/// Which of the servers.
#[derive(Clone, Copy, Debug)]
enum Builder {
    Http1,
    Auto,
}

/// Serves until an upgrade, pushes the layer, and says what it hears.
async fn serve<L: Layer>(io: DuplexStream, builder: Builder, layer: L) -> Result<()> {
    let (upgrades, mut upgrade) = mpsc::unbounded_channel();
    let service = service_fn(move |request| {
        let answer = agree(request, &upgrades);
        async { Ok::<_, Infallible>(answer) }
    });
    let io = TokioIo::new(Connection::new(io));
    match builder {
        Builder::Http1 => {
            let http = server::conn::http1::Builder::new();
            http.serve_connection(io, service).with_upgrades().await?;
        }
        Builder::Auto => {
            let http = auto::Builder::new(TokioExecutor::new());
            http.serve_connection_with_upgrades(io, service).await?;
        }
    }
    let upgrade = upgrade.recv().await.ok_or("nobody has asked")?;
    let mut connection = take_back::<DuplexStream>(upgrade.await?)?;
    connection
        .push(layer)
        .await
        .map_err(|error| error.error().clone())?;
    let mut heard = [0; 5];
    connection.read_exact(&mut heard).await?;
    connection.write_all(&heard).await?;
    Ok(connection.shutdown().await?)
}

fn agree(
    mut request: Request<Incoming>,
    upgrades: &mpsc::UnboundedSender<OnUpgrade>,
) -> Response<Body> {
    upgrades.send(upgrade::on(&mut request)).expect("it waits");
    let mut answer = Response::new(Body::default());
    if request.method() != Method::CONNECT {
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        for (name, value) in [(CONNECTION, "upgrade"), (UPGRADE, "it")] {
            answer
                .headers_mut()
                .insert(name, value.parse().expect("a value"));
        }
    }
    answer
}

#[tokio::test(start_paused = true)]
async fn a_server_has_what_rides_behind_the_request_at_every_cut() -> Result<()> {
    for builder in [Builder::Http1, Builder::Auto] {
        let (mut cut, mut goes_on) = (0, true);
        while goes_on {
            let (near, far) = duplex(4096);
            let mut peer = Peer::new(near);
            peer.say(UPGRADES, CompressLayer::zstd(3), "hello")?;
            let theirs = async {
                goes_on = peer.send(cut).await?;
                peer.head().await?;
                peer.reads(b"hello").await
            };
            both(theirs, serve(far, builder, CompressLayer::zstd(3))).await?;
            cut += 1;
        }
        assert!(cut > UPGRADES.len(), "{cut}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_has_a_client_hello_that_rides_behind_connect_at_every_cut() -> Result<()> {
    let (client, server) = configs(&[], &[])?;
    for builder in [Builder::Http1, Builder::Auto] {
        let (mut cut, mut goes_on) = (0, true);
        while goes_on {
            let (near, far) = duplex(4096);
            let mut peer = Peer::new(near);
            peer.say(CONNECTS, client_layer(&client), "hello")?;
            let theirs = async {
                goes_on = peer.send(cut).await?;
                peer.head().await?;
                peer.reads(b"hello").await
            };
            let tls = TlsLayer::server(server.clone()).with_residue(Residue::Feed);
            both(theirs, serve(far, builder, tls)).await?;
            cut += 1;
        }
        assert!(cut > CONNECTS.len() + 100, "{cut}");
    }
    Ok(())
}

/// Unless it is said that it may, nothing rides behind.
#[tokio::test(start_paused = true)]
async fn a_client_hello_that_rides_behind_is_residue() -> Result<()> {
    let (client, server) = configs(&[], &[])?;
    let (near, far) = duplex(4096);
    let mut peer = Peer::new(near);
    peer.say(CONNECTS, client_layer(&client), "")?;
    peer.send(0).await?;
    let refused = serve(far, Builder::Auto, TlsLayer::server(server)).await;
    let error = refused.expect_err("the hello came too early");
    let error = error.downcast::<stack::Error>()?;
    assert_eq!(error.kind(), stack::ErrorKind::Residue);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_no_connection_of_ours_is_an_error() -> Result<()> {
    let (near, far) = duplex(4096);
    let mut peer = Peer::new(far);
    let theirs = async {
        peer.head().await?;
        peer.stack.write(SWITCHED.as_bytes())?;
        peer.stack.flush();
        peer.send(0).await
    };
    let ours = async {
        let upgraded = upgraded(TokioIo::new(near), Method::GET).await?;
        Ok(take_back::<TcpStream>(upgraded))
    };
    let (_, taken) = both(theirs, ours).await?;
    let error = taken.expect_err("it is another stream");
    assert!(error.to_string().contains("TcpStream"), "{error}");
    Ok(())
}
