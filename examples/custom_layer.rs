//! A layer of your own: two small ones, pushed and popped on a live TCP connection. The example
//! `records` of the crate `layer-stack` is one with everything.
//!
//! `Rot13` changes the bytes. `Wiretap` changes nothing and shows what passes it. The wiretap
//! stands at the bottom, so it sees what the network sees.

use std::io;

use stack::{Chunk, Connection, Context, Error, Layer, Protocol, Transport, Watch};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Turns each letter into the one that is 13 further on; so doing it twice undoes it.
struct Rot13;

/// The lower face: bytes that arrive are changed in place and handed up.
impl Protocol for Rot13 {
    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        bytes.iter_mut().for_each(rot13);
        cx.deliver(bytes);
        Ok(bytes.len())
    }
}

/// The upper face: bytes that leave are changed and handed down.
impl Transport for Rot13 {
    fn send(&mut self, cx: &mut Context<'_>, mut chunk: Chunk<'_>) -> Result<(), Error> {
        if let Some(bytes) = chunk.owned_mut() {
            // A layer above made them: they may be changed in place.
            bytes.iter_mut().for_each(rot13);
            cx.send(chunk);
        } else {
            // The application only lends its bytes.
            let mut bytes = chunk.as_slice().to_vec();
            bytes.iter_mut().for_each(rot13);
            cx.send(&mut bytes);
        }
        Ok(())
    }
}

/// All else has a default: it is called after its type, needs no handshake, stages nothing, and
/// since it has no end mark it can be popped only while nothing is under way.
impl Layer for Rot13 {}

fn rot13(byte: &mut u8) {
    let first = match byte {
        b'a'..=b'z' => b'a',
        b'A'..=b'Z' => b'A',
        _ => return,
    };
    *byte = first + (*byte - first + 13) % 26;
}

/// Prints what passes. Since it only watches, it can be pushed and popped at any moment.
struct Wiretap;

impl Watch for Wiretap {
    fn name(&self) -> &str {
        "wiretap"
    }

    fn received(&mut self, _: &Context<'_>, bytes: &[u8]) {
        println!("    wire <-- {}", shown(bytes));
    }

    fn sent(&mut self, _: &Context<'_>, bytes: &[u8]) {
        println!("    wire --> {}", shown(bytes));
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    let (server, _) = listener.accept().await?;
    tokio::try_join!(run_client(client), run_server(server))?;
    Ok(())
}

async fn run_client(socket: TcpStream) -> io::Result<()> {
    let mut connection = Connection::new(socket);
    connection.push(Wiretap).await?;
    println!("{}", connection.stack());
    ask(&mut connection, "Hello!").await?;

    ask(&mut connection, "ROT13").await?;
    let rot13 = connection.push(Rot13).await?;
    println!("{}", connection.stack());
    ask(&mut connection, "Hello!").await?;

    ask(&mut connection, "PLAIN").await?;
    connection.pop(rot13).await?;
    println!("{}", connection.stack());
    ask(&mut connection, "Hello!").await?;
    connection.shutdown().await
}

async fn ask(connection: &mut Connection<TcpStream>, line: &str) -> io::Result<()> {
    println!("  the app says  {line}");
    connection.write_all(format!("{line}\n").as_bytes()).await?;
    let mut answer = String::new();
    connection.read_line(&mut answer).await?;
    println!("  and hears     {}", answer.trim_end());
    Ok(())
}

async fn run_server(socket: TcpStream) -> io::Result<()> {
    let mut connection = Connection::new(socket);
    let mut rot13 = None;
    let mut line = String::new();
    while connection.read_line(&mut line).await? > 0 {
        match (line.trim_end(), rot13.take()) {
            // The answer goes out past the new layer, and nothing can come between the two.
            ("ROT13", None) => rot13 = Some(connection.push_after(b"go ahead\n", Rot13).await?),
            ("PLAIN", Some(id)) => {
                connection.write_all(b"as you like\n").await?;
                connection.pop(id).await?;
            }
            (said, id) => {
                let answer = format!("You said: {said}\n");
                connection.write_all(answer.as_bytes()).await?;
                rot13 = id;
            }
        }
        line.clear();
    }
    connection.shutdown().await
}
