//! `psql`, which asks for TLS by PostgreSQL's SSLRequest.

use peers::{Result, Service, is_here};

use crate::setting::{Setting, WAYS, run, session};

#[tokio::test]
async fn psql_requires_tls_and_selects() -> Result<()> {
    if !is_here(&["psql"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for way in WAYS {
        for mode in ["require", "verify-full"] {
            let mut server = setting.serve(Service::Postgres, way).await?;
            let to = format!(
                "host=localhost port={} user=alice dbname=peers sslmode={mode} sslrootcert={} \
                 gssencmode=disable",
                server.port,
                setting.ca()
            );
            let client = run("psql", &[&to, "-XAtc", "select 1"], "").await?;
            assert_eq!(client.output, "1\n", "{client:#?}");
            let session = session(&mut server, way).await?;
            assert_eq!(
                session.heard,
                ["SSLRequest", "tls: startup", "tls: select 1"]
            );
        }
    }
    Ok(())
}
