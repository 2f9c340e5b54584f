//! hyper-util's pooling client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use hyper::header::{CONNECTION, UPGRADE};
use hyper::service::service_fn;
use hyper::{Version, upgrade};
use hyper_stack::{Stream, take_back};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpInfo};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::{ClientConfig, ServerConfig};
use stack::Connection;
use stack::tower::PushLayer;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower::{ServiceBuilder, service_fn as connect_fn};

use crate::setting::{Body, H1, H2, Result, client, configs, echo, request, text};

/// A client whose connections go to this address, and how many it has made.
fn pool(
    config: Arc<ClientConfig>,
    address: SocketAddr,
) -> (Client<impl Connect + Clone, Body>, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let connector = ServiceBuilder::new()
        .map_response(Stream::for_hyper)
        .layer(PushLayer::new(client(config)))
        .service(connect_fn(move |_| {
            count.fetch_add(1, Relaxed);
            TcpStream::connect(address)
        }));
    let client = Client::builder(TokioExecutor::new()).build(connector);
    (client, made)
}

/// hyper's server over tokio-rustls.
async fn serve(listener: TcpListener, config: Arc<ServerConfig>) -> Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        let acceptor = TlsAcceptor::from(Arc::clone(&config));
        tokio::spawn(async move {
            let io = TokioIo::new(acceptor.accept(socket).await?);
            let server = Builder::new(TokioExecutor::new());
            server.serve_connection(io, service_fn(echo)).await
        });
    }
}

#[tokio::test]
async fn alpn_decides_the_version_and_the_pool_keeps_the_connection() -> Result<()> {
    let both: &[&[u8]] = &[H2, H1];
    for (theirs, ours, version) in [
        (both, both, Version::HTTP_2),
        (&[H2], both, Version::HTTP_2),
        (both, &[H1], Version::HTTP_11),
        (both, &[], Version::HTTP_11),
        (&[], both, Version::HTTP_11),
    ] {
        let (client, server) = configs(theirs, ours)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (client, made) = pool(client, listener.local_addr()?);
        tokio::spawn(serve(listener, server));
        for n in 1..=3 {
            let answer = client.request(request(format!("request {n}"))).await?;
            // As over the socket alone.
            let info = answer.extensions().get::<HttpInfo>();
            assert_eq!(info.map(HttpInfo::remote_addr), Some(address));
            assert_eq!(text(answer).await?, format!("{version:?} request {n}"));
        }
        assert_eq!(made.load(Relaxed), 1, "{version:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_large_body_goes_both_ways() -> Result<()> {
    for protocol in [H1, H2] {
        let (client, server) = configs(&[protocol], &[protocol])?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (client, _) = pool(client, listener.local_addr()?);
        tokio::spawn(serve(listener, server));
        let body: String = (0..200_000_u32).map(|n| format!("{n}\n")).collect();
        let answer = client.request(request(body.clone())).await?;
        assert!(text(answer).await?.ends_with(&body));
    }
    Ok(())
}

#[test]
fn vectored_writes_are_kept() {
    let stream = Stream::for_hyper(Connection::new(duplex(1).0));
    assert!(hyper::rt::Write::is_write_vectored(&stream));
}

/// How a server ends a connection that is idle.
#[derive(Clone, Copy, Debug)]
enum End {
    /// By a close_notify, and then it waits for the client.
    Notified,
    /// By a close_notify and the socket's end.
    Both,
    /// By the socket's end alone.
    Cut,
}

/// A client that overlooks the end of an idle connection sends the next request into the void.
#[tokio::test]
async fn the_pool_drops_an_idle_connection_that_the_server_ends() -> Result<()> {
    for end in [End::Notified, End::Both, End::Cut] {
        let (client, config) = configs(&[H1], &[H1])?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (client, made) = pool(client, listener.local_addr()?);
        let (dropped, mut is_dropped) = mpsc::unbounded_channel();
        let server = tokio::spawn(async move {
            for _ in 0..2 {
                let (socket, _) = listener.accept().await?;
                let acceptor = TlsAcceptor::from(Arc::clone(&config));
                answer_once(acceptor.accept(socket).await?, end).await?;
                dropped.send(())?;
            }
            Result::Ok(())
        });
        for n in 1..=2 {
            let answer = client.request(request("")).await?;
            assert_eq!(text(answer).await?, "hello", "{end:?}");
            assert_eq!(made.load(Relaxed), n, "{end:?}");
            is_dropped.recv().await.ok_or("the server has failed")?;
        }
        server.await??;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_pool_has_upgraded_is_taken_back() -> Result<()> {
    let (client, config) = configs(&[H1], &[H1])?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (client, _) = pool(client, listener.local_addr()?);
    let server = tokio::spawn(async move {
        let (socket, _) = listener.accept().await?;
        let mut stream = BufReader::new(TlsAcceptor::from(config).accept(socket).await?);
        head(&mut stream).await?;
        let answer =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: it\r\n\r\nhello";
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await?;
        Result::Ok(heard)
    });
    let mut request = request("");
    for (name, value) in [(CONNECTION, "upgrade"), (UPGRADE, "it")] {
        request.headers_mut().insert(name, value.parse()?);
    }
    let answer = client.request(request).await?;
    let mut connection = take_back::<TcpStream>(upgrade::on(answer).await?)?;
    assert_eq!(connection.stack().to_string(), "app <=> tls <=> network");
    let mut heard = [0; 5];
    connection.read_exact(&mut heard).await?;
    assert_eq!(&heard, b"hello");
    connection.write_all(b"thanks").await?;
    connection.shutdown().await?;
    assert_eq!(server.await??, "thanks");
    Ok(())
}

/// Reads a request's head.
async fn head(stream: &mut BufReader<TlsStream<TcpStream>>) -> Result<()> {
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).await?;
    }
    Ok(())
}

/// Answers a request, then ends the connection, and waits until the client has ended it too.
async fn answer_once(stream: TlsStream<TcpStream>, end: End) -> Result<()> {
    let mut stream = BufReader::new(stream);
    head(&mut stream).await?;
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")
        .await?;
    stream.flush().await?;
    let mut stream = stream.into_inner();
    match end {
        End::Notified => {
            stream.get_mut().1.send_close_notify();
            stream.flush().await?;
        }
        End::Both => stream.shutdown().await?,
        End::Cut => stream.get_mut().0.shutdown().await?,
    }
    let mut rest = Vec::new();
    stream.get_mut().0.read_to_end(&mut rest).await?;
    Ok(())
}
