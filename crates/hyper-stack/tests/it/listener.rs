//! axum.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use axum::extract::ConnectInfo;
use axum::routing::any;
use axum::{Router, serve};
use hyper::client;
use hyper_stack::{Listener, Peer};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use stack::{Connection, Limits, Template, Watch};
use tls_layer::TlsInfo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::setting::{H1, H2, NAME, Result, configs, now, request, server, text};

/// Accepts what it is sent, with a number as its address.
struct Memory(mpsc::UnboundedReceiver<DuplexStream>, usize);

impl serve::Listener for Memory {
    type Io = DuplexStream;
    type Addr = usize;

    async fn accept(&mut self) -> (DuplexStream, usize) {
        match self.0.recv().await {
            Some(stream) => {
                self.1 += 1;
                (stream, self.1)
            }
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<usize> {
        Ok(0)
    }
}

/// Where clients of a server of axum's connect.
struct Served(mpsc::UnboundedSender<DuplexStream>);

impl Served {
    fn start(template: Template) -> Result<Self> {
        let (connect, accept) = mpsc::unbounded_channel();
        let listener = Listener::new(Memory(accept, 0), template)?;
        let app = Router::new().route("/", any(who));
        let app = app.into_make_service_with_connect_info::<Peer<usize>>();
        tokio::spawn(async move { serve(listener, app).await });
        Ok(Self(connect))
    }

    fn connect(&self) -> Result<DuplexStream> {
        let (near, far) = duplex(64 * 1024);
        self.0.send(far)?;
        Ok(near)
    }
}

/// Answers with what a handler can know of its connection.
async fn who(ConnectInfo(peer): ConnectInfo<Peer<usize>>) -> String {
    let look = peer.handle.look(|stack| {
        let version = stack.info::<TlsInfo>().map(|info| info.version.to_string());
        format!("{} in {stack}", version.unwrap_or_default())
    });
    format!("{}: {}", peer.address, look.await.expect("it is open"))
}

async fn tls(io: DuplexStream, config: &Arc<ClientConfig>) -> Result<TlsStream<DuplexStream>> {
    let connector = TlsConnector::from(Arc::clone(config));
    Ok(connector.connect(NAME.try_into()?, io).await?)
}

const GET: &str = "GET / HTTP/1.1\r\nhost: it\r\n\r\n";
const LAST: &str = "GET / HTTP/1.1\r\nhost: it\r\nconnection: close\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_holds_up_nobody_and_is_gone_at_the_deadline() -> Result<()> {
    let (client, config) = configs(&[H1], &[H1])?;
    let limits = Limits::default();
    let handshake = limits.handshake;
    let served = Served::start(server(config).limits(limits))?;
    let began = now();
    let mut silent = served.connect()?;
    // One that stops in the midst of its handshake.
    let mut stuck = served.connect()?;
    stuck.write_all(&[0x16, 0x03, 0x01]).await?;

    let mut stream = tls(served.connect()?, &client).await?;
    stream.write_all(LAST.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    assert!(
        answer.ends_with("3: TLS 1.3 in app <=> tls <=> network"),
        "{answer}"
    );
    // So nobody has waited.
    assert_eq!(now(), began);

    for stream in [&mut silent, &mut stuck] {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await?;
        assert_eq!(now(), began + handshake);
    }
    Ok(())
}

/// While a handler runs, hyper polls the connection in the same task; so a look comes back, also with the
/// next request there already.
#[tokio::test]
async fn handlers_see_their_connection() -> Result<()> {
    let (client, config) = configs(&[H2, H1], &[H2, H1])?;
    let served = Served::start(server(config))?;
    let io = TokioIo::new(tls(served.connect()?, &client).await?);
    let exec = TokioExecutor::new();
    let (mut h2, http) = client::conn::http2::handshake(exec, io).await?;
    tokio::spawn(http);
    for _ in 0..2 {
        let answer = h2.send_request(request("")).await?;
        assert_eq!(text(answer).await?, "1: TLS 1.3 in app <=> tls <=> network");
    }

    let mut h1 = tls(served.connect()?, &client).await?;
    h1.write_all([GET, GET, LAST].concat().as_bytes()).await?;
    let mut answers = String::new();
    h1.read_to_string(&mut answers).await?;
    let expected = "2: TLS 1.3 in app <=> tls <=> network";
    assert_eq!(answers.matches(expected).count(), 3, "{answers}");

    // Nobody reads this body, so in the end hyper does not either.
    let mut unread = tls(served.connect()?, &client).await?;
    let head = "POST / HTTP/1.1\r\nhost: it\r\ncontent-length: 1000000\r\n\r\n";
    unread.write_all(head.as_bytes()).await?;
    unread.write_all(&[0; 40_000]).await?;
    unread.flush().await?;
    let mut answer = String::new();
    while !answer.ends_with("network") {
        answer.push(unread.read_u8().await?.into());
    }
    assert!(answer.contains("3: TLS 1.3 in"), "{answer}");
    Ok(())
}

struct Nothing;

impl Watch for Nothing {}

#[tokio::test]
async fn a_layer_that_cannot_be_made_costs_one_connection() -> Result<()> {
    let made = Arc::new(AtomicUsize::new(0));
    let template = Template::new().try_layer("it", move || match made.fetch_add(1, Relaxed) {
        1 => Err("a file is not there"),
        _ => Ok(Nothing),
    });
    // That is the first.
    let served = Served::start(template)?;
    let mut first = served.connect()?;
    assert_eq!(first.read(&mut [0; 1]).await?, 0);
    let mut second = Connection::new(served.connect()?);
    second.write_all(LAST.as_bytes()).await?;
    let mut answer = String::new();
    second.read_to_string(&mut answer).await?;
    assert!(answer.contains("2: "), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_template_that_cannot_be_is_refused_at_the_start() {
    let template = Template::new().try_layer("it", || Err::<Nothing, _>("a file is not there"));
    let (_, accept) = mpsc::unbounded_channel();
    let error = Listener::new(Memory(accept, 0), template).map(drop);
    assert_eq!(error.expect_err("it cannot be").layer(), Some("it"));
}
