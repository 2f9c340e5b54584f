//! hyper-util's client over our connections, and nginx.

use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::Uri;
use hyper::body::Bytes;
use hyper_stack::Stream;
use hyper_util::client::legacy::{Client, connect::Connect};
use hyper_util::rt::TokioExecutor;
use peers::{Daemon, Result};
use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, SupportedProtocolVersion};
use stack::tower::PushLayer;
use stack::{Connection, Handle, Template};
use tls_layer::TlsLayer;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tower::{ServiceBuilder, service_fn};

const H2: &str = "h2";
const H1: &str = "http/1.1";

type Pool<C> = Client<C, Empty<Bytes>>;

/// A client that speaks these protocols, to one of nginx's services, and handles on its connections.
fn pool(
    nginx: &Daemon,
    service: &str,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> Result<(
    Pool<impl Connect + Clone + use<>>,
    mpsc::UnboundedReceiver<Handle>,
)> {
    let address = nginx.address(service)?;
    let mut config = nginx.authority().client(versions)?;
    config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
    let config = Arc::new(config);
    let name = rustls::pki_types::ServerName::try_from("localhost")?;
    let tls = move || TlsLayer::client(Arc::clone(&config), name.clone());
    let (made, handles) = mpsc::unbounded_channel();
    let connector = ServiceBuilder::new()
        .map_response(Stream::for_hyper)
        .map_response(move |mut connection: Connection<TcpStream>| {
            let _ = made.send(connection.handle());
            connection
        })
        .layer(PushLayer::new(Template::new().layer("tls", tls)))
        .service(service_fn(move |_| TcpStream::connect(address)));
    let client = Client::builder(TokioExecutor::new()).build(connector);
    Ok((client, handles))
}

async fn get(
    client: &Pool<impl Connect + Clone + Send + Sync + 'static>,
    path: &str,
) -> Result<String> {
    let uri: Uri = format!("https://localhost{path}").parse()?;
    let answer = client.get(uri).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.into())?)
}

#[tokio::test]
async fn both_versions_each_on_one_connection() -> Result<()> {
    if !Daemon::is_here(&["nginx"]) {
        return Ok(());
    }
    let nginx = Daemon::start("nginx", &["HTTPS", "IDLE"]).await?;
    let numbers: String = (1..=200_000).map(|n| format!("{n}\n")).collect();
    for (protocols, expected) in [
        (&[H2, H1][..], "HTTP/2.0 "),
        (&[H2], "HTTP/2.0 "),
        (&[H1], "HTTP/1.1 "),
        (&[], "HTTP/1.1 "),
    ] {
        for version in [&TLS12, &TLS13] {
            let (client, _) = pool(&nginx, "HTTPS", &[version], protocols)?;
            let first = get(&client, "/").await?;
            assert!(first.starts_with(expected), "{protocols:?}: {first}");
            assert!(get(&client, "/numbers").await? == numbers);
            assert_eq!(get(&client, "/").await?, first);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_connection_that_nginx_ends_leaves_the_pool() -> Result<()> {
    if !Daemon::is_here(&["nginx"]) {
        return Ok(());
    }
    let nginx = Daemon::start("nginx", &["HTTPS", "IDLE"]).await?;
    for protocol in [H2, H1] {
        let (client, mut handles) = pool(&nginx, "IDLE", ALL_VERSIONS, &[protocol])?;
        let first = get(&client, "/").await?;
        let handle = handles.recv().await.ok_or("nobody has connected")?;
        // Until hyper has dropped it.
        let mut notices = handle.notices();
        while notices.next().await.is_some() {}
        assert_ne!(get(&client, "/").await?, first);
    }
    Ok(())
}
