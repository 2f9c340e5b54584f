//! Running stacks, drawn while they work: three connections over TCP, built from one template, with
//! the bytes at each boundary and the age and state of each layer, while layers come and go.
//!
//!     cargo run --release --example live_view
//!
//! Nobody stops for the drawing: handles make it, while the owners read and write, for two seconds.

mod certificate;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use compress_layer::CompressLayer;
use rustls::ClientConfig;
use stack::{Connection, Context, Error, Handle, Layer, LayerId, Template, Watch};
use tls_layer::TlsLayer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A layer that only watches, and so can come and go at any moment.
#[derive(Default)]
struct Longest(usize);

impl Watch for Longest {
    fn sent(&mut self, _: &Context<'_>, bytes: &[u8]) {
        self.0 = self.0.max(bytes.len());
    }
}

fn at_client(config: &Arc<ClientConfig>) -> Result<TlsLayer> {
    let name = "localhost".try_into()?;
    Ok(TlsLayer::client(Arc::clone(config), name))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (certificate, server_config) = certificate::make("localhost")?;
    let client_config = certificate::trust(certificate)?;

    // What each connection gets is said once, the lowest layer first.
    let (ours, theirs) = (Arc::clone(&client_config), Arc::clone(&server_config));
    let for_clients = Template::new()
        .try_layer("tls", move || at_client(&ours))
        .layer("zstd", || CompressLayer::zstd(3))
        .layer("longest", Longest::default);
    let for_servers = Template::new()
        .layer("tls", move || TlsLayer::server(Arc::clone(&theirs)))
        .layer("zstd", || CompressLayer::zstd(3));
    println!("clients  {for_clients}\nservers  {for_servers}");

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut handles = Vec::new();
    for _ in 0..3 {
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let (server, _) = listener.accept().await?;
        let (mut client, mut server) = tokio::try_join!(
            Connection::from_template(client, &for_clients),
            Connection::from_template(server, &for_servers),
        )?;
        handles.push((client.handle(), server.handle()));
        // Should one of them fail, its handle says so.
        tokio::spawn(ask(client));
        tokio::spawn(echo(server));
    }
    show("three clients, as they were built", &handles).await?;

    let (client, lower) = (&handles[0].0, Longest::default());
    let zstd = find::<CompressLayer>(client).await?;
    client.insert_below(zstd, lower).await?;
    show("1: another that watches, below zstd", &handles).await?;

    let (client, server) = &handles[1];
    let zstd: (LayerId<CompressLayer>, _) = (find(client).await?, find(server).await?);
    tokio::try_join!(client.pop(zstd.0), server.pop::<CompressLayer>(zstd.1))?;
    show("2: zstd has left, at both ends", &handles).await?;

    let (client, server) = &handles[2];
    let old: (LayerId<TlsLayer>, _) = (find(client).await?, find(server).await?);
    let client_new = client.replace(old.0, at_client(&client_config)?);
    let server_new = server.replace(old.1, TlsLayer::server(server_config));
    tokio::try_join!(client_new, server_new)?;
    tokio::try_join!(client.pop(old.0), server.pop::<TlsLayer>(old.1))?;
    show("3: TLS is another, with new keys", &handles).await
}

/// Draws the stacks for a while: on a terminal again and again in the same place, else once.
async fn show(title: &str, handles: &[(Handle, Handle)]) -> Result<()> {
    let terminal = io::stdout().is_terminal();
    let frames = if terminal { 10 } else { 1 };
    let clear = if terminal { "\x1b[H\x1b[2J" } else { "" };
    for _ in 0..frames {
        sleep(Duration::from_millis(450) / frames).await;
        let mut text = format!("{clear}\n== {title}\n");
        for (client, number) in handles.iter().map(|(client, _)| client).zip(1..) {
            let drawn = client.look(|stack| {
                let longest = stack.info::<Longest>().map_or(0, |it| it.0);
                format!("longest write: {longest}\n{stack:#}")
            });
            text += &format!("\n{number}  {}\n", drawn.await?);
        }
        io::stdout().write_all(text.as_bytes())?;
    }
    Ok(())
}

/// The layer of this type, which the template has made.
async fn find<L: Layer>(handle: &Handle) -> Result<LayerId<L>> {
    let id = handle.look(|stack| stack.layers().find_map(|layer| layer.id()));
    Ok(id.await?.ok_or(Error::local("there is no such layer"))?)
}

/// Sends lines, and reads them again.
async fn ask(mut connection: Connection<TcpStream>) -> io::Result<()> {
    let mut piece = [0; 4096];
    loop {
        let lines: String = (0..500).map(|line| format!("line {line}\n")).collect();
        connection.write_all(lines.as_bytes()).await?;
        let mut unread = lines.len();
        while unread > 0 {
            unread -= read(&mut connection, &mut piece).await?;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// Sends back what comes.
async fn echo(mut connection: Connection<TcpStream>) -> io::Result<()> {
    let mut piece = [0; 4096];
    loop {
        let n = read(&mut connection, &mut piece).await?;
        connection.write_all(&piece[..n]).await?;
    }
}

/// Reads. Where the peer has ended a layer, it waits until our handle takes that out as well.
async fn read(connection: &mut Connection<TcpStream>, piece: &mut [u8]) -> io::Result<usize> {
    loop {
        match connection.read(piece).await? {
            0 if connection.parked().is_some() => sleep(Duration::from_millis(1)).await,
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => return Ok(n),
        }
    }
}
