//! hyper's servers.

use std::pin::pin;
use std::sync::Arc;

use hyper::client;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::{ClientConfig, ServerConfig};
use stack::{Connection, ErrorKind, Limits, Template};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use crate::setting::{H1, H2, NAME, Result, configs, echo, hello, now, request, server, text};

/// A connection with TLS, whose handshake is done by whoever reads.
fn ours(io: DuplexStream, config: Arc<ServerConfig>) -> Result<Connection<DuplexStream>> {
    Ok(Connection::with_template(io, &server(config))?)
}

/// Serves a connection until it is told to end gracefully. Says of each request that it is there.
async fn serve(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    begun: mpsc::UnboundedSender<()>,
    end: oneshot::Receiver<()>,
) -> Result<()> {
    let service = service_fn(move |request| {
        let _ = begun.send(());
        echo(request)
    });
    let server = Builder::new(TokioExecutor::new());
    let mut served = pin!(server.serve_connection(TokioIo::new(io), service));
    tokio::select! {
        served = &mut served => served,
        _ = end => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    }
}

/// A client of tokio-rustls.
async fn connect(io: DuplexStream, config: &Arc<ClientConfig>) -> Result<TlsStream<DuplexStream>> {
    let connector = TlsConnector::from(Arc::clone(config));
    Ok(connector.connect(NAME.try_into()?, io).await?)
}

#[tokio::test]
async fn http_1_is_served_and_ends_gracefully() -> Result<()> {
    let (client, config) = configs(&[H1], &[H2, H1])?;
    let (near, far) = duplex(1000);
    let ((begun, _begins), (end, ended)) = (mpsc::unbounded_channel(), oneshot::channel());
    let served = tokio::spawn(serve(ours(far, config)?, begun, ended));
    let io = TokioIo::new(connect(near, &client).await?);
    let (mut client, http) = client::conn::http1::handshake(io).await?;
    let http = tokio::spawn(http.without_shutdown());
    let body = "b".repeat(100_000);
    let answer = client.send_request(request(body.clone())).await?;
    assert_eq!(text(answer).await?, format!("HTTP/1.1 {body}"));
    end.send(()).expect("the server waits for it");
    served.await??;
    // tokio-rustls would complain if there were no close_notify.
    let mut stream = http.await??.io.into_inner();
    assert_eq!(stream.read(&mut [0; 1]).await?, 0);
    Ok(())
}

#[tokio::test]
async fn http_2_is_served_and_ends_gracefully() -> Result<()> {
    let (client, config) = configs(&[H2], &[H2, H1])?;
    let (near, far) = duplex(1000);
    let ((begun, _begins), (end, ended)) = (mpsc::unbounded_channel(), oneshot::channel());
    let served = tokio::spawn(serve(ours(far, config)?, begun, ended));
    let io = TokioIo::new(connect(near, &client).await?);
    let exec = TokioExecutor::new();
    let (mut client, http) = client::conn::http2::handshake(exec, io).await?;
    let http = tokio::spawn(http);
    let body = "b".repeat(100_000);
    let answer = client.send_request(request(body.clone())).await?;
    assert_eq!(text(answer).await?, format!("HTTP/2.0 {body}"));
    end.send(()).expect("the server waits for it");
    http.await??;
    // The client is gone at the first GOAWAY, so here, as with tokio-rustls, the second meets nobody.
    let _ = served.await?;
    Ok(())
}

#[tokio::test]
async fn what_is_under_way_is_answered_before_the_end() -> Result<()> {
    let (client, config) = configs(&[H1], &[H1])?;
    let (near, far) = duplex(1000);
    let ((begun, mut begins), (end, ended)) = (mpsc::unbounded_channel(), oneshot::channel());
    let served = tokio::spawn(serve(ours(far, config)?, begun, ended));
    let mut client = connect(near, &client).await?;
    let request = b"POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\nha";
    client.write_all(request).await?;
    client.flush().await?;
    begins.recv().await.ok_or("the server has ended")?;
    end.send(()).expect("the server waits for it");
    tokio::task::yield_now().await;
    client.write_all(b"lf").await?;
    client.flush().await?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).await?;
    assert!(answer.ends_with("HTTP/1.1 half"), "{answer}");
    served.await?
}

/// hyper serves at once, and reads where the handshake is to be; so that ends it, too.
#[tokio::test(start_paused = true)]
async fn a_silent_client_is_gone_at_the_deadline() -> Result<()> {
    let (_, config) = configs(&[H1], &[H1])?;
    let limits = Limits::default();
    let handshake = limits.handshake;
    let template = server(config).limits(limits);
    let began = now();
    let (_near, far) = duplex(1000);
    let ((begun, _begins), (_end, ended)) = (mpsc::unbounded_channel(), oneshot::channel());
    let connection = Connection::with_template(far, &template)?;
    let error = serve(connection, begun, ended)
        .await
        .expect_err("nobody spoke");
    assert_eq!(now(), began + handshake);
    assert_eq!(kind(&*error), Some(ErrorKind::TimedOut), "{error:?}");
    Ok(())
}

/// A server without TLS's end mark has cut the answer short, which hyper says, as with tokio-rustls.
#[tokio::test]
async fn an_answer_until_the_end_that_is_cut_short_is_an_error() -> Result<()> {
    for notified in [true, false] {
        let (client, config) = configs(&[H1], &[H1])?;
        let (near, far) = duplex(10_000);
        let served = tokio::spawn(answer_to_the_end(far, config, notified));
        let template = crate::setting::client(client);
        let io = TokioIo::new(Connection::from_template(near, &template).await?);
        let (mut client, http) = client::conn::http1::handshake(io).await?;
        tokio::spawn(http);
        let answer = client.send_request(request("")).await?;
        match text(answer).await {
            Ok(text) => assert!(notified && text == "hello"),
            Err(error) => {
                assert!(!notified, "{error:?}");
                assert_eq!(kind(&*error), Some(ErrorKind::Truncated), "{error:?}");
            }
        }
        served.await??;
    }
    Ok(())
}

async fn answer_to_the_end(
    io: DuplexStream,
    config: Arc<ServerConfig>,
    notified: bool,
) -> Result<()> {
    let mut stream = TlsAcceptor::from(config).accept(io).await?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await?);
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await?;
    stream.flush().await?;
    if notified {
        stream.shutdown().await?;
    }
    Ok(())
}

/// The kind of the stack's error that is at the bottom of this one.
fn kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut error = Some(error);
    while let Some(it) = error {
        if let Some(it) = it.downcast_ref::<stack::Error>() {
            return Some(it.kind());
        }
        if let Some(it) = it.downcast_ref::<std::io::Error>()
            && let Some(it) = it
                .get_ref()
                .and_then(|it| it.downcast_ref::<stack::Error>())
        {
            return Some(it.kind());
        }
        error = it.source();
    }
    None
}

/// The stack does not matter to hyper: compression alone, too.
#[tokio::test]
async fn http_over_compression_alone() -> Result<()> {
    let template = Template::new().layer("zstd", || compress_layer::CompressLayer::zstd(3));
    let (near, far) = duplex(1000);
    let far = TokioIo::new(Connection::with_template(far, &template)?);
    let server = Builder::new(TokioExecutor::new());
    tokio::spawn(async move { server.serve_connection(far, service_fn(hello)).await });
    let near = TokioIo::new(Connection::with_template(near, &template)?);
    let (mut client, http) = client::conn::http1::handshake(near).await?;
    tokio::spawn(http);
    assert_eq!(
        text(client.send_request(request("")).await?).await?,
        "hello"
    );
    Ok(())
}
