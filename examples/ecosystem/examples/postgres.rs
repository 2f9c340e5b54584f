//! tokio-postgres over a connection with layers: the SSLRequest and TLS are ours, and it is told of none.
//!
//! ```sh
//! cargo run -p ecosystem --example postgres -- localhost:5432 USER DATABASE ROOTS.pem
//! ```

use std::error::Error;
use std::sync::Arc;

use net_layers::Starttls;
use rustls::pki_types::ServerName;
use stack::{Connection, Template};
use tls_layer::{TlsLayer, config};
use tokio::net::TcpStream;
use tokio_postgres::{Config, NoTls};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [address, user, database, roots] = arguments.as_slice() else {
        return Err("usage: postgres HOST:PORT USER DATABASE ROOTS.pem".into());
    };
    let roots = std::fs::read(roots)?;
    let host = address.split(':').next().unwrap_or_default();
    println!("{}", ask(address, host, user, database, &roots).await?);
    Ok(())
}

/// Which TLS the server says that it speaks with us.
async fn ask(
    address: &str,
    host: &str,
    user: &str,
    database: &str,
    roots: &[u8],
) -> Result<String> {
    let provider = Some(Arc::new(rustls::crypto::ring::default_provider()));
    let tls = Arc::new(config::client(config::roots(roots)?, provider)?);
    let name = ServerName::try_from(host)?.to_owned();
    let way = Template::new()
        .layer("starttls", Starttls::postgres)
        .layer("tls", move || {
            TlsLayer::client(Arc::clone(&tls), name.clone())
        });

    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let connection = Connection::from_template(socket, &way).await?;
    println!("{}", connection.stack());

    let mut config = Config::new();
    config.user(user).dbname(database);
    let (client, driver) = config.connect_raw(connection, NoTls).await?;
    let driver = tokio::spawn(driver);
    let query =
        "select version || ' ' || repeat('x', $1) from pg_stat_ssl where pid = pg_backend_pid()";
    let long = client.query_one(query, &[&100_000]).await?;
    assert!(long.get::<_, &str>(0).len() > 100_000);
    let short = client.query_one(query, &[&0]).await?;
    drop(client);
    driver.await??;
    Ok(short.get::<_, &str>(0).trim().to_owned())
}

#[test]
fn it_asks_postgresql() -> Result<()> {
    if !peers::Daemon::is_here(&["pg_ctlcluster"]) {
        return Ok(());
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let server = peers::Daemon::start("postgresql", &["POSTGRES"]).await?;
        let address = server.address("POSTGRES")?.to_string();
        let roots = &server.authority().root_pem;
        let tls = ask(&address, "localhost", "alice", "postgres", roots.as_bytes()).await?;
        assert_eq!(tls, "TLSv1.3");
        Ok(())
    })
}
