//! hyper's server and its pooling client, over TLS as a layer: HTTP/2 because ALPN says so, and the second
//! request on the connection of the first.

#[path = "../../certificate/mod.rs"]
mod certificate;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Bytes;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_stack::Stream;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::pki_types::ServerName;
use stack::tower::{BoxError, PushLayer};
use stack::{Connection, Template};
use tls_layer::TlsLayer;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec);
    let (certificate, mut config) = certificate::make("localhost")?;
    Arc::make_mut(&mut config).alpn_protocols = protocols.to_vec();
    let template = Template::new().layer("tls", move || TlsLayer::server(Arc::clone(&config)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let uri: Uri = format!("https://localhost:{}/", listener.local_addr()?.port()).parse()?;
    tokio::spawn(serve(listener, template));

    let mut config = certificate::trust(certificate)?;
    Arc::make_mut(&mut config).alpn_protocols = protocols.to_vec();
    let layers = move |uri: &Uri| {
        let name = ServerName::try_from(uri.host().unwrap_or_default())?.to_owned();
        let config = Arc::clone(&config);
        let tls = move || TlsLayer::client(Arc::clone(&config), name.clone());
        Ok::<_, BoxError>(Template::new().layer("tls", tls))
    };
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false); // https:// is welcome: the layer is above it
    let connector = ServiceBuilder::new()
        .map_response(Stream::for_hyper)
        .layer(PushLayer::new(layers))
        .map_response(TokioIo::into_inner)
        .service(tcp);
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);

    let mut answers = Vec::new();
    for _ in 0..2 {
        let body = client.get(uri.clone()).await?.into_body();
        answers.push(String::from_utf8(body.collect().await?.to_bytes().into())?);
    }
    println!("{answers:#?}");
    assert!(answers[0].ends_with("by HTTP/2.0") && answers[0] == answers[1]);
    Ok(())
}

/// Accepts; the handshake is done where the connection is served.
async fn serve(listener: TcpListener, template: Template) -> Result<(), BoxError> {
    loop {
        let (socket, peer) = listener.accept().await?;
        let io = TokioIo::new(Connection::with_template(socket, &template)?);
        let answer = service_fn(move |request| answer(peer, request));
        tokio::spawn(async move {
            let server = auto::Builder::new(TokioExecutor::new());
            server.serve_connection(io, answer).await
        });
    }
}

async fn answer<B>(
    peer: SocketAddr,
    request: Request<B>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let answer = format!("{peer} asks by {:?}", request.version());
    Ok(Response::new(answer.into()))
}

#[test]
fn it_runs() -> Result<(), BoxError> {
    main()
}
