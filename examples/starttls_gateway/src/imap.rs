//! IMAP with STARTTLS (RFC 9051, section 6.2.1) and COMPRESS (RFC 4978).
//!
//! The whole session is followed, for compression begins behind the login: where commands and responses
//! begin, which commands wait for their answer, and what is no command though it looks like one.

use std::io;

use compress_layer::CompressLayer;
use net_layers::LineProtocol;
use tokio::time::{Instant, timeout_at};

use crate::lines::{say, verb};
use crate::relay::{Filter, Relay};
use crate::scanner::{Announced, Piece, Scanner, announced};
use crate::session::{Talk, push_after};

/// How hard deflate tries: zlib's own choice.
const LEVEL: u32 = 6;

/// Serves the client to its end.
pub(crate) async fn serve(talk: &mut Talk<'_>) -> io::Result<()> {
    let mut imap = Imap::new(talk.shared.arguments.require_tls);
    let mut relay = Relay::default();
    let deadline = Instant::now() + talk.shared.arguments.login_timeout;
    let begin = follow(talk, &mut relay, &mut imap, false);
    if timeout_at(deadline, begin)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?
    {
        follow(talk, &mut relay, &mut imap, true).await?;
    }
    Ok(())
}

/// Follows the session to its end; or, before the login, only up to that. Returns whether it goes on.
async fn follow(
    talk: &mut Talk<'_>,
    relay: &mut Relay,
    imap: &mut Imap,
    to_the_end: bool,
) -> io::Result<bool> {
    while relay.run(talk.client, &mut talk.server, imap).await? {
        match imap.turn() {
            Turn::LoggedIn if to_the_end => {}
            Turn::LoggedIn => return Ok(true),
            Turn::BeginTls(go_ahead) => talk.begin_tls(go_ahead.as_bytes()).await?,
            Turn::Compress(tag) => {
                let answer = format!("{tag} OK DEFLATE active\r\n");
                let deflate = CompressLayer::deflate(LEVEL);
                push_after(talk.client, answer.as_bytes(), deflate).await?;
            }
            Turn::Answer(answer) => say(talk.client, answer).await?,
            Turn::Close(answer) => {
                say(talk.client, answer).await?;
                return Ok(false);
            }
        }
    }
    Ok(false)
}

/// What is known of a session.
#[derive(Debug)]
struct Imap {
    requires_tls: bool,
    secure: bool,
    compressed: bool,
    login: Login,
    commands: Scanner,
    responses: Scanner,
    /// How many commands wait for their answer.
    open: usize,
    /// The tag of the latest.
    tag: String,
    client: Client,
}

/// How far the login has come.
#[derive(Debug, PartialEq, Eq)]
enum Login {
    No,
    /// This command asks for it.
    Asked(String),
    /// It has happened, and is yet to be told.
    News,
    Yes,
}

/// What the client does.
#[derive(Debug)]
enum Client {
    /// It sends commands.
    Talks,
    /// Its command has announced a literal of so many bytes, and waits for leave to send it.
    AwaitsLeave { length: u64 },
    /// Until its command is answered, its lines are no commands: of AUTHENTICATE, and of IDLE.
    Converses,
    /// It has asked for something that we are to do, once its other commands are answered.
    Asks(Turn),
}

/// What we do ourselves.
#[derive(Debug)]
enum Turn {
    LoggedIn,
    BeginTls(String),
    Compress(String),
    Answer(String),
    Close(String),
}

/// What may be asked for before TLS, where that is required.
const BEFORE_TLS: [&str; 4] = ["CAPABILITY", "ID", "LOGOUT", "NOOP"];

impl Imap {
    fn new(requires_tls: bool) -> Self {
        Self {
            requires_tls,
            secure: false,
            compressed: false,
            login: Login::No,
            commands: Scanner::new(),
            responses: Scanner::new(),
            open: 0,
            tag: String::new(),
            client: Client::Talks,
        }
    }

