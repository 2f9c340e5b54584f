//! A connection, taken back from hyper.

use hyper::rt::{Read, Write};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use stack::{Connection, Error};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::Stream;

/// The connection over which hyper has spoken HTTP/1, once it was upgraded (`Upgrade`, RFC 9110, section 7.8)
/// or made a tunnel (`CONNECT`, section 9.3.6): at the client and at the server, whoever of this crate, hyper,
/// hyper-util and axum has made it hyper's.
///
/// What hyper had read ahead, behind the request or the answer, is [put back](Connection::unread). It is
/// read next; or it is the residue of the layer that is pushed next: compression takes it as
/// its own, TLS refuses it at a client, for nobody may smuggle plaintext across the push. A server whose
/// client may speak TLS at once, as in a tunnel, says so
/// ([`with_residue`](tls_layer::TlsLayer::with_residue)).
///
/// # Errors
///
/// If that is no `Connection<Io>`: a stream within HTTP/2, or over another socket. Or, of kind
/// [`ErrorKind::Limit`](stack::ErrorKind::Limit), if the connection's budget does not hold what hyper had
/// read ahead. It is closed then.
pub fn take_back<Io>(upgraded: Upgraded) -> Result<Connection<Io>, Error>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match parts::<TokioIo<Connection<Io>>>(upgraded) {
        Ok((io, ahead)) => put_back(io.into_inner(), ahead.as_ref()),
        Err(upgraded) => match parts::<TokioIo<Stream<Io>>>(upgraded) {
            Ok((io, ahead)) => put_back(io.into_inner().0, ahead.as_ref()),
            Err(_) => Err(Error::local(format!(
                "what was upgraded is no connection over a {}",
                std::any::type_name::<Io>()
            ))),
        },
    }
}

fn put_back<Io: AsyncRead + AsyncWrite + Unpin>(
    mut connection: Connection<Io>,
    ahead: &[u8],
) -> Result<Connection<Io>, Error> {
    connection.unread(ahead)?;
    Ok(connection)
}

/// What hyper was given, and what it has read of it and not used.
fn parts<T>(upgraded: Upgraded) -> Result<(T, impl AsRef<[u8]>), Upgraded>
where
    T: Read + Write + Unpin + 'static,
{
    // The automatic server puts what it is given into a type of its own.
    match auto::upgrade::downcast(upgraded) {
        Ok(parts) => Ok((parts.io, parts.read_buf)),
        Err(upgraded) => {
            let parts = upgraded.downcast()?;
            Ok((parts.io, parts.read_buf))
        }
    }
}
