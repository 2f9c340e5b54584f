//! The PROXY protocol, from HAProxy and to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net_layers::{AcceptProxy, ProxyHeader, SendProxy, Version, tlv};
use peers::{Authority, Cut, Daemon, Result};
use rustls::version::{TLS12, TLS13};
use stack::{Connection, ErrorKind, Residue, Template};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// No time decides a test; this only ends one that hangs.
const LONGEST: Duration = Duration::from_secs(60);

const SERVICES: &[&str] = &["V1", "V2", "TLS", "TAKE"];

/// HAProxy, and where it connects to.
async fn start() -> Result<(Daemon, TcpListener)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let backend = [("BACKEND", listener.local_addr()?.port())];
    let haproxy = Daemon::start_for("haproxy", SERVICES, &backend).await?;
    Ok((haproxy, listener))
}

/// The connection that HAProxy makes for the client at this address. Whoever looked whether HAProxy answers
/// was connected, too.
async fn accept(
    listener: &TcpListener,
    template: &Template,
    most: usize,
    from: SocketAddr,
) -> Result<Connection<Cut<TcpStream>>> {
    let accepted = async {
        loop {
            let socket = Cut::new(listener.accept().await?.0, most);
            let accepted = Connection::from_template(socket, template).await;
            let source =
                |it: &Connection<_>| it.info::<ProxyHeader>().and_then(ProxyHeader::source);
            match accepted {
                Ok(connection) if source(&connection) == Some(from) => return Ok(connection),
                Ok(_) => {}
                Err(error) => eprintln!("perhaps nobody's: {error}"),
            }
        }
    };
    timeout(LONGEST, accepted).await?
}

/// Our server hears from HAProxy who its client is, and then speaks TLS with that client.
#[tokio::test]
async fn haproxy_says_whom_it_connects_for_and_tls_begins_behind_that() -> Result<()> {
    if !Daemon::is_here(&["haproxy"]) {
        return Ok(());
    }
    let (haproxy, listener) = start().await?;
    let authority = Authority::new()?;
    let config = Arc::new(authority.server(&[&TLS12, &TLS13])?);
    // As one, so that the client's hello may ride with the header.
    let template = Template::new()
        .layer("accept-proxy", AcceptProxy::new)
        .layer("tls", move || {
            TlsLayer::server(Arc::clone(&config)).with_residue(Residue::Feed)
        });
    for (service, version) in [("V1", Version::V1), ("V2", Version::V2)] {
        for most in [usize::MAX, 1] {
            let client = haproxy.connect(service).await?;
            let (from, to) = (client.local_addr()?, client.peer_addr()?);
            let config = Arc::new(authority.client(&[&TLS13])?);
            let client = async {
                let tls = TlsLayer::client(config, "localhost".try_into()?);
                let mut connection = Connection::wrap(client, tls).await?;
                connection.write_all(b"hello").await?;
                connection.shutdown().await?;
                Result::Ok(connection)
            };
            let server = async {
                let mut connection = accept(&listener, &template, most, from).await?;
                let header = connection.info::<ProxyHeader>().ok_or("no header")?;
                assert_eq!(header.version, version);
                assert_eq!(header.source(), Some(from));
                assert_eq!(header.destination(), Some(to));
                let mut heard = String::new();
                connection.read_to_string(&mut heard).await?;
                assert_eq!(heard, "hello");
                Result::Ok(connection.shutdown().await?)
            };
            tokio::try_join!(client, server)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn haproxy_tells_of_the_tls_that_it_has_taken_off() -> Result<()> {
    if !Daemon::is_here(&["haproxy"]) {
        return Ok(());
    }
    let (haproxy, listener) = start().await?;
    let mut config = haproxy.authority().client(&[&TLS13])?;
    config.alpn_protocols = vec![b"test/1".to_vec()];
    let tls = TlsLayer::client(Arc::new(config), "localhost".try_into()?);
    let client = haproxy.connect("TLS").await?;
    let from = client.local_addr()?;
    let client = async { Result::Ok(Connection::wrap(client, tls).await?) };
    let server = async {
        let template = Template::new().layer("accept-proxy", AcceptProxy::new);
        accept(&listener, &template, 1, from).await
    };
    let (_client, server) = tokio::try_join!(client, server)?;
    let header = server.info::<ProxyHeader>().ok_or("no header")?;
    assert_eq!((header.version, header.checksum), (Version::V2, true));
    assert_eq!(header.source(), Some(from));
    assert_eq!(header.text(tlv::AUTHORITY), Some("localhost"));
    let id = format!("id-of-{}", from.port());
    assert_eq!(header.text(tlv::UNIQUE_ID), Some(&*id));
    let ssl = header.ssl().ok_or("nothing of TLS")?;
    assert!(ssl.tls && !ssl.certificate);
    assert_eq!(ssl.text(tlv::SSL_VERSION), Some("TLSv1.3"));
    assert!(
        ssl.text(tlv::SSL_CIPHER)
            .is_some_and(|it| it.starts_with("TLS_"))
    );
    Ok(())
}

#[tokio::test]
async fn haproxy_hears_whom_we_connect_for() -> Result<()> {
    if !Daemon::is_here(&["haproxy"]) {
        return Ok(());
    }
    let (haproxy, _listener) = start().await?;
    let v4 = "192.0.2.1:4711".parse()?;
    let v6: SocketAddr = "[2001:db8::1]:4711".parse()?;
    for address in [v4, v6] {
        let ip = address.ip();
        let plain = format!("from {ip}:4711 to {ip}:4711 for  as ");
        let v1 = ProxyHeader::v1(address, address);
        assert_eq!(take(&haproxy, v1).await?, plain);
        let v2 = ProxyHeader::v2(address, address);
        assert_eq!(take(&haproxy, v2.clone()).await?, plain);
        let more = v2
            .with_tlv(tlv::AUTHORITY, "mail.example")
            .with_tlv(tlv::UNIQUE_ID, "an id")
            .with_checksum();
        let expected = format!("from {ip}:4711 to {ip}:4711 for mail.example as an id");
        assert_eq!(take(&haproxy, more).await?, expected);
    }
    Ok(())
}

/// What HAProxy answers over HTTP.
async fn take(haproxy: &Daemon, header: ProxyHeader) -> Result<String> {
    let socket = haproxy.connect("TAKE").await?;
    let mut connection = Connection::wrap(socket, SendProxy::new(header)).await?;
    let mut answer = String::new();
    connection.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    connection.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP")?;
    Ok(body.to_owned())
}

/// Whoever comes without a proxy is not let in, and what he says goes no further.
#[tokio::test]
async fn whoever_comes_without_a_header_is_refused() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut client = TcpStream::connect(listener.local_addr()?).await?;
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let (socket, _) = listener.accept().await?;
    let error = Connection::wrap(socket, AcceptProxy::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(error.layer(), Some("proxy-protocol"));
    Ok(())
}
