//! The server's half, where it is a line.

/// PostgreSQL's SSLRequest: a server that has TLS answers it with `S`.
///
/// ```no_run
/// # async fn serve(mut connection: stack::Connection<tokio::net::TcpStream>, tls: impl stack::Layer) -> Result<(), Box<dyn std::error::Error>> {
/// use net_layers::SSL_REQUEST;
/// use tokio::io::AsyncReadExt;
///
/// let mut request = [0; 8];
/// connection.read_exact(&mut request).await?;
/// if request == SSL_REQUEST {
///     connection.push_after(b"S", tls).await?;
/// }
/// # Ok(()) }
/// ```
pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A protocol in which a client asks for TLS in a line, and the server goes ahead with one.
///
/// ```
/// # async fn serve<Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(mut connection: stack::Connection<Io>, tls: impl stack::Layer) -> Result<(), Box<dyn std::error::Error>> {
/// use net_layers::LineProtocol;
/// use tokio::io::AsyncBufReadExt;
///
/// let mut line = String::new();
/// connection.read_line(&mut line).await?;
/// if let Some(answer) = LineProtocol::Imap.go_ahead(&line) {
///     // One act: what the client has sent behind that line is an error, what it sends from now on TLS.
///     connection.push_after(answer.as_bytes(), tls).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineProtocol {
    /// STARTTLS (RFC 3207).
    Smtp,
    /// STARTTLS (RFC 9051, section 6.2.1), behind the client's tag.
    Imap,
    /// STLS (RFC 2595).
    Pop3,
    /// STARTTLS (RFC 4642).
    Nntp,
    /// AUTH TLS (RFC 4217).
    Ftp,
}

impl LineProtocol {
    /// What a server answers to this line, and begins TLS; `None` if the line does not ask for that. With
    /// anything behind the command, it does not.
    pub fn go_ahead(self, line: &str) -> Option<String> {
        let line = line.trim_end();
        let (tag, command) = match self {
            Self::Imap => line.split_once(' ')?,
            _ => ("", line),
        };
        let (asked, answer) = match self {
            Self::Smtp => ("STARTTLS", "220 go ahead"),
            Self::Imap => ("STARTTLS", "OK go ahead"),
            Self::Pop3 => ("STLS", "+OK go ahead"),
            Self::Nntp => ("STARTTLS", "382 go ahead"),
            Self::Ftp => ("AUTH TLS", "234 go ahead"),
        };
        let asks = command.eq_ignore_ascii_case(asked);
        match self {
            Self::Imap => (asks && is_tag(tag)).then(|| format!("{tag} {answer}\r\n")),
            _ => asks.then(|| format!("{answer}\r\n")),
        }
    }
}

/// Whether this can be a tag (RFC 9051, section 9), and so be repeated.
fn is_tag(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b"(){%*\"\\+".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}
