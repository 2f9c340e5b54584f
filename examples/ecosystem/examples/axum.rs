//! axum over TLS as a layer. Nobody shakes hands inside accept: a client that says nothing, as the first
//! one here, holds up no other. A handler sees what its connection is made of.

#[path = "../../certificate/mod.rs"]
mod certificate;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::{Router, extract::ConnectInfo, routing::get};
use hyper_stack::{Listener, Peer};
use stack::tower::BoxError;
use stack::{Connection, Template};
use tls_layer::{TlsInfo, TlsLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (certificate, config) = certificate::make("localhost")?;
    let template = Template::new().layer("tls", move || TlsLayer::server(Arc::clone(&config)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = Router::new().route("/", get(who));
    let app = app.into_make_service_with_connect_info::<Peer<SocketAddr>>();
    let listener = Listener::new(listener, template)?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    let _silent = TcpStream::connect(address).await?;
    let socket = TcpStream::connect(address).await?;
    let me = socket.local_addr()?;
    let tls = TlsLayer::client(certificate::trust(certificate)?, "localhost".try_into()?);
    let mut client = Connection::wrap(socket, tls).await?;
    let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    client.write_all(request).await?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).await?;
    println!("{answer}");
    let expected = format!("{me} by TLS 1.3: app <=> tls <=> network");
    assert!(answer.ends_with(&expected));
    Ok(())
}

async fn who(ConnectInfo(peer): ConnectInfo<Peer<SocketAddr>>) -> Result<String, String> {
    let look = peer.handle.look(|stack| {
        let version = stack.info::<TlsInfo>().map(|info| info.version);
        (version, stack.to_string())
    });
    let (version, drawing) = look.await.map_err(|error| error.to_string())?;
    let version = version.ok_or("no TLS")?;
    Ok(format!("{} by {version}: {drawing}", peer.address))
}

#[test]
fn it_runs() -> Result<(), BoxError> {
    main()
}
