//! Two ends of a TCP connection on the loopback.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use socket2::SockRef;

/// A connected pair, without delays.
pub fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    connected(&listener)
}

fn connected(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let a = TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer");
    let (b, _) = listener.accept().expect("a peer");
    for socket in [&a, &b] {
        socket.set_nonblocking(true).expect("a live socket");
        socket.set_nodelay(true).expect("a live socket");
    }
    (a, b)
}

/// Makes pairs, one behind another.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// At a port of its own.
    #[expect(clippy::new_without_default, reason = "it opens a socket")]
    pub fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    /// A connected pair, without delays, that is reset when it is dropped: else the ports that
    /// linger would soon make the system search for a free one.
    pub fn pair(&self) -> (TcpStream, TcpStream) {
        let (a, b) = connected(&self.0);
        for socket in [&a, &b] {
            let linger = SockRef::from(socket).set_linger(Some(Duration::ZERO));
            linger.expect("a live socket");
        }
        (a, b)
    }
}

/// For tokio; within a runtime.
pub fn raw(socket: TcpStream) -> tokio::net::TcpStream {
    tokio::net::TcpStream::from_std(socket).expect("a runtime")
}
