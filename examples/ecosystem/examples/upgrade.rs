//! HTTP's `Upgrade`, and then a layer pushed on the very connection over which HTTP was spoken: zstd, above
//! the TLS that was there before.

#[path = "../../certificate/mod.rs"]
mod certificate;

use compress_layer::CompressLayer;
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, UPGRADE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, client, upgrade};
use hyper_stack::take_back;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use stack::{Connection, tower::BoxError};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Body = Empty<Bytes>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (certificate, config) = certificate::make("localhost")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move {
        let connection =
            Connection::wrap(listener.accept().await?.0, TlsLayer::server(config)).await?;
        let server = auto::Builder::new(TokioExecutor::new());
        let io = TokioIo::new(connection);
        server
            .serve_connection_with_upgrades(io, service_fn(answer))
            .await
    });

    let tls = TlsLayer::client(certificate::trust(certificate)?, "localhost".try_into()?);
    let connection = Connection::wrap(TcpStream::connect(address).await?, tls).await?;
    let (mut client, http) = client::conn::http1::handshake(TokioIo::new(connection)).await?;
    tokio::spawn(http.with_upgrades());
    let request = Request::builder()
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "zstd")
        .body(Body::new())?;
    let answer = client.send_request(request).await?;
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);

    let mut connection = take_back::<TcpStream>(upgrade::on(answer).await?)?;
    connection.push(CompressLayer::zstd(3)).await?;
    println!("{}", connection.stack());
    assert_eq!(
        connection.stack().to_string(),
        "app <=> zstd <=> tls <=> network"
    );
    let question = "what every line says, again and again\n".repeat(1000);
    connection.write_all(question.as_bytes()).await?;
    connection.shutdown().await?;
    let mut echo = String::new();
    connection.read_to_string(&mut echo).await?;
    println!("{:#}", connection.stack());
    assert_eq!(echo, question);
    server.await?
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    let upgrade = upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut connection = take_back::<TcpStream>(upgrade.await?)?;
        // What rode behind the request, in the same segment, is zstd's already.
        connection.push(CompressLayer::zstd(3)).await?;
        let (mut reader, mut writer) = tokio::io::split(connection);
        tokio::io::copy(&mut reader, &mut writer).await?;
        writer.shutdown().await?;
        Ok::<_, BoxError>(())
    });
    let answer = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    let answer = answer.header(CONNECTION, "upgrade").header(UPGRADE, "zstd");
    Ok(answer.body(Body::new())?)
}

#[test]
fn it_runs() -> Result<(), BoxError> {
    main()
}
