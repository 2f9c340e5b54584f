//! Connectors and acceptors in tower's services.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use compress_layer::CompressLayer;
use stack::tower::{Accept, BoxError, PushLayer};
use stack::{Connection, ErrorKind, Limits, Template};
use tls_layer::{TlsInfo, TlsLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tower::load_shed::error::Overloaded;
use tower::make::MakeConnection;
use tower::retry::Policy;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::real::{client, configs, name, server};

/// Both ends of TLS, and of zstd above it.
fn templates() -> (Template, Template) {
    let (client_config, server_config) = configs();
    let near = Template::new()
        .layer("tls", move || client(&client_config))
        .layer("zstd", || CompressLayer::zstd(3));
    let far = Template::new()
        .layer("tls", move || server(&server_config))
        .layer("zstd", || CompressLayer::zstd(3));
    (near, far)
}

/// Says once what it hears.
async fn echo(mut connection: Connection<DuplexStream>) -> Result<(), BoxError> {
    let mut said = [0; 5];
    connection.read_exact(&mut said).await?;
    connection.write_all(&said).await?;
    Ok(connection.shutdown().await?)
}

#[tokio::test]
async fn both_ends_are_built_by_service_builder() {
    let (near, far) = templates();
    let acceptor = ServiceBuilder::new()
        .layer(PushLayer::new(far))
        .service(Accept);
    let mut connector = ServiceBuilder::new()
        .layer(PushLayer::new(near))
        .service(service_fn(move |_: ()| {
            let (near, far) = duplex(64);
            let acceptor = acceptor.clone();
            tokio::spawn(async move { echo(acceptor.oneshot(far).await?).await });
            async move { Ok::<_, io::Error>(near) }
        }));
    let mut connection = make(&mut connector).await;
    let drawing = "app <=> zstd <=> tls <=> network";
    assert_eq!(connection.stack().to_string(), drawing);
    connection.write_all(b"hello").await.unwrap();
    let mut said = String::new();
    connection.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "hello");
}

