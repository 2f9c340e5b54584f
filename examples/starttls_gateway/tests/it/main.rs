//! The gateway as a program, before servers and with clients that are not ours.

mod attacks;
mod clients;
mod ends;
mod gateway;
mod many;
mod refusals;
mod stranger;

use std::sync::Arc;

use peers::{Authority, Result};
use rustls::version::{TLS12, TLS13};
use tls_layer::TlsLayer;
use tokio::net::{TcpSocket, TcpStream};

/// An address of this machine that nobody has who does not mean it: so a server that sees it has been told.
const CLIENT: [u8; 4] = [127, 0, 0, 9];

/// A connection from that address.
async fn connect(port: u16) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((CLIENT, 0).into())?;
    let stream = socket.connect(([127, 0, 0, 1], port).into()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn tls(authority: &Authority) -> Result<TlsLayer> {
    let config = authority.client(&[&TLS12, &TLS13])?;
    Ok(TlsLayer::client(Arc::new(config), "localhost".try_into()?))
}
