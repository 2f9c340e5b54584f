//! What a handshake has agreed on.

use std::fmt;

use rustls::{CommonState, HandshakeKind, ProtocolVersion};

/// What the handshake has agreed on, by [`Stack::info`](stack::Stack::info). It is there once the
/// layer is up.
#[derive(Clone)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The protocol's version.
    pub version: TlsVersion,
    /// The cipher suite, by the name that rustls gives it, such as `TLS13_AES_128_GCM_SHA256`:
    /// IANA's, with the version in suites of TLS 1.3.
    pub cipher_suite: String,
    /// The key exchange group, such as `X25519`. `None` if a TLS 1.2 session was resumed, for
    /// then no keys were exchanged.
    pub group: Option<String>,
    /// The application protocol that was negotiated (ALPN, RFC 7301).
    pub alpn: Option<Vec<u8>>,
    /// The name of the server that the client asked for (SNI, RFC 6066), if it was a DNS name. A
    /// server does not know it if the ClientHello is longer than 16 KiB.
    pub server_name: Option<String>,
    /// The peer's certificates in DER, its own first. Empty if it showed none.
    pub peer_certificates: Vec<Vec<u8>>,
    /// Whether a session was resumed (RFC 8446, section 2.2; RFC 5077).
    pub resumed: bool,
    /// Whether the server has taken early data (0-RTT; RFC 8446, section 2.3).
    pub early_data: bool,
}

impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alpn = self.alpn.as_deref().map(String::from_utf8_lossy);
        let sizes = self.peer_certificates.iter().map(Vec::len);
        f.debug_struct("TlsInfo")
            .field("version", &self.version)
            .field("cipher_suite", &self.cipher_suite)
            .field("group", &self.group)
            .field("alpn", &alpn)
            .field("server_name", &self.server_name)
            .field("peer_certificates", &sizes.collect::<Vec<_>>())
            .field("resumed", &self.resumed)
            .field("early_data", &self.early_data)
            .finish()
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

impl TlsInfo {
    pub(crate) fn new(state: &CommonState, server_name: Option<String>, early_data: bool) -> Self {
        let suite = state.negotiated_cipher_suite();
        let group = state.negotiated_key_exchange_group();
        let certificates = state.peer_certificates().unwrap_or_default();
        Self {
            version: match state.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
                _ => TlsVersion::Tls12,
            },
            cipher_suite: suite.map_or_else(String::new, |s| format!("{:?}", s.suite())),
            group: group.map(|group| format!("{:?}", group.name())),
            alpn: state.alpn_protocol().map(<[u8]>::to_vec),
            server_name,
            peer_certificates: certificates.iter().map(|der| der.to_vec()).collect(),
            resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
            early_data,
        }
    }
}
