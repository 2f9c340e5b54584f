//! The picture that Guido van Rossum drew in 2015, for asyncio's STARTTLS (bpo-23749):
//!
//! ```text
//! App <=> Protocol [ <---- ] HelperTransport <=> HelperProtocol [ <---- ] Transport <=> Network
//!                  [ ----> ]                                    [ ----> ]
//! ```
//!
//! Two applications talk over TCP, and each slips a TLS helper between itself and the network
//! from within a callback, in the middle of the connection. They are the same objects before and
//! after, at the same address, and none the wiser: their one way in and one way out stay.

mod certificate;

use std::sync::Arc;

use rustls::{ClientConfig, ServerConfig};
use stack::{Context, Error, Event, Protocol, Readiness, Standing};
use tls_layer::TlsLayer;
use tokio::net::{TcpListener, TcpStream};

struct Client {
    tls: Arc<ClientConfig>,
    life: Life,
}

impl Protocol for Client {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        self.life.begins("client", self as *const Self as usize);
        cx.send(b"STARTTLS\n");
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let Some((line, taken)) = first_line(bytes) else {
            return Ok(0);
        };
        self.life.goes_on(self as *const Self as usize, line);
        match line {
            "go ahead" => {
                let name = "localhost".try_into().expect("a host's name");
                cx.push(TlsLayer::client(Arc::clone(&self.tls), name));
                // Written after the push, so it waits for the handshake, and goes through TLS.
                cx.send(b"my password is swordfish\n");
            }
            _ => cx.shutdown(),
        }
        Ok(taken)
    }

    fn event(&mut self, _: &mut Context<'_>, event: Event) {
        self.life.sees(&event);
    }
}

struct Server {
    tls: Arc<ServerConfig>,
    life: Life,
}

impl Protocol for Server {
    fn attached(&mut self, _: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        self.life.begins("server", self as *const Self as usize);
        Ok(Readiness::Up)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let Some((line, taken)) = first_line(bytes) else {
            return Ok(0);
        };
        self.life.goes_on(self as *const Self as usize, line);
        match line {
            "STARTTLS" => {
                // Written before the push, so it goes out in clear.
                cx.send(b"go ahead\n");
                cx.push(TlsLayer::server(Arc::clone(&self.tls)));
            }
            _ => cx.send(b"welcome\n"),
        }
        // What is not taken here is residue. TLS rejects it: nobody may have spoken before he
        // could know of the go-ahead.
        Ok(taken)
    }

    fn event(&mut self, _: &mut Context<'_>, event: Event) {
        self.life.sees(&event);
    }
}

/// What shows that an application is one object from the beginning to the end.
#[derive(Default)]
struct Life {
    name: &'static str,
    address: usize,
    lines: u32,
}

impl Life {
    fn begins(&mut self, name: &'static str, address: usize) {
        (self.name, self.address) = (name, address);
        println!("{name}: I stand at {address:#x}");
    }

    fn goes_on(&mut self, address: usize, line: &str) {
        assert_eq!(address, self.address, "it is the same object");
        self.lines += 1;
        println!("{}: line {} at {address:#x}: {line}", self.name, self.lines);
    }

    fn sees(&self, event: &Event) {
        println!("{}: {event:?}", self.name);
    }
}

/// The first line without its end, and how many bytes it takes with it.
fn first_line(bytes: &[u8]) -> Option<(&str, usize)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).unwrap_or("?"), end + 1))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let (certificate, at_server) = certificate::make("localhost")?;
    let at_client = certificate::trust(certificate)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client_socket = TcpStream::connect(listener.local_addr()?).await?;
    let (server_socket, _) = listener.accept().await?;

    let client = Client {
        tls: at_client,
        life: Life::default(),
    };
    let server = Server {
        tls: at_server,
        life: Life::default(),
    };
    let ((client, at_client), (server, at_server)) = tokio::join!(
        stack::serve(client_socket, client),
        stack::serve(server_socket, server),
    );
    for (life, end) in [(client.life, at_client), (server.life, at_server)] {
        println!("{}: {} lines, and the end: {end:?}", life.name, life.lines);
        assert!(life.lines == 2 && end.error().is_none());
    }
    Ok(())
}
