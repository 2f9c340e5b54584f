//! A server of lines in tokio-util's `Framed`, which goes over to TLS and has read ahead by then.

#[path = "../../certificate/mod.rs"]
mod certificate;

use std::error::Error;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rustls::{ClientConfig, ServerConfig};
use stack::{Connection, codec};
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, duplex};
use tokio_util::codec::{Framed, LinesCodec};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result<()> {
    let (certificate, server) = certificate::make("localhost")?;
    let client = certificate::trust(certificate)?;
    let (near, far) = duplex(4096);
    tokio::try_join!(serve(far, Arc::clone(&server)), ask(near, client))?;

    // An attacker's NOOP in the segment of STARTTLS was read ahead; it is no command of the time in TLS.
    let (mut near, far) = duplex(4096);
    near.write_all(b"STARTTLS\r\nNOOP\r\n").await?;
    let error = serve(far, server).await.expect_err("it is rejected");
    println!("{error}");
    Ok(())
}

async fn serve<Io>(io: Io, config: Arc<ServerConfig>) -> Result<()>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let codec = LinesCodec::new_with_max_length(1000);
    let mut lines = Framed::new(Connection::new(io), codec);
    while let Some(line) = lines.next().await.transpose()? {
        println!("server: {line} ({})", lines.get_ref().stack());
        if line == "STARTTLS" {
            // What lies in the frame's buffers goes where it belongs, and the push sees it.
            codec::carry(&mut lines).await?;
            let tls = TlsLayer::server(Arc::clone(&config));
            let pushed = lines.get_mut().push_after(b"go ahead\r\n", tls).await;
            pushed.map_err(|error| error.error().clone())?;
        } else {
            lines.send(format!("{line} is done")).await?;
        }
    }
    Ok(lines.get_mut().shutdown().await?)
}

async fn ask<Io>(io: Io, config: Arc<ClientConfig>) -> Result<()>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let codec = LinesCodec::new_with_max_length(1000);
    let mut lines = Framed::new(Connection::new(io), codec);
    lines.send("STARTTLS").await?;
    assert_eq!(lines.next().await.transpose()?.as_deref(), Some("go ahead"));
    // Nothing may have come behind that in plain.
    codec::refuse(&mut lines).await?;
    let tls = TlsLayer::client(config, "localhost".try_into()?);
    lines
        .get_mut()
        .push(tls)
        .await
        .map_err(|error| error.error().clone())?;
    lines.send("NOOP").await?;
    assert_eq!(
        lines.next().await.transpose()?.as_deref(),
        Some("NOOP is done")
    );
    lines.get_mut().shutdown().await?;
    assert!(lines.next().await.is_none(), "the server ends, too");
    Ok(())
}

#[test]
fn it_runs() -> Result<()> {
    main()
}
