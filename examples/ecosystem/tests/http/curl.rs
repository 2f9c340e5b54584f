//! curl, and hyper's and axum's servers over our connections.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::routing::post;
use axum::{Router, http::Version};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, upgrade};
use hyper_stack::{Listener, Peer, take_back};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use peers::{Authority, Folder, Program, Result, is_here};
use rustls::{ALL_VERSIONS, ServerConfig};
use stack::{Connection, Template};
use tls_layer::{TlsInfo, TlsLayer};
use tokio::net::{TcpListener, TcpStream};

/// How curl is asked for a version, and what it then says it was.
const VERSIONS: [(&[&str], &str); 4] = [
    (&["--http2"], "2"),
    (&["--http2", "--tls-max", "1.2"], "2"),
    (&["--http1.1"], "1.1"),
    (&["--no-alpn"], "1.1"),
];

/// A certificate, for us and for curl.
struct Setting {
    config: Arc<ServerConfig>,
    folder: Folder,
}

impl Setting {
    fn new() -> Result<Self> {
        let authority = Authority::new()?;
        let mut config = authority.server(ALL_VERSIONS)?;
        config.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).into();
        let folder = Folder::new("curl")?;
        folder.file("ca.pem", authority.root_pem)?;
        let config = Arc::new(config);
        Ok(Self { config, folder })
    }

    fn template(&self) -> Template {
        let config = Arc::clone(&self.config);
        Template::new().layer("tls", move || TlsLayer::server(Arc::clone(&config)))
    }

    /// Sends `body` twice in one go of curl's. What is answered comes with the version and the number of
    /// connections that were made, a line each time.
    async fn curl(&self, url: &str, options: &[&str], body: &str) -> Result<Vec<String>> {
        let ca = self.folder.path().join("ca.pem").display().to_string();
        let body = self.folder.file("body", body)?.display().to_string();
        let body = format!("@{body}");
        let fixed = [
            &["-sS", "-4", "--cacert", &ca, "--proxy-cacert", &ca][..],
            &["--write-out", " %{http_version} %{num_connects}\n"],
            &["--data-binary", &body, url, url],
        ];
        let done = Program::run("curl", &[&fixed.concat(), options].concat(), "").await?;
        assert!(done.status.success(), "{options:?}: {done:#?}");
        Ok(done.output.lines().map(str::to_owned).collect())
    }
}

/// Answers with what it was sent.
async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await?.to_bytes();
    Ok(Response::new(body.into()))
}

#[tokio::test]
async fn hyper_serves_each_version() -> Result<()> {
    if !is_here(&["curl"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://localhost:{}/", listener.local_addr()?.port());
    let template = setting.template();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await?;
            let io = TokioIo::new(Connection::with_template(socket, &template)?);
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                server.serve_connection(io, service_fn(echo)).await
            });
        }
        #[expect(unreachable_code, reason = "it says what the errors are")]
        Result::Ok(())
    });
    let large = "what every line says, again and again; ".repeat(20_000);
    for (options, version) in VERSIONS {
        let answers = setting.curl(&url, options, &large).await?;
        let expected = [1, 0].map(|made| format!("{large} {version} {made}"));
        assert!(answers == expected, "{options:?}");
    }
    Ok(())
}

#[tokio::test]
async fn axum_serves_each_version() -> Result<()> {
    if !is_here(&["curl"]) {
        return Ok(());
    }
    async fn who(version: Version, ConnectInfo(peer): ConnectInfo<Peer<SocketAddr>>) -> String {
        let look = |stack: &stack::Stack| stack.info::<TlsInfo>().map(|info| info.version);
        let tls = peer.handle.look(look).await.ok().flatten();
        let tls = tls.map(|version| version.to_string()).unwrap_or_default();
        format!("{version:?} {tls} {}", peer.address.ip())
    }
    let setting = Setting::new()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("https://localhost:{}/", listener.local_addr()?.port());
    let listener = Listener::new(listener, setting.template())?;
    let app = Router::new().route("/", post(who));
    let app = app.into_make_service_with_connect_info::<Peer<SocketAddr>>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    for (options, version) in VERSIONS {
        let answers = setting.curl(&url, options, "").await?;
        let http = if version == "2" { "2.0" } else { version };
        let tls = if options.contains(&"1.2") {
            "1.2"
        } else {
            "1.3"
        };
        let answer = format!("HTTP/{http} TLS {tls} 127.0.0.1 {version}");
        assert_eq!(answers, [1, 0].map(|made| format!("{answer} {made}")));
    }
    Ok(())
}

/// A proxy that answers in its origin's place: it takes the connection of a CONNECT back, pushes TLS onto it,
/// within the TLS in which it was asked, and serves HTTP again.
#[tokio::test]
async fn hyper_serves_within_its_own_tunnel() -> Result<()> {
    if !is_here(&["curl"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    for (scheme, template, layers) in [
        ("http", Template::new(), "tls"),
        ("https", setting.template(), "tls <=> tls"),
    ] {
        for (options, version) in VERSIONS {
            let proxy = format!("{scheme}://localhost:{port}");
            let options = [options, &["--proxy", &proxy]].concat();
            let url = "https://localhost/";
            let client = setting.curl(url, &options, "tunnelled");
            let server = tunnel(&listener, &template, &setting.config);
            let (answers, drawing) = tokio::try_join!(client, server)?;
            assert_eq!(drawing, format!("app <=> {layers} <=> network"));
            let expected = [1, 0].map(|made| format!("tunnelled {version} {made}"));
            assert_eq!(answers, expected, "{options:?}");
        }
    }
    Ok(())
}

/// Serves one client. Says what its connection was made of.
async fn tunnel(
    listener: &TcpListener,
    template: &Template,
    config: &Arc<ServerConfig>,
) -> Result<String> {
    let (socket, _) = listener.accept().await?;
    let io = TokioIo::new(Connection::with_template(socket, template)?);
    let (asked, mut tunnels) = tokio::sync::mpsc::unbounded_channel();
    let answer = service_fn(move |mut request: Request<Incoming>| {
        assert_eq!(request.method(), Method::CONNECT);
        let _ = asked.send(upgrade::on(&mut request));
        async { Result::Ok(Response::new(Full::<Bytes>::default())) }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    server.serve_connection_with_upgrades(io, answer).await?;
    let tunnel = tunnels.recv().await.ok_or("nobody has asked")?.await?;

    let mut connection = take_back::<TcpStream>(tunnel)?;
    let tls = TlsLayer::server(Arc::clone(config)).anywhere();
    connection.push(tls).await?;
    let drawing = connection.stack().to_string();
    let io = TokioIo::new(connection);
    server.serve_connection(io, service_fn(echo)).await?;
    Ok(drawing)
}
