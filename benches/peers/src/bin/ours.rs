//! Both ends for this workspace, and for tokio-rustls. What they say to each other is told in
//! `main.rs`, beside this folder.
//!
//! ```text
//! ours stack|tokio-rustls about | serve | load PORT
//! ```

use std::error::Error;
use std::io::{self, BufRead};
use std::time::{Duration, Instant};

use measure::Aligned;
use measure::tls::{Tls, name};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use socket2::SockRef;
use stack::Connection;
use tls_layer::TlsLayer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

const CHUNK: usize = 64 << 10;
const PING: usize = 64;
const LINE: &[u8] = b"hello\n";
const GO_AHEAD: &str = "go ahead\n";

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (kind, mode) = arguments.split_first().ok_or("which?")?;
    let kind = match *kind {
        "stack" => Kind::Stack,
        _ => Kind::TokioRustls,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match mode {
        ["serve"] => runtime.block_on(serve(kind, tls()?)),
        ["load", port] => {
            let client = Client {
                kind,
                tls: tls()?,
                port: port.parse()?,
            };
            for order in io::stdin().lock().lines() {
                let took = runtime.block_on(client.load(&order?))?;
                println!("{}", took.as_nanos());
            }
            Ok(())
        }
        _ => {
            let bare = match kind {
                Kind::Stack => concat!("a stack of no layers, ", env!("CARGO_PKG_VERSION")),
                Kind::TokioRustls => "a TcpStream",
            };
            println!("without TLS {bare}; rustls with ring; tokio, a thread an end");
            Ok(())
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Stack,
    TokioRustls,
}

fn tls() -> Result<Tls> {
    let certificate = CertificateDer::from_pem_file("certificate.pem")?;
    let key = PrivatePkcs8KeyDer::from_pem_file("key.pem")?;
    Ok(Tls::of(certificate, key))
}

/// A connection, upgraded or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Reads a line with nothing behind it.
async fn line(from: &mut (impl AsyncRead + Unpin)) -> Result<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\n") {
        if from.read_buf(&mut text).await? == 0 {
            return Err("no line".into());
        }
    }
    Ok(String::from_utf8(text)?)
}

// The server.

async fn serve(kind: Kind, tls: Tls) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let tls = tls.clone();
        tokio::spawn(async move {
            if let Err(error) = welcome(kind, socket, tls).await {
                // The client waits, and would do so for ever.
                eprintln!("{error}");
                std::process::exit(1);
            }
        });
    }
}

async fn welcome(kind: Kind, mut socket: TcpStream, tls: Tls) -> Result<()> {
    match kind {
        Kind::Stack => {
            let mut connection = Connection::new(socket);
            let order = line(&mut connection).await?;
            if order.starts_with("tls") {
                let layer = TlsLayer::server(tls.server);
                connection.push_after(GO_AHEAD.as_bytes(), layer).await?;
            } else {
                connection.write_all(GO_AHEAD.as_bytes()).await?;
            }
            answer(connection, &order).await
        }
        Kind::TokioRustls => {
            let order = line(&mut socket).await?;
            socket.write_all(GO_AHEAD.as_bytes()).await?;
            if order.starts_with("tls") {
                let stream = TlsAcceptor::from(tls.server).accept(socket).await?;
                answer(stream, &order).await
            } else {
                answer(socket, &order).await
            }
        }
    }
}

async fn answer(mut stream: impl Stream, order: &str) -> Result<()> {
    // The peer waits for the end of the handshake.
    stream.flush().await?;
    let mut chunk = Aligned::new(CHUNK);
    if let Some((_, count)) = order.trim().split_once(" sink ") {
        let count: usize = count.parse()?;
        let mut left = count;
        while left > 0 {
            let n = stream.read(chunk.bytes()).await?;
            if n == 0 || n > left {
                return Err(format!("{n} bytes, where {left} were expected").into());
            }
            left -= n;
        }
        stream.write_all(format!("{count}\n").as_bytes()).await?;
        stream.flush().await?;
    }
    // An echo, or nothing, until the client goes, which is a reset.
    while let Ok(n @ 1..) = stream.read(chunk.bytes()).await {
        stream.write_all(&chunk.bytes()[..n]).await?;
        stream.flush().await?;
    }
    Ok(())
}

// The client.

struct Client {
    kind: Kind,
    tls: Tls,
    port: u16,
}

impl Client {
    async fn load(&self, order: &str) -> Result<Duration> {
        let [work, security, count] = order.split(' ').collect::<Vec<_>>()[..] else {
            return Err("an order of another form".into());
        };
        let count = count.parse()?;
        match work {
            "bulk" => {
                bulk(
                    self.connect(&format!("{security} sink {count}\n")).await?,
                    count,
                )
                .await
            }
            "pingpong" => {
                let stream = self.connect(&format!("{security} echo\n")).await?;
                exchange(stream, &[0; PING], count).await
            }
            _ => {
                let start = Instant::now();
                for _ in 0..count {
                    let stream = self.connect(&format!("{security} echo\n")).await?;
                    exchange(stream, LINE, 1).await?;
                }
                Ok(start.elapsed())
            }
        }
    }

    async fn connect(&self, order: &str) -> Result<Box<dyn Stream>> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).await?;
        socket.set_nodelay(true)?;
        SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
        let secure = order.starts_with("tls");
        match self.kind {
            Kind::Stack => {
                let mut connection = Connection::new(socket);
                ask(&mut connection, order).await?;
                if secure {
                    let layer = TlsLayer::client(self.tls.client.clone(), name());
                    connection.push(layer).await?;
                }
                Ok(Box::new(connection))
            }
            Kind::TokioRustls => {
                ask(&mut socket, order).await?;
                if secure {
                    let connector = TlsConnector::from(self.tls.client.clone());
                    Ok(Box::new(connector.connect(name(), socket).await?))
                } else {
                    Ok(Box::new(socket))
                }
            }
        }
    }
}

/// Says what is wanted, and waits for the go-ahead.
async fn ask(stream: &mut impl Stream, order: &str) -> Result<()> {
    stream.write_all(order.as_bytes()).await?;
    stream.flush().await?;
    let answer = line(stream).await?;
    if answer == GO_AHEAD {
        Ok(())
    } else {
        Err(answer.into())
    }
}

async fn bulk(mut stream: Box<dyn Stream>, count: usize) -> Result<Duration> {
    let mut chunk = Aligned::new(CHUNK);
    let start = Instant::now();
    for _ in 0..count / CHUNK {
        stream.write_all(chunk.bytes()).await?;
    }
    stream.flush().await?;
    let answer = line(&mut stream).await?;
    let took = start.elapsed();
    if answer.trim_end() == count.to_string() {
        Ok(took)
    } else {
        Err(format!("{answer} arrived").into())
    }
}

/// Sends bytes, and waits for their echo, over and over.
async fn exchange(mut stream: Box<dyn Stream>, chunk: &[u8], count: usize) -> Result<Duration> {
    let mut answer = vec![0; chunk.len()];
    let start = Instant::now();
    for _ in 0..count {
        stream.write_all(chunk).await?;
        stream.flush().await?;
        stream.read_exact(&mut answer).await?;
        if answer != chunk {
            return Err("another echo".into());
        }
    }
    Ok(start.elapsed())
}