    fn lacks_tls(&self) -> bool {
        self.requires_tls && !self.secure
    }

    fn is_logged_in(&self) -> bool {
        matches!(self.login, Login::News | Login::Yes)
    }

    /// What we do now that we have [interrupted](Filter::interrupts).
    fn turn(&mut self) -> Turn {
        if self.login == Login::News {
            self.login = Login::Yes;
            return Turn::LoggedIn;
        }
        let Client::Asks(turn) = std::mem::replace(&mut self.client, Client::Talks) else {
            unreachable!("there is nothing else to interrupt for")
        };
        self.secure |= matches!(turn, Turn::BeginTls(_));
        self.compressed |= matches!(turn, Turn::Compress(_));
        turn
    }

    /// A command begins with this line, which is passed on, or is ours to answer.
    fn command(&mut self, line: &[u8], on: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line).into_owned();
        let (tag, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let verb = verb(rest);
        match self.ours(&text, tag, &verb, announced(line)) {
            Some(turn) => self.client = Client::Asks(turn),
            None => {
                on.extend(line);
                if !verb.is_empty() {
                    self.passed(tag, &verb);
                }
                self.announce(line);
            }
        }
    }

    /// What we answer ourselves.
    fn ours(&self, line: &str, tag: &str, verb: &str, literal: Option<Announced>) -> Option<Turn> {
        if let Some(go_ahead) = LineProtocol::Imap.go_ahead(line) {
            return Some(match self.secure || self.is_logged_in() {
                true => Turn::Answer(format!("{tag} BAD it is too late for TLS\r\n")),
                false => Turn::BeginTls(go_ahead),
            });
        }
        if self.lacks_tls() && !BEFORE_TLS.contains(&verb) {
            // A literal that comes without leave would be taken for commands.
            return Some(match literal {
                Some(Announced { waits: false, .. }) => {
                    Turn::Close("* BYE [PRIVACYREQUIRED] STARTTLS first\r\n".to_owned())
                }
                _ => Turn::Answer(format!("{tag} NO [PRIVACYREQUIRED] STARTTLS first\r\n")),
            });
        }
        if verb != "COMPRESS" || !self.is_logged_in() {
            return None;
        }
        let asked = line.trim_end().rsplit(' ').next().unwrap_or_default();
        Some(match asked.eq_ignore_ascii_case("DEFLATE") {
            false => Turn::Answer(format!("{tag} BAD only DEFLATE\r\n")),
            true if self.compressed => Turn::Answer(format!(
                "{tag} NO [COMPRESSIONACTIVE] it is active already\r\n"
            )),
            true => Turn::Compress(tag.to_owned()),
        })
    }

    /// A command was passed on.
    fn passed(&mut self, tag: &str, verb: &str) {
        self.open += 1;
        self.tag = tag.to_owned();
        if matches!(verb, "LOGIN" | "AUTHENTICATE") && self.login == Login::No {
            self.login = Login::Asked(tag.to_owned());
        }
        if matches!(verb, "AUTHENTICATE" | "IDLE") {
            self.client = Client::Converses;
        }
    }

    /// The client's line, or its end, may announce a literal.
    fn announce(&mut self, line: &[u8]) {
        match announced(line) {
            Some(Announced {
                length,
                waits: true,
            }) => {
                self.client = Client::AwaitsLeave { length };
            }
            Some(Announced { length, .. }) => self.commands.literal(length),
            None => {}
        }
    }

