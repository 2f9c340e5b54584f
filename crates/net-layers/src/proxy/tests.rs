use std::net::SocketAddr;

use stack::{Blame, Error};

use super::{Addresses, ProxyHeader, Ssl, tlv};
use crate::{AcceptProxy, SendProxy};

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn all() -> Vec<ProxyHeader> {
    let (v4, v6) = (address("192.0.2.1:4711"), address("[2001:db8::1]:25"));
    let ssl = Ssl {
        tls: true,
        certificate: true,
        verified: true,
        tlvs: vec![(tlv::SSL_VERSION, b"TLSv1.3".to_vec())],
        ..Ssl::default()
    };
    let mut unknown = ProxyHeader::v1(v4, v4);
    unknown.addresses = Addresses::Unknown;
    let mut local = ProxyHeader::v2(v4, v4);
    local.addresses = Addresses::Local;
    let mut unix = ProxyHeader::v2(v4, v4).with_tlv(tlv::NOOP, [0; 7]);
    unix.addresses = Addresses::Unix {
        source: b"/run/client".to_vec(),
        destination: b"\0abstract".to_vec(),
    };
    let full = ProxyHeader::v2(v6, v6)
        .with_tlv(tlv::ALPN, "h2")
        .with_ssl(&ssl)
        .unwrap()
        .with_checksum();
    assert_eq!(full.ssl(), Some(ssl));
    vec![
        ProxyHeader::v1(v4, v4),
        ProxyHeader::v1(v6, v6),
        unknown,
        ProxyHeader::v2(v4, v4),
        local,
        unix,
        full,
    ]
}

#[test]
fn what_was_said_is_heard_at_every_cut() {
    for header in all() {
        let bytes = header.to_bytes().unwrap();
        for cut in 0..bytes.len() {
            let parsed = ProxyHeader::parse(&bytes[..cut]);
            assert_eq!(parsed.unwrap(), None, "{header:?} cut at {cut}");
        }
        let more = [&bytes[..], b"\r\nmore"].concat();
        let (heard, length) = ProxyHeader::parse(&more).unwrap().unwrap();
        assert_eq!((heard, length), (header, bytes.len()));
    }
}

