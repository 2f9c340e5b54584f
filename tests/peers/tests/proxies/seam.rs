//! Where the PROXY header ends and TLS begins, in the same bytes.

use std::sync::Arc;

use net_layers::{AcceptProxy, ProxyHeader, SendProxy, tlv};
use peers::{Authority, Result};
use rustls::version::{TLS12, TLS13};
use stack::{Limits, Residue, Stack};
use tls_layer::TlsLayer;

/// Cut anywhere, within the header, between the two, or within the hello, or not at all.
#[test]
fn tls_begins_right_behind_the_header() -> Result<()> {
    let (from, to) = ("192.0.2.1:4711".parse()?, "[2001:db8::1]:25".parse()?);
    let authority = Authority::new()?;
    let ours = Arc::new(authority.client(&[&TLS13])?);
    let theirs = Arc::new(authority.server(&[&TLS12, &TLS13])?);
    let more = ProxyHeader::v2(from, to).with_tlv(tlv::AUTHORITY, "localhost");
    for header in [ProxyHeader::v1(from, to), more.with_checksum()] {
        let mut cut = 0;
        loop {
            let mut client = Stack::new(Limits::default());
            client.push(SendProxy::new(header.clone()))?;
            client.push(TlsLayer::client(Arc::clone(&ours), "localhost".try_into()?))?;
            let mut server = Stack::new(Limits::default());
            server.push(AcceptProxy::new())?;
            let tls = TlsLayer::server(Arc::clone(&theirs)).with_residue(Residue::Feed);
            server.push(tls)?;

            let first = said(&mut client);
            assert!(first.starts_with(&header.to_bytes()?));
            let (one, other) = first.split_at(cut);
            for part in [one, other] {
                server.receive(&mut part.to_vec());
            }
            let told = server.info::<ProxyHeader>().ok_or("no header")?;
            assert_eq!(told.tlvs, header.tlvs);

            client.write(b"hello")?;
            for _ in 0..2 {
                client.receive(&mut said(&mut server));
                server.receive(&mut said(&mut client));
            }
            assert_eq!(server.readable(), b"hello", "cut at {cut}");
            if cut == first.len() {
                break;
            }
            cut += 1;
        }
    }
    Ok(())
}

/// What it has said since this was asked last.
fn said(stack: &mut Stack) -> Vec<u8> {
    stack.flush();
    let bytes = stack.outgoing().to_vec();
    stack.sent(bytes.len());
    bytes
}
