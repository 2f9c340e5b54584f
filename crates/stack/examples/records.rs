//! The layer that the guide (`stack::guide`) grows step by step: whole, and pushed and popped on a
//! live TCP connection.

use std::any::{Any, TypeId};
use std::io;
use std::time::Duration;

use stack::{
    Chunk, Connection, Context, Error, Exit, Layer, Protocol, Readiness, Standing, Transport,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A header is two bytes. From 1 to `FULL` it says how many bytes follow; else it is a word.
const HEADER: usize = 2;
const FULL: u16 = 4096;
/// Nothing more comes from this side.
const END: u16 = 0;
/// Is your layer there?
const HELLO: u16 = 0xfffc;
/// It is.
const WELCOME: u16 = 0xfffd;
/// It still is.
const ALIVE: u16 = 0xfffe;
/// I do not understand you.
const ALERT: u16 = 0xffff;

/// When nothing was sent for so long, `ALIVE` is.
const IDLE: Duration = Duration::from_secs(30);

/// Bytes in records, each byte changed by a key.
struct Records {
    key: u8,
    life: Life,
    staged: Vec<u8>,
    info: RecordsInfo,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Life {
    /// The peer's hello has not come.
    New,
    /// It has come, and was answered.
    Greeted,
    /// Ours was answered, too.
    Up,
}

/// What the layer tells: how many records of bytes went each way.
#[derive(Default)]
struct RecordsInfo {
    received: u64,
    sent: u64,
}

impl Records {
    fn new(key: u8) -> Self {
        Self {
            key,
            life: Life::New,
            staged: Vec::new(),
            info: RecordsInfo::default(),
        }
    }

    /// Sends the first `n` of the staged bytes, once the layer is up.
    fn seal(&mut self, cx: &mut Context<'_>, n: usize) {
        let n = if self.life == Life::Up { n } else { 0 };
        for bytes in self.staged[..n].chunks(FULL.into()) {
            cx.send_with(HEADER + bytes.len(), |room| {
                let (header, body) = room.split_at_mut(HEADER);
                header.copy_from_slice(&(bytes.len() as u16).to_be_bytes());
                body.copy_from_slice(bytes);
                body.iter_mut().for_each(|byte| *byte ^= self.key);
                (room.len(), ())
            });
            cx.wake_at(Some(cx.now() + IDLE));
            self.info.sent += 1;
        }
        self.staged.drain(..n);
        cx.hold_back(self.staged.len() > FULL.into());
    }
}

impl Protocol for Records {
    fn attached(&mut self, cx: &mut Context<'_>, _: &Standing) -> Result<Readiness, Error> {
        *self = Self::new(self.key);
        cx.send(&HELLO.to_be_bytes());
        cx.wake_at(Some(cx.now() + IDLE));
        Ok(Readiness::Handshaking)
    }

    fn received(&mut self, cx: &mut Context<'_>, bytes: &mut [u8]) -> Result<usize, Error> {
        let mut taken = 0;
        while let Some((header, rest)) = bytes[taken..].split_first_chunk_mut() {
            match (u16::from_be_bytes(*header), self.life) {
                (len @ 1..=FULL, Life::Up) => {
                    let Some(body) = rest.get_mut(..len.into()) else {
                        break;
                    };
                    body.iter_mut().for_each(|byte| *byte ^= self.key);
                    cx.deliver(body);
                    taken += body.len();
                    self.info.received += 1;
                }
                (END, Life::Up) => {
                    cx.end_mark();
                    return Ok(taken + HEADER);
                }
                (HELLO, Life::New) => {
                    cx.send(&WELCOME.to_be_bytes());
                    self.life = Life::Greeted;
                }
                (WELCOME, Life::Greeted) => {
                    self.life = Life::Up;
                    cx.up();
                    self.seal(cx, self.staged.len());
                }
                (ALIVE, _) => {}
                (ALERT, _) => return Err(Error::remote("the peer did not understand us")),
                (word, life) => {
                    cx.send(&ALERT.to_be_bytes());
                    return Err(Error::remote(format!("{word:#06x} while {life:?}")));
                }
            }
            taken += HEADER;
        }
        Ok(taken)
    }

    fn end_received(&mut self, _: &mut Context<'_>) -> Result<(), Error> {
        Err(Error::truncated("the input ends without an end mark"))
    }

    fn timed_out(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        cx.send(&ALIVE.to_be_bytes());
        cx.wake_at(Some(cx.now() + IDLE));
        Ok(())
    }
}

impl Transport for Records {
    fn send(&mut self, cx: &mut Context<'_>, chunk: Chunk<'_>) -> Result<(), Error> {
        self.staged.extend_from_slice(chunk.as_slice());
        let full = self.staged.len() / usize::from(FULL) * usize::from(FULL);
        self.seal(cx, full);
        Ok(())
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.seal(cx, self.staged.len());
        Ok(())
    }

    fn finish(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        self.flush(cx)?;
        cx.send(&END.to_be_bytes());
        cx.wake_at(None);
        Ok(())
    }
}

impl Layer for Records {
    fn exit(&self) -> Exit {
        Exit::Marked
    }

    fn held(&self) -> usize {
        self.staged.len()
    }

    fn info(&self, wanted: TypeId) -> Option<&dyn Any> {
        (wanted == TypeId::of::<RecordsInfo>()).then_some(&self.info as &dyn Any)
    }
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
    assert_eq!(ask(&mut connection, "RECORDS").await?, "go ahead");
    let records = connection.push(Records::new(0x55)).await?;
    println!("{}", connection.stack());

    assert_eq!(ask(&mut connection, "Hello!").await?, "You said: Hello!");
    let info = connection
        .info::<RecordsInfo>()
        .map(|info| (info.sent, info.received));
    assert_eq!(info, Some((1, 1)));

    assert_eq!(ask(&mut connection, "PLAIN").await?, "as you like");
    connection.pop(records).await?;
    println!("{}", connection.stack());
    assert_eq!(ask(&mut connection, "Hello!").await?, "You said: Hello!");
    connection.shutdown().await
}

async fn ask(connection: &mut Connection<TcpStream>, line: &str) -> io::Result<String> {
    println!("  the app says  {line}");
    connection.write_all(format!("{line}\n").as_bytes()).await?;
    let mut answer = String::new();
    connection.read_line(&mut answer).await?;
    println!("  and hears     {}", answer.trim_end());
    Ok(answer.trim_end().to_owned())
}

async fn run_server(socket: TcpStream) -> io::Result<()> {
    let mut connection = Connection::new(socket);
    let mut records = None;
    let mut line = String::new();
    while connection.read_line(&mut line).await? > 0 {
        match (line.trim_end(), records.take()) {
            ("RECORDS", None) => {
                let pushed = connection
                    .push_after(b"go ahead\n", Records::new(0x55))
                    .await?;
                records = Some(pushed);
            }
            ("PLAIN", Some(pushed)) => {
                connection.write_all(b"as you like\n").await?;
                connection.pop(pushed).await?;
            }
            (said, same) => {
                let answer = format!("You said: {said}\n");
                connection.write_all(answer.as_bytes()).await?;
                records = same;
            }
        }
        line.clear();
    }
    connection.shutdown().await
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    #[test]
    fn it_keeps_the_contract() {
        stack::testing::check(|_| super::Records::new(0x55));
    }
}
