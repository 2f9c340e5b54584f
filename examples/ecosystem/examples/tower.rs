//! tower's own limits around a handshake: an acceptor and a connector of connections with TLS and zstd.

#[path = "../../certificate/mod.rs"]
mod certificate;

use std::sync::Arc;
use std::time::Duration;

use compress_layer::CompressLayer;
use rustls::pki_types::ServerName;
use stack::Template;
use stack::tower::{Accept, BoxError, PushLayer};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{ServiceBuilder, ServiceExt, service_fn};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (certificate, server) = certificate::make("localhost")?;
    let client = certificate::trust(certificate)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    // The server: a handshake may take 5 seconds; of more than 100 at once the last are turned away.
    let template = Template::new()
        .layer("tls", move || TlsLayer::server(Arc::clone(&server)))
        .layer("zstd", || CompressLayer::zstd(3));
    let acceptor = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(100)
        .timeout(Duration::from_secs(5))
        .layer(PushLayer::new(template))
        .service(Accept);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await?;
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut connection = acceptor.oneshot(socket).await?;
                println!("server: {}", connection.stack());
                connection.write_all(b"hello").await?;
                Ok::<_, BoxError>(connection.shutdown().await?)
            });
        }
        #[expect(unreachable_code, reason = "it tells the block's type")]
        Ok::<_, BoxError>(())
    });

    // The client: which name the certificate must have is told by the request.
    let layers = move |host: &&'static str| {
        let (config, name) = (Arc::clone(&client), ServerName::try_from(*host)?);
        let tls = move || TlsLayer::client(Arc::clone(&config), name.clone());
        let template = Template::new().layer("tls", tls);
        Ok::<_, BoxError>(template.layer("zstd", || CompressLayer::zstd(3)))
    };
    let connector = ServiceBuilder::new()
        .timeout(Duration::from_secs(10))
        .layer(PushLayer::new(layers))
        .service(service_fn(move |_| TcpStream::connect(address)));

    let mut connection = connector.clone().oneshot("localhost").await?;
    println!("client: {}", connection.stack());
    let mut said = String::new();
    connection.read_to_string(&mut said).await?;
    assert_eq!(said, "hello");

    let error = connector
        .oneshot("elsewhere")
        .await
        .expect_err("it has another name");
    println!("elsewhere: {error}");
    assert!(error.is::<stack::Error>());
    Ok(())
}

#[test]
fn it_runs() -> Result<(), BoxError> {
    main()
}
