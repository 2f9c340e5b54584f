//! Our client against servers that are not ours: mail, news, a database, files, a directory.

mod daemon;
mod deflate;
mod ftp;
mod imap;
mod imap_deflate;
mod ldap;
mod nntp;
mod pop3;
mod postgres;
mod rows;
mod smtp;
mod xmpp;

use std::sync::Arc;
use std::time::Duration;

use peers::{Cut, Daemon, Result};
use rustls::ClientConfig;
use rustls::version::{TLS12, TLS13};
use tls_layer::{TlsInfo, TlsLayer, TlsVersion};
use tokio::net::TcpStream;
use tokio::time::timeout;

type Socket = Cut<TcpStream>;

/// No time decides a test; this only ends one that hangs.
const LONGEST: Duration = Duration::from_secs(60);

/// What is particular about a service.
#[derive(Clone, Copy)]
struct Service {
    /// Its name, as the server's script has it.
    name: &'static str,
    /// Whether it takes sessions up again.
    resumes: bool,
    /// Into how many bytes at once the socket is cut.
    cut: usize,
}

/// Plays in both versions of TLS, over a socket that is whole and one that is cut, and each time
/// twice, so that the second may resume the first's session.
async fn each_way(
    server: &Daemon,
    service: Service,
    play: impl AsyncFn(Socket, TlsLayer) -> Result<TlsInfo>,
) -> Result<()> {
    for (version, expected) in [(&TLS12, TlsVersion::Tls12), (&TLS13, TlsVersion::Tls13)] {
        for most in [usize::MAX, service.cut] {
            let config = Arc::new(server.authority().client(&[version])?);
            for is_second in [false, true] {
                let case = format!("{expected}, {most} bytes at once, second: {is_second}");
                let socket = Cut::new(server.connect(service.name).await?, most);
                let played = timeout(LONGEST, play(socket, tls(&config)?)).await;
                let played = played.unwrap_or_else(|_| Err("it hangs".into()));
                let info = played.map_err(|error| format!("{case}: {error}"))?;
                assert_eq!(info.version, expected, "{case}");
                assert_eq!(info.resumed, is_second && service.resumes, "{case}");
            }
        }
    }
    Ok(())
}

/// TLS to a server that calls itself localhost.
fn tls(config: &Arc<ClientConfig>) -> Result<TlsLayer> {
    Ok(TlsLayer::client(
        Arc::clone(config),
        "localhost".try_into()?,
    ))
}
