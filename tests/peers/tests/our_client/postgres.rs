//! PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use peers::clients::{ClientError, Ending, Postgres};
use peers::{Daemon, Result};
use rustls::version::TLS13;
use tokio::time::sleep;

use crate::{Service, each_way, tls};

const POSTGRES: Service = Service {
    name: "POSTGRES",
    resumes: false,
    cut: 1,
};

#[tokio::test]
async fn postgresql_answers_a_query_behind_its_ssl_request() -> Result<()> {
    if !Daemon::is_here(&["pg_ctlcluster"]) {
        return Ok(());
    }
    let server = Daemon::start("postgresql", &["POSTGRES"]).await?;
    ready(&server).await?;
    each_way(&server, POSTGRES, async |socket, tls| {
        let mut postgres = Postgres::start(socket, tls).await?;
        let info = postgres.session.tls().cloned();
        postgres.log_in("alice", "postgres").await?;
        let ssl = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        assert_eq!(postgres.query(ssl).await?, ["t"]);
        let many = postgres.query("select generate_series(1, 1000)").await?;
        let expected: Vec<_> = (1..=1000).map(|n| n.to_string()).collect();
        assert_eq!(many, expected);
        assert_eq!(postgres.quit().await?, Ending::Clean);
        Ok(info.ok_or("no TLS")?)
    })
    .await
}

/// It answers before it lets anybody in.
async fn ready(server: &Daemon) -> Result<()> {
    let config = Arc::new(server.authority().client(&[&TLS13])?);
    loop {
        let socket = server.connect("POSTGRES").await?;
        let mut postgres = Postgres::start(socket, tls(&config)?).await?;
        match postgres.log_in("alice", "postgres").await {
            Err(ClientError::Refused(words)) if words.contains("starting up") => {
                sleep(Duration::from_millis(10)).await;
            }
            done => return Ok(done?),
        }
    }
}
