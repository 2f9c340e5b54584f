//! The one thing that a server wants to know of a ClientHello and rustls's unbuffered API keeps
//! to itself.

use rustls::pki_types::DnsName;

const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;

/// The host name that a ClientHello asks for (RFC 6066, section 3), if the message is there in
/// one piece. Whether the hello is acceptable is for rustls to say.
pub(crate) fn server_name(message: &[u8]) -> Option<String> {
    let mut message = Bytes(message);
    if message.int(1)? != usize::from(CLIENT_HELLO) {
        return None;
    }
    let mut hello = message.counted(3)?;
    hello.take(2 + 32)?; // version, random
    hello.counted(1)?; // session id
    hello.counted(2)?; // cipher suites
    hello.counted(1)?; // compression methods
    let mut extensions = hello.counted(2)?;
    loop {
        let kind = extensions.int(2)?;
        let mut extension = extensions.counted(2)?;
        if kind == usize::from(SERVER_NAME) {
            let mut names = extension.counted(2)?;
            if names.int(1)? != usize::from(HOST_NAME) {
                return None;
            }
            let name = DnsName::try_from(names.counted(2)?.0).ok()?;
            return Some(name.to_lowercase_owned().as_ref().to_owned());
        }
    }
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of `n` bytes.
    fn int(&mut self, n: usize) -> Option<usize> {
        let bytes = self.take(n)?;
        Some(bytes.iter().fold(0, |int, &b| int << 8 | usize::from(b)))
    }

    /// As many bytes as a number of `n` bytes says.
    fn counted(&mut self, n: usize) -> Option<Bytes<'a>> {
        let len = self.int(n)?;
        self.take(len).map(Bytes)
    }
}
