//! The PROXY protocol, from HAProxy and to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use net_layers::{AcceptProxy, Addresses, ProxyHeader, SendProxy, Version, tlv};
use peers::{Authority, Cut, Daemon, Result};
use rustls::version::{TLS12, TLS13};
use stack::{Connection, ErrorKind, Residue, Template};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::tls_to;

/// No time decides a test; this only ends one that hangs.
const LONGEST: Duration = Duration::from_secs(60);

const SERVICES: &[&str] = &["V1", "V2", "TLS", "TAKE", "TAKE_TLS", "ON_V1", "ON_V2"];

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
    let authority = haproxy.authority();
    let configs = [
        (authority.client(&[&TLS13])?, None),
        (
            authority.client_with_certificate(&[&TLS13])?,
            Some("localhost"),
        ),
    ];
    for (mut config, name) in configs {
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
        assert_eq!(header.text(tlv::ALPN), Some("test/1"));
        let id = format!("id-of-{}", from.port());
        assert_eq!(header.text(tlv::UNIQUE_ID), Some(&*id));
        let ssl = header.ssl().ok_or("nothing of TLS")?;
        assert!(ssl.tls);
        // It says of a certificate that was not shown that it is good, too.
        let shown = [ssl.certificate, ssl.certificate_now, ssl.verified];
        assert_eq!(shown, [name.is_some(); 3]);
        assert_eq!(ssl.text(tlv::SSL_CN), name);
        assert_eq!(ssl.text(tlv::SSL_VERSION), Some("TLSv1.3"));
        assert!(
            ssl.text(tlv::SSL_CIPHER)
                .is_some_and(|it| it.starts_with("TLS_"))
        );
    }
    Ok(())
}

/// It looks whether our server is well, and says that this is for itself.
#[tokio::test]
async fn haproxy_connects_for_itself() -> Result<()> {
    if !Daemon::is_here(&["haproxy"]) {
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let ours = listener.local_addr()?.port();
    let ports = [("BACKEND", ours), ("CHECKED", ours)];
    let haproxy = Daemon::start_for("haproxy", SERVICES, &ports).await?;
    let checked = async {
        loop {
            let (socket, _) = listener.accept().await?;
            // Whoever looked whether HAProxy answers was connected, too, and may be gone.
            let Ok(mut connection) = Connection::wrap(socket, AcceptProxy::new()).await else {
                continue;
            };
            let header = connection.info::<ProxyHeader>().ok_or("no header")?;
            if header.addresses == Addresses::Local {
                assert_eq!(header.version, Version::V2);
                connection.write_all(b"hello").await?;
                connection.flush().await?;
                return Result::Ok(());
            }
        }
    };
    timeout(LONGEST, checked).await??;
    drop(haproxy);
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
        assert_eq!(take(&haproxy, v1.clone()).await?, plain);
        assert_eq!(take_in_tls(&haproxy, v1).await?, plain);
        let v2 = ProxyHeader::v2(address, address);
        assert_eq!(take(&haproxy, v2.clone()).await?, plain);
        let more = v2
            .with_tlv(tlv::AUTHORITY, "mail.example")
            .with_tlv(tlv::UNIQUE_ID, "an id")
            .with_checksum();
        let expected = format!("from {ip}:4711 to {ip}:4711 for mail.example as an id");
        assert_eq!(take(&haproxy, more.clone()).await?, expected);
        assert_eq!(take_in_tls(&haproxy, more).await?, expected);
    }
    Ok(())
}

/// What HAProxy answers over HTTP.
async fn take(haproxy: &Daemon, header: ProxyHeader) -> Result<String> {
    let socket = haproxy.connect("TAKE").await?;
    ask(Connection::wrap(socket, SendProxy::new(header)).await?).await
}

/// The same in TLS, which begins behind the header.
async fn take_in_tls(haproxy: &Daemon, header: ProxyHeader) -> Result<String> {
    let socket = haproxy.connect("TAKE_TLS").await?;
    let mut connection = Connection::wrap(socket, SendProxy::new(header)).await?;
    connection.push(tls_to(haproxy)?).await?;
    ask(connection).await
}

async fn ask(mut connection: Connection<TcpStream>) -> Result<String> {
    let mut answer = String::new();
    connection.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    connection.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP")?;
    Ok(body.to_owned())
}

/// It looks at our checksum.
#[tokio::test]
async fn haproxy_refuses_a_wrong_checksum() -> Result<()> {
    if !Daemon::is_here(&["haproxy"]) {
        return Ok(());
    }
    let (haproxy, _listener) = start().await?;
    let address = "192.0.2.1:4711".parse()?;
    let header = ProxyHeader::v2(address, address).with_checksum();
    let mut bytes = header.to_bytes()?;
    for wrong in [false, true] {
        if wrong {
            *bytes.last_mut().ok_or("no header")? ^= 1;
        }
        let mut socket = haproxy.connect("TAKE").await?;
        let request = [&bytes[..], b"GET / HTTP/1.0\r\n\r\n"].concat();
        socket.write_all(&request).await?;
        let mut answer = Vec::new();
        // It may reset the connection.
        let _ = socket.read_to_end(&mut answer).await;
        assert_eq!(answer.is_empty(), wrong, "{}", answer.escape_ascii());
    }
    Ok(())
}

/// What we say is what we hear, with HAProxy between.
#[tokio::test]
async fn haproxy_says_on_whom_we_connect_for() -> Result<()> {
    if !Daemon::is_here(&["haproxy"]) {
        return Ok(());
    }
    let (haproxy, listener) = start().await?;
    let template = Template::new().layer("accept-proxy", AcceptProxy::new);
    for (from, to) in [
        ("192.0.2.1:4711", "198.51.100.1:25"),
        ("[2001:db8::1]:4711", "[2001:db8::2]:25"),
    ] {
        let (from, to) = (from.parse()?, to.parse()?);
        for said in [ProxyHeader::v1(from, to), ProxyHeader::v2(from, to)] {
            for (service, version) in [("ON_V1", Version::V1), ("ON_V2", Version::V2)] {
                let socket = haproxy.connect(service).await?;
                let mut client = Connection::wrap(socket, SendProxy::new(said.clone())).await?;
                client.write_all(b"hello").await?;
                client.shutdown().await?;
                let mut server = accept(&listener, &template, usize::MAX, from).await?;
                let header = server.info::<ProxyHeader>().ok_or("no header")?;
                assert_eq!(header.version, version);
                assert_eq!(header.addresses, said.addresses);
                let mut heard = String::new();
                server.read_to_string(&mut heard).await?;
                assert_eq!(heard, "hello");
            }
        }
    }
    Ok(())
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