/// Each is an error of the peer's, or, where more could still make sense of it, none yet.
#[test]
fn no_bytes_are_taken_for_what_they_are_not() {
    for header in all() {
        let good = header.to_bytes().unwrap();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                match ProxyHeader::parse(&bytes) {
                    Err(error) => assert_eq!(error.blame(), Blame::Remote),
                    Ok(None) => {}
                    Ok(Some((heard, _))) => {
                        assert!(
                            !header.checksum || heard == header || !heard.checksum,
                            "{at}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_changed_byte_breaks_the_checksum() {
    let header = ProxyHeader::v2(address("192.0.2.1:1"), address("192.0.2.2:2"))
        .with_tlv(tlv::UNIQUE_ID, "an id")
        .with_checksum();
    let good = header.to_bytes().unwrap();
    for at in 16..good.len() {
        // Not the types and lengths, by which there might be no checksum any more.
        if (28..31).contains(&at) || (36..39).contains(&at) {
            continue;
        }
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        let error = ProxyHeader::parse(&bytes).unwrap_err();
        assert!(error.to_string().contains("checksum"), "{at}: {error}");
    }
}

/// Some proxies say that a certificate is good which the client has not shown.
#[test]
fn no_certificate_is_never_a_good_one() {
    let heard = |bits: u8, verify: u8| {
        let header = ProxyHeader::v2(address("192.0.2.1:1"), address("192.0.2.2:2"))
            .with_tlv(tlv::SSL, [bits, 0, 0, 0, verify]);
        let (header, _) = ProxyHeader::parse(&header.to_bytes().unwrap())
            .unwrap()
            .unwrap();
        header.ssl().unwrap()
    };
    assert!(heard(1, 0).tls && !heard(1, 0).verified);
    assert!(heard(3, 0).verified && heard(5, 0).verified);
    assert!(!heard(7, 1).verified);
}

fn refused(bytes: &[u8]) -> String {
    let error: Error = ProxyHeader::parse(bytes).unwrap_err();
    assert_eq!(error.blame(), Blame::Remote);
    error.to_string()
}

#[test]
fn what_is_no_header_is_refused_at_its_first_wrong_byte() {
    for bytes in [
        &b"G"[..],
        b"EHLO client\r\n",
        b"PROXX",
        b"\r\n\r\n\0\r\nQUIX",
        b"\x16\x03\x01",
    ] {
        assert!(refused(bytes).contains("no PROXY header"));
    }
    for line in [
        &b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n"[..],
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n",
        b"PROXY TCP4 1.2.3.4 ::1 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
        b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
        b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
        b"PROXY TCP6 1.2.3.4 ::1 1 2\r\n",
        b"PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY UNKNOWN\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY \r\n",
        b"PROXY \xff\r\n",
    ] {
        assert!(
            refused(line).contains("malformed"),
            "{}",
            line.escape_ascii()
        );
    }
    let long = [&b"PROXY UNKNOWN "[..], &[b'x'; 93]].concat();
    assert_eq!(ProxyHeader::parse(&long[..106]).unwrap(), None);
    assert!(refused(&long).contains("107"));
}

#[test]
fn version_2_is_refused_where_it_is_wrong() {
    let good = ProxyHeader::v2(address("192.0.2.1:1"), address("192.0.2.2:2"));
    let good = good.with_tlv(tlv::ALPN, "h2").to_bytes().unwrap();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    assert!(refused(&with(12, 0x11)).contains("malformed"), "version 1");
    assert!(refused(&with(12, 0x22)).contains("malformed"), "no command");
    assert!(refused(&with(13, 0x41)).contains("malformed"), "no family");
    assert!(
        refused(&with(13, 0x13)).contains("malformed"),
        "no protocol"
    );
    assert!(refused(&with(13, 0x12)).contains("datagrams"));
    assert!(
        refused(&with(15, 11)).contains("malformed"),
        "too short for its addresses"
    );
    assert!(
        refused(&with(30, 3)).contains("cut off"),
        "an addition longer than the header"
    );
    // Told before all of it has come.
    assert!(refused(&with(14, 0x40)[..16]).contains("16 KiB"));
}

/// Whatever stands beside that nothing is said, is not looked at (sections 2.1 and 2.2).
#[test]
fn what_says_nothing_may_say_anything() {
    for (bytes, addresses) in [
        (&b"PROXY UNKNOWN\r\n"[..], Addresses::Unknown),
        (
            b"PROXY UNKNOWN ffff:f ffff:f 65535 65535\r\n",
            Addresses::Unknown,
        ),
        (
            b"PROXY UNKNOWN 1 2 3 4 5 6 a\rb \xff\r\n",
            Addresses::Unknown,
        ),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0", Addresses::Local),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\x11\0\x01x", Addresses::Local),
        (
            b"\r\n\r\n\0\r\nQUIT\n\x20\xff\0\x05\x03\0\x04xx",
            Addresses::Local,
        ),
        (
            b"\r\n\r\n\0\r\nQUIT\n\x21\x00\0\x05\x03\0\x04xx",
            Addresses::Unknown,
        ),
    ] {
        for cut in 0..bytes.len() {
            assert_eq!(ProxyHeader::parse(&bytes[..cut]).unwrap(), None, "{cut}");
        }
        let more = [bytes, b"\r\nmore"].concat();
        let (heard, length) = ProxyHeader::parse(&more).unwrap().unwrap();
        assert_eq!((heard.addresses, length), (addresses, bytes.len()));
        assert_eq!((heard.tlvs, heard.checksum), (Vec::new(), false));
    }
}

#[test]
fn what_cannot_be_said_is_an_error_of_ours() {
    let (one, other) = (address("192.0.2.1:1"), address("192.0.2.2:2"));
    let long = ProxyHeader::v2(one, other).with_tlv(tlv::NOOP, [0; 16 * 1024]);
    let longer = ProxyHeader::v2(one, other).with_tlv(tlv::NOOP, [0; 70_000]);
    let text = ProxyHeader::v1(one, other).with_tlv(tlv::NOOP, []);
    let sum = ProxyHeader::v1(one, other).with_checksum();
    let mut path = ProxyHeader::v2(one, other);
    path.addresses = Addresses::Unix {
        source: vec![b'x'; 109],
        destination: Vec::new(),
    };
    for header in [long, longer, text, sum, path] {
        let error = header.to_bytes().unwrap_err();
        assert_eq!(error.blame(), Blame::Local, "{error}");
    }
}

#[test]
fn addresses_of_two_families_are_mapped() {
    let header = ProxyHeader::v1(address("192.0.2.1:1"), address("[2001:db8::1]:2"));
    let line = b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n";
    assert_eq!(header.to_bytes().unwrap(), line);
}

/// The one end says a header, the other end wants to hear one; the kit plays them at every cut.
#[test]
fn both_ends_keep_the_contract() {
    for header in all() {
        stack::testing::Check::new(|order| -> Box<dyn stack::Layer> {
            match order.client {
                true => Box::new(SendProxy::new(header.clone())),
                false => Box::new(AcceptProxy::new()),
            }
        })
        .seeds(50)
        .run()
        .unwrap_or_else(|failure| panic!("{header:?}: {failure}"));
    }
}
