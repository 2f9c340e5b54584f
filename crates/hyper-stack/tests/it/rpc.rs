//! tonic.

use std::io;
use std::net::SocketAddr;

use compress_layer::{CompressInfo, CompressLayer};
use hyper_stack::Stream;
use stack::tower::{BoxError, PushLayer};
use stack::{Connection, Template};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::TcpListenerStream};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Endpoint, Server, Uri};
use tonic::{Code, Request};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};
use tonic_health::pb::health_client::HealthClient;
use tower::{ServiceBuilder, service_fn};

use crate::setting::{Result, client, configs, server};

fn zstd(template: Template) -> Template {
    template.layer("zstd", || CompressLayer::zstd(3))
}

fn asks(service: impl Into<String>) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.into(),
    }
}

#[tokio::test]
async fn calls_and_streams_over_zstd_over_tls() -> Result<()> {
    let (trusting, config) = configs(&[], &[])?;
    let (near, far) = (zstd(client(trusting)), zstd(server(config)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = TcpListenerStream::new(listener).map(move |socket| {
        let socket = socket?;
        socket.set_nodelay(true)?; // as tonic's own does
        let connection = Connection::with_template(socket, &far)?;
        Ok::<_, BoxError>(Stream(connection))
    });
    let (reporter, service) = tonic_health::server::health_reporter();
    let (tell, mut callers) = mpsc::unbounded_channel::<Option<SocketAddr>>();
    let service = InterceptedService::new(service, move |request: Request<()>| {
        let _ = tell.send(request.remote_addr());
        Ok(request)
    });
    tokio::spawn(
        Server::builder()
            .add_service(service)
            .serve_with_incoming(incoming),
    );

    let (connected, mut sockets) = mpsc::unbounded_channel();
    let connector = ServiceBuilder::new()
        .map_response(Stream::for_hyper)
        .map_response(move |mut connection: Connection<TcpStream>| {
            let us = connection.io().local_addr().ok();
            let _ = connected.send((us, connection.handle()));
            connection
        })
        .layer(PushLayer::new(near))
        .service(service_fn(move |_: Uri| async move {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok::<_, io::Error>(socket)
        }));
    let endpoint = Endpoint::from_static("http://localhost");
    let mut client = HealthClient::new(endpoint.connect_with_connector(connector).await?);

    // One answer; a message larger than every buffer; and an error.
    reporter
        .set_service_status("it", ServingStatus::Serving)
        .await;
    let answer = client.check(asks("it")).await?.into_inner();
    assert_eq!(answer.status(), Serving);
    let unknown = client.check(asks("unknown ".repeat(200_000))).await;
    assert_eq!(
        unknown.expect_err("nobody has this name").code(),
        Code::NotFound
    );

    // A stream of answers, and calls meanwhile.
    let mut answers = client.watch(asks("it")).await?.into_inner();
    let mut next = async || answers.message().await?.ok_or(BoxError::from("the end"));
    assert_eq!(next().await?.status(), Serving);
    for n in 0..50 {
        let (status, expected) = match n % 2 {
            0 => (ServingStatus::NotServing, NotServing),
            _ => (ServingStatus::Serving, Serving),
        };
        reporter.set_service_status("it", status).await;
        assert_eq!(next().await?.status(), expected);
        let answer = client.check(asks("it")).await?.into_inner();
        assert_eq!(answer.status(), expected);
    }

    // All that went over one connection, from where it says, and compressed.
    let (us, handle) = sockets.recv().await.ok_or("nobody has connected")?;
    assert!(sockets.try_recv().is_err());
    assert_eq!(callers.recv().await.flatten(), us);
    let sent = handle
        .look(|stack| stack.info::<CompressInfo>().map(|info| info.sent))
        .await?;
    let sent = sent.ok_or("no zstd")?;
    assert!(
        sent.plain > 1_600_000 && sent.compressed < sent.plain / 10,
        "{sent:?}"
    );
    Ok(())
}