    /// A response begins with this line, which is passed on.
    fn response(&mut self, line: &[u8], on: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line).into_owned();
        let mut words = text.split_ascii_whitespace();
        let (tag, status) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        match tag {
            "+" => {
                if let Client::AwaitsLeave { length } = self.client {
                    self.commands.literal(length);
                    self.client = Client::Talks;
                }
            }
            "*" if status == "PREAUTH" => self.login = Login::News,
            "*" => {}
            tag => self.answered(tag, status == "OK"),
        }
        match self.offers(&text) {
            Some(offers) => on.extend(offers.bytes()),
            None => on.extend(line),
        }
    }

    /// The command of this tag is answered.
    fn answered(&mut self, tag: &str, well: bool) {
        self.open = self.open.saturating_sub(1);
        if matches!(&self.login, Login::Asked(asked) if asked == tag) {
            self.login = if well { Login::News } else { Login::No };
        }
        // A literal that was to come will not come any more.
        let waits = matches!(self.client, Client::AwaitsLeave { .. } | Client::Converses);
        if waits && tag == self.tag {
            self.client = Client::Talks;
        }
    }

    /// The line with what we offer instead of what the server does, if it tells that.
    fn offers(&self, line: &str) -> Option<String> {
        const CODE: &str = "[CAPABILITY ";
        const DATA: &str = "* CAPABILITY ";
        let upper = line.to_ascii_uppercase();
        let (from, end) = match upper.find(CODE) {
            // Where a code stands: behind the status.
            Some(at) if upper[..at].split_ascii_whitespace().count() == 2 => (at + CODE.len(), ']'),
            _ if upper.starts_with(DATA) => (DATA.len(), '\r'),
            _ => return None,
        };
        let to = from + line.get(from..)?.find(end)?;
        let told = line[from..to].split(' ').filter(|word| {
            let word = word.to_ascii_uppercase();
            match &*word {
                "STARTTLS" | "COMPRESS=DEFLATE" => false,
                "LOGINDISABLED" => !self.requires_tls,
                word => !(self.lacks_tls() && word.starts_with("AUTH=")),
            }
        });
        let mut offers: Vec<&str> = told.collect();
        // What is told unasked while a login is under way is of the time behind it.
        let before_login = self.login == Login::No;
        if before_login && !self.secure {
            offers.push("STARTTLS");
        }
        if self.lacks_tls() {
            offers.push("LOGINDISABLED");
        }
        if !before_login && !self.compressed {
            offers.push("COMPRESS=DEFLATE");
        }
        Some(format!(
            "{}{}{}",
            &line[..from],
            offers.join(" "),
            &line[to..]
        ))
    }
}

impl Filter for Imap {
    fn client_says(&mut self, bytes: &[u8], on: &mut Vec<u8>) -> io::Result<usize> {
        if matches!(self.client, Client::AwaitsLeave { .. } | Client::Asks(_)) {
            return Ok(0);
        }
        let (n, piece) = self.commands.take(bytes);
        let converses = matches!(self.client, Client::Converses);
        match piece {
            Piece::Kept => {}
            Piece::Bytes(bytes) => on.extend(bytes),
            Piece::Line { line, begins: true } if !converses => self.command(&line, on),
            Piece::Line { line, .. } if converses => on.extend(line),
            // It goes on with a command, which has its tag already.
            Piece::Line { line, .. } => {
                on.extend(&line);
                self.announce(&line);
            }
            Piece::End { bytes, tail } => {
                on.extend(bytes);
                if !converses {
                    self.announce(&tail);
                }
            }
        }
        Ok(n)
    }

    fn server_says(&mut self, bytes: &[u8], on: &mut Vec<u8>) -> io::Result<usize> {
        let (n, piece) = self.responses.take(bytes);
        let end = match piece {
            Piece::Kept => return Ok(n),
            Piece::Bytes(bytes) => {
                on.extend(bytes);
                return Ok(n);
            }
            Piece::Line { line, begins } => {
                match begins {
                    true => self.response(&line, on),
                    false => on.extend(&line),
                }
                line
            }
            Piece::End { bytes, tail } => {
                on.extend(bytes);
                tail
            }
        };
        if let Some(literal) = announced(&end) {
            self.responses.literal(literal.length);
        }
        Ok(n)
    }

    fn interrupts(&self) -> bool {
        let asks = matches!(self.client, Client::Asks(_)) && self.open == 0;
        (asks || self.login == Login::News) && self.responses.rests()
    }
}
