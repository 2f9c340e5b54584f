//! Two ends of a TCP connection on the loopback.

use std::net::{TcpListener, TcpStream};

/// A connected pair, without delays.
pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let a = TcpStream::connect(listener.local_addr().expect("an address")).expect("a peer");
    let (b, _) = listener.accept().expect("a peer");
    for socket in [&a, &b] {
        socket.set_nonblocking(true).expect("a live socket");
        socket.set_nodelay(true).expect("a live socket");
    }
    (a, b)
}

/// For tokio; within a runtime.
pub(crate) fn raw(socket: TcpStream) -> tokio::net::TcpStream {
    tokio::net::TcpStream::from_std(socket).expect("a runtime")
}
