//! gRPC by tonic over zstd over TLS, both as layers, and both described once: a call with one answer, and
//! one with a stream of them.

#[path = "../../certificate/mod.rs"]
mod certificate;

use std::io;
use std::sync::Arc;

use compress_layer::CompressLayer;
use hyper_stack::Stream;
use stack::tower::{BoxError, PushLayer};
use stack::{Connection, Template};
use tls_layer::TlsLayer;
use tokio::net::{TcpListener, TcpStream};
use tokio_stream::{StreamExt, wrappers::TcpListenerStream};
use tonic::transport::{Endpoint, Server, Uri};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};
use tonic_health::pb::health_client::HealthClient;
use tower::{ServiceBuilder, service_fn};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (certificate, config) = certificate::make("localhost")?;
    let template = Template::new()
        .layer("tls", move || TlsLayer::server(Arc::clone(&config)))
        .layer("zstd", || CompressLayer::zstd(3));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // Handshakes are done where the connections are served.
    let incoming = TcpListenerStream::new(listener).map(move |socket| {
        let socket = socket?;
        socket.set_nodelay(true)?; // as tonic's own sockets
        let connection = Connection::with_template(socket, &template)?;
        Ok::<_, BoxError>(Stream(connection))
    });
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter
        .set_service_status("parcels", ServingStatus::Serving)
        .await;
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming),
    );

    let config = certificate::trust(certificate)?;
    let name = rustls::pki_types::ServerName::try_from("localhost")?;
    let template = Template::new()
        .layer("tls", move || {
            TlsLayer::client(Arc::clone(&config), name.clone())
        })
        .layer("zstd", || CompressLayer::zstd(3));
    let connector = ServiceBuilder::new()
        .map_response(Stream::for_hyper)
        .layer(PushLayer::new(template))
        .service(service_fn(move |_: Uri| async move {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok::<_, io::Error>(socket)
        }));
    // http://, for what TLS there is the connector has, and not tonic.
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector).await?;
    let mut client = HealthClient::new(channel);

    let request = HealthCheckRequest {
        service: "parcels".into(),
    };
    let answer = client.check(request.clone()).await?.into_inner();
    println!("check: {:?}", answer.status());
    assert_eq!(answer.status(), Serving);

    let mut answers = client.watch(request).await?.into_inner();
    for expected in [Serving, NotServing] {
        let answer = answers.message().await?.ok_or("the stream has ended")?;
        println!("watch: {:?}", answer.status());
        assert_eq!(answer.status(), expected);
        let status = ServingStatus::NotServing;
        reporter.set_service_status("parcels", status).await;
    }
    Ok(())
}

#[test]
fn it_runs() -> Result<(), BoxError> {
    main()
}
