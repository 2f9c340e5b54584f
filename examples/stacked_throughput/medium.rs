//! What carries the bytes.

use std::net::TcpStream;

use clap::ValueEnum;
use measure::sockets;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Medium {
    /// TCP on the loopback, without delays.
    Tcp,
    /// A pair of Unix sockets.
    #[cfg(unix)]
    Unix,
    /// A pipe of tokio's in memory, of 64 KiB each way.
    Memory,
}

/// What the pipe in memory holds each way.
const PIPE: usize = 64 << 10;

/// One end of it, to be opened within the runtime that is to use it.
pub(crate) enum End {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixStream),
    Memory(DuplexStream),
}

/// Any stream. Every variant that is compared, ours too, is behind one such box above, and on one
/// below; so the measured loops are the same for all.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub(crate) type BoxedStream = Box<dyn Stream>;

impl Medium {
    /// Two connected ends.
    pub(crate) fn pair(self) -> (End, End) {
        match self {
            Self::Tcp => {
                let (a, b) = sockets::pair();
                (End::Tcp(a), End::Tcp(b))
            }
            #[cfg(unix)]
            Self::Unix => {
                let (a, b) = std::os::unix::net::UnixStream::pair().expect("two sockets");
                for socket in [&a, &b] {
                    socket.set_nonblocking(true).expect("a live socket");
                }
                (End::Unix(a), End::Unix(b))
            }
            Self::Memory => {
                let (a, b) = tokio::io::duplex(PIPE);
                (End::Memory(a), End::Memory(b))
            }
        }
    }
}

impl End {
    /// Within a runtime.
    pub(crate) fn open(self) -> BoxedStream {
        match self {
            Self::Tcp(socket) => Box::new(sockets::raw(socket)),
            #[cfg(unix)]
            Self::Unix(socket) => {
                Box::new(tokio::net::UnixStream::from_std(socket).expect("a runtime"))
            }
            Self::Memory(pipe) => Box::new(pipe),
        }
    }
}