/// As hyper and others do it that take any [`MakeConnection`].
async fn make<M>(connector: &mut M) -> M::Connection
where
    M: MakeConnection<(), Error = BoxError> + Service<(), Response = M::Connection>,
{
    std::future::poll_fn(|task| MakeConnection::poll_ready(connector, task))
        .await
        .unwrap();
    match connector.make_connection(()).await {
        Ok(connection) => connection,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn the_layers_come_from_the_request() {
    let (client_config, server_config) = configs();
    let connector = ServiceBuilder::new()
        .layer(PushLayer::new(move |host: &String| {
            let (config, name) = (client_config.clone(), host.clone().try_into()?);
            let tls = move || TlsLayer::client(Arc::clone(&config), Clone::clone(&name));
            Ok::<_, rustls::pki_types::InvalidDnsNameError>(Template::new().layer("tls", tls))
        }))
        .service(service_fn(move |_: String| {
            let (near, far) = duplex(64);
            let tls = server(&server_config);
            tokio::spawn(async move { Connection::wrap(far, tls).await?.shutdown().await });
            async move { Ok::<_, io::Error>(near) }
        }));
    let host = name().to_str().into_owned();
    let connection = connector.clone().oneshot(host.clone()).await.unwrap();
    let told = connection.info::<TlsInfo>().unwrap();
    assert_eq!(told.server_name.as_deref(), Some(host.as_str()));
    // No name, no connection.
    let error = connector.clone().oneshot("no name".to_owned()).await;
    let error = error.unwrap_err();
    assert!(
        error.is::<rustls::pki_types::InvalidDnsNameError>(),
        "{error}"
    );
    // Another name than the certificate's: the layer's error.
    let error = connector.oneshot("other.example".to_owned()).await;
    let error = error.unwrap_err();
    let error = error.downcast_ref::<stack::Error>().unwrap();
    assert_eq!(error.layer(), Some("tls"));
}

#[tokio::test]
async fn the_inner_service_keeps_its_error() {
    let connector = ServiceBuilder::new()
        .layer(PushLayer::new(templates().0))
        .service(service_fn(async |_: ()| {
            Err::<DuplexStream, _>(io::Error::from(io::ErrorKind::ConnectionRefused))
        }));
    let error = connector.oneshot(()).await.unwrap_err();
    let error = error.downcast_ref::<io::Error>().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_the_handshakes_too() {
    let acceptor = ServiceBuilder::new()
        .timeout(Duration::from_secs(1))
        .layer(PushLayer::new(templates().1))
        .service(Accept);
    let (mut silent, socket) = duplex(64);
    let error = acceptor.oneshot(socket).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>(), "{error}");
    // It was dropped, and so closed.
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_stacks_own_deadline_comes_from_the_template() {
    let limits = Limits {
        handshake: Duration::from_secs(1),
        ..Limits::default()
    };
    let acceptor = ServiceBuilder::new()
        .timeout(Duration::from_secs(2))
        .layer(PushLayer::new(templates().1.limits(limits)))
        .service(Accept);
    let (_silent, socket) = duplex(64);
    let error = acceptor.oneshot(socket).await.unwrap_err();
    let error = error.downcast_ref::<stack::Error>().unwrap();
    assert_eq!(
        (error.kind(), error.layer()),
        (ErrorKind::TimedOut, Some("tls"))
    );
}

#[tokio::test]
async fn a_dropped_future_closes_the_stream() {
    let acceptor = ServiceBuilder::new()
        .layer(PushLayer::new(templates().1))
        .service(Accept);
    let (mut silent, socket) = duplex(64);
    let mut accepting = Box::pin(acceptor.oneshot(socket));
    tokio::select! {
        biased;
        _ = &mut accepting => unreachable!("the client is silent"),
        () = tokio::task::yield_now() => {}
    }
    drop(accepting);
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
}

/// Twice again, whatever the error.
#[derive(Clone)]
struct Again(usize);

impl<T> Policy<(), T, BoxError> for Again {
    type Future = std::future::Ready<()>;

    fn retry(&mut self, (): &mut (), result: &mut Result<T, BoxError>) -> Option<Self::Future> {
        let left = self.0.checked_sub(1).filter(|_| result.is_err())?;
        self.0 = left;
        Some(std::future::ready(()))
    }

    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}

#[tokio::test]
async fn a_handshake_that_failed_is_tried_again_on_another_stream() {
    let (near, far) = templates();
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let connector = ServiceBuilder::new()
        .retry(Again(2))
        .layer(PushLayer::new(near))
        .service(service_fn(move |()| {
            let (near, mut socket) = duplex(64);
            let (first, far) = (counted.fetch_add(1, Relaxed) == 0, far.clone());
            tokio::spawn(async move {
                if first {
                    return socket
                        .write_all(b"no TLS here\r\n")
                        .await
                        .map_err(BoxError::from);
                }
                echo(Connection::from_template(socket, &far).await?).await
            });
            async move { Ok::<_, io::Error>(near) }
        }));
    let mut connection = connector.oneshot(()).await.unwrap();
    assert_eq!(attempts.load(Relaxed), 2);
    connection.write_all(b"hello").await.unwrap();
    let mut said = String::new();
    connection.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "hello");
}

/// The limit is of handshakes under way: one that is over makes room, though its connection lives on.
#[tokio::test]
async fn handshakes_are_limited_and_connections_are_not() {
    let (near, far) = templates();
    let acceptor = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(1)
        .layer(PushLayer::new(far))
        .service(Accept);

    let (client, socket) = duplex(64 * 1024);
    let first = tokio::spawn(acceptor.clone().oneshot(socket));
    tokio::task::yield_now().await;
    // The first shakes hands with nobody yet: the second is turned away, and its socket closed.
    let (mut turned_away, socket) = duplex(64 * 1024);
    let error = acceptor.clone().oneshot(socket).await.unwrap_err();
    assert!(error.is::<Overloaded>(), "{error}");
    assert_eq!(turned_away.read(&mut [0]).await.unwrap(), 0);

    let _first_client = Connection::from_template(client, &near).await.unwrap();
    let _first = first.await.unwrap().unwrap();
    // Both live, and there is room again.
    let (client, socket) = duplex(64 * 1024);
    let second = tokio::spawn(acceptor.oneshot(socket));
    let second_client = Connection::from_template(client, &near).await;
    assert!(second_client.is_ok());
    assert!(second.await.unwrap().is_ok());
}
