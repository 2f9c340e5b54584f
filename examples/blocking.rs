//! The core alone: a `stack::Stack` over a blocking socket, without tokio. For those who have an
//! event loop of their own: what `turn` does here, theirs does on events. Two threads talk over
//! TCP; TLS is pushed onto their live connection, and popped again.

mod certificate;

use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ClientConfig, ServerConfig};
use stack::{Error, LayerId, Limits, Stack};
use tls_layer::TlsLayer;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The shortest wait: to a socket, a timeout of zero means for ever.
const TICK: Duration = Duration::from_millis(1);

/// The longest line.
const LONGEST: usize = 8 * 1024;

/// A stack, the socket below it, and the clock that counts from the connection's beginning.
struct Blocking {
    stack: Stack,
    socket: TcpStream,
    began: Instant,
}

impl Blocking {
    fn new(socket: TcpStream) -> Self {
        let (stack, began) = (Stack::new(Limits::default()), Instant::now());
        Self {
            stack,
            socket,
            began,
        }
    }

    /// Goes on until `done` says so. Between two turns the application reads, writes and changes
    /// the stack; all of that takes effect within the call, and the turn carries the bytes.
    fn until<T>(&mut self, mut done: impl FnMut(&mut Stack) -> Option<T>) -> Result<T> {
        loop {
            if let Some(result) = done(&mut self.stack) {
                return Ok(result);
            }
            if let Some(end) = self.stack.input_end() {
                return Err(format!("the input is over: {end:?}").into());
            }
            self.turn()?;
        }
    }

    fn turn(&mut self) -> io::Result<()> {
        // 1. Tell the time: deadlines that have passed are acted on.
        self.stack.advance(self.began.elapsed());
        // 2. About to wait for input: let out what the layers stage.
        self.stack.flush();
        // 3. Write what is ready. (With a nonblocking socket: as much as it takes. This one
        //    blocks, so two peers that both write more than the sockets hold, and do not
        //    read meanwhile, would wait for each other.)
        while !self.stack.outgoing().is_empty() {
            self.socket.write_all(self.stack.outgoing())?;
            self.stack.sent(self.stack.outgoing().len());
        }
        // 4. Behind the last byte, end the socket's outgoing half.
        if self.stack.outgoing_ended() {
            self.socket.shutdown(Shutdown::Write)?;
        }
        // 5. Read, unless there is no room or there is work left; until the next deadline at most.
        if !self.stack.wants_input() || self.stack.has_work() {
            return Ok(());
        }
        let left = |at: Duration| at.saturating_sub(self.began.elapsed());
        let patience = self.stack.deadline().map(left);
        self.socket
            .set_read_timeout(patience.map(|time| time.max(TICK)))?;
        let read = self.socket.read(self.stack.input_space());
        self.stack.filled(*read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => self.stack.receive_end(),
            Ok(_) => {}
            // The time is up: the next turn's `advance` sees to it.
            Err(e) if matches!(e.kind(), WouldBlock | TimedOut) => {}
            Err(error) => self.stack.fail(Error::transport(error)),
        }
        Ok(())
    }

    fn say(&mut self, line: &str) -> Result<()> {
        Ok(self.stack.write(format!("{line}\n").as_bytes())?)
    }

    /// The next line. What follows it stays where it is.
    fn line(&mut self) -> Result<String> {
        self.until(|stack| {
            let Some(end) = stack.readable().iter().position(|byte| *byte == b'\n') else {
                let endless = stack.readable().len() > LONGEST;
                return endless.then(|| Err("the line has no end".into()));
            };
            let line = String::from_utf8_lossy(&stack.readable()[..end]).into_owned();
            stack.consume(end + 1);
            Some(Ok(line))
        })?
    }

    fn pop(&mut self, id: LayerId<TlsLayer>) -> Result<TlsLayer> {
        self.stack.start_pop(id.key())?;
        Ok(self.until(|stack| stack.take_popped(id))?.0)
    }
}

fn main() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let socket = TcpStream::connect(listener.local_addr()?)?;
    let (accepted, _) = listener.accept()?;
    let (certificate, at_server) = certificate::make("localhost")?;
    let at_client = certificate::trust(certificate)?;
    let server = thread::spawn(move || run_server(Blocking::new(accepted), at_server));
    let client = run_client(Blocking::new(socket), at_client);
    server.join().expect("the server's thread does not panic")?;
    client
}

fn run_client(mut peer: Blocking, config: Arc<ClientConfig>) -> Result<()> {
    peer.say("STARTTLS")?;
    println!("{:<28}  {}", peer.stack.to_string(), peer.line()?);
    let id = peer
        .stack
        .push(TlsLayer::client(config, "localhost".try_into()?))?;
    peer.say("STOPTLS")?;
    println!("{:<28}  {}", peer.stack.to_string(), peer.line()?);
    peer.pop(id)?;
    peer.say("QUIT")?;
    println!("{:<28}  {}", peer.stack.to_string(), peer.line()?);
    peer.stack.shutdown();
    Ok(peer.turn()?)
}

fn run_server(mut peer: Blocking, config: Arc<ServerConfig>) -> Result<()> {
    peer.line()?;
    let id = peer
        .stack
        .push_after(b"in clear: go ahead\n", TlsLayer::server(config))?;
    peer.line()?;
    peer.say("under TLS: as you like")?;
    peer.pop(id)?;
    peer.line()?;
    peer.say("in clear again, on the same connection: bye")?;
    peer.stack.shutdown();
    Ok(peer.turn()?)
}
