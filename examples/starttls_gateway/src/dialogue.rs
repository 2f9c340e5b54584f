//! Both directions of IMAP.
//!
//! The whole session is followed, for compression begins behind the login: where commands and responses
//! begin, which commands wait for their answer, and what is no command though it looks like one.
//!
//! Until TLS has begun, what is followed has to be what the server sees, to the byte: who could make it
//! differ would have a command passed on that should not be, or answered in TLS though it was asked in
//! plain. So where servers may differ the command is refused, or TLS does not begin any more.

use std::io;

use net_layers::LineProtocol;

use crate::lines::{one, verb};
use crate::offers::{LoginOffer, Offers};
use crate::relay::Filter;
use crate::scanner::{Announced, Piece, Scanner, announced};

/// What is known of a session.
#[derive(Debug)]
pub(crate) struct Dialogue {
    requires_tls: bool,
    secure: bool,
    compressed: bool,
    login: Login,
    commands: Scanner,
    responses: Scanner,
    /// Whether the response is of data, which can have literals. Texts look as if, and are not.
    is_data: bool,
    /// How many commands wait for their answer.
    open: usize,
    /// The tag of the latest.
    tag: String,
    client: Client,
}

/// How far the login has come.
#[derive(Debug, PartialEq, Eq)]
enum Login {
    /// Nothing but questions has been passed on, so TLS can begin.
    Untried,
    /// Where the server is in what was said it alone may know, such as in literals that it has refused.
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
    /// It has to hear the greeting first.
    AwaitsGreeting,
    /// It sends commands.
    Talks,
    /// Its command has announced a literal of so many bytes, and waits for leave to send it.
    AwaitsLeave { length: u64 },
    /// Its command is AUTHENTICATE or IDLE, and waits for leave to say a line, or for the answer.
    AwaitsWord,
    /// It has leave to say a line that is no command.
    Converses,
    /// It has asked for something that we are to do, once its other commands are answered.
    Asks(Turn),
}

/// What we do ourselves.
#[derive(Debug)]
pub(crate) enum Turn {
    LoggedIn,
    BeginTls(String),
    Compress(String),
    Answer(String),
    Close(String),
}

/// What changes nothing, and may so be asked for before TLS, also where that is required.
const QUESTIONS: [&str; 4] = ["CAPABILITY", "ID", "LOGOUT", "NOOP"];

/// Whether it is one of those, to any server: not all take a literal for one where none belongs.
fn is_question(verb: &str, literal: Option<Announced>) -> bool {
    QUESTIONS.contains(&verb) && literal.is_none()
}

impl Dialogue {
    pub(crate) fn new(requires_tls: bool) -> Self {
        Self {
            requires_tls,
            secure: false,
            compressed: false,
            login: Login::Untried,
            commands: Scanner::new(),
            responses: Scanner::new(),
            is_data: false,
            open: 0,
            tag: String::new(),
            client: Client::AwaitsGreeting,
        }
    }

    fn lacks_tls(&self) -> bool {
        self.requires_tls && !self.secure
    }

    fn is_logged_in(&self) -> bool {
        matches!(self.login, Login::News | Login::Yes)
    }

    /// What we do now that we have [interrupted](Filter::interrupts).
    pub(crate) fn turn(&mut self) -> Turn {
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
        let literal = announced(line);
        match (self.ours(&text, tag, &verb, literal), literal) {
            // It comes without leave, and would be taken for commands.
            (Some(Turn::Answer(answer)), Some(Announced { waits: false, .. })) => {
                let reason = answer.splitn(3, ' ').last().unwrap_or_default();
                self.client = Client::Asks(Turn::Close(format!("* BYE {reason}")));
            }
            (Some(turn), _) => self.client = Client::Asks(turn),
            (None, _) => {
                on.extend(line);
                self.passed(tag, &verb, literal);
                self.announce(line);
            }
        }
    }

    /// What we answer ourselves.
    fn ours(&self, line: &str, tag: &str, verb: &str, literal: Option<Announced>) -> Option<Turn> {
        if let Some(go_ahead) = LineProtocol::Imap.go_ahead(line) {
            return Some(match !self.secure && self.login == Login::Untried {
                false => Turn::Answer(format!("{tag} BAD it is too late for TLS\r\n")),
                true => Turn::BeginTls(go_ahead),
            });
        }
        if verb.is_empty() || matches!(tag, "" | "*" | "+") {
            // How a server answers that, and whether it does, nobody knows.
            return Some(Turn::Answer("* BAD what?\r\n".to_owned()));
        }
        if self.lacks_tls() && !is_question(verb, literal) {
            let answer = format!("{tag} NO [PRIVACYREQUIRED] STARTTLS first\r\n");
            return Some(Turn::Answer(answer));
        }
        if verb != "COMPRESS" || !self.is_logged_in() {
            return None;
        }
        let asked: Vec<&str> = line.split_ascii_whitespace().skip(2).collect();
        Some(match asked.join(" ").eq_ignore_ascii_case("DEFLATE") {
            false => Turn::Answer(format!("{tag} BAD only DEFLATE\r\n")),
            true if self.compressed => Turn::Answer(format!(
                "{tag} NO [COMPRESSIONACTIVE] it is active already\r\n"
            )),
            true => Turn::Compress(tag.to_owned()),
        })
    }

    /// A command was passed on.
    fn passed(&mut self, tag: &str, verb: &str, literal: Option<Announced>) {
        self.open += 1;
        self.tag = tag.to_owned();
        if self.login == Login::Untried && !is_question(verb, literal) {
            self.login = Login::No;
        }
        if matches!(verb, "LOGIN" | "AUTHENTICATE") && self.login == Login::No {
            self.login = Login::Asked(tag.to_owned());
        }
        if matches!(verb, "AUTHENTICATE" | "IDLE") {
            self.client = Client::AwaitsWord;
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
            words.next().unwrap_or_default().to_ascii_uppercase(),
        );
        let status = &*status;
        let is_text = matches!(status, "OK" | "NO" | "BAD" | "BYE" | "PREAUTH");
        self.is_data = tag == "*" && !is_text;
        if matches!(self.client, Client::AwaitsGreeting) {
            self.client = Client::Talks;
        }
        match (tag, &self.client) {
            ("+", &Client::AwaitsLeave { length }) => {
                self.commands.literal(length);
                self.client = Client::Talks;
            }
            ("+", Client::AwaitsWord) => self.client = Client::Converses,
            ("+", _) => {}
            ("*", _) if status == "PREAUTH" => self.login = Login::News,
            ("*", _) => {}
            (tag, _) => self.answered(tag, status == "OK"),
        }
        match self.offers().instead(&text) {
            Some(line) => on.extend(line.bytes()),
            None => on.extend(line),
        }
    }

    /// The command of this tag is answered.
    fn answered(&mut self, tag: &str, well: bool) {
        self.open = self.open.saturating_sub(1);
        if matches!(&self.login, Login::Asked(asked) if asked == tag) {
            self.login = if well { Login::News } else { Login::No };
        }
        // What was to come will not come any more.
        let waits = matches!(
            self.client,
            Client::AwaitsLeave { .. } | Client::AwaitsWord | Client::Converses
        );
        if waits && tag == self.tag {
            self.client = Client::Talks;
        }
    }

    /// What is offered as things are.
    fn offers(&self) -> Offers {
        Offers {
            starttls: self.login == Login::Untried && !self.secure,
            login: match (self.requires_tls, self.secure) {
                (false, _) => LoginOffer::AsTheServerSays,
                (true, false) => LoginOffer::None,
                (true, true) => LoginOffer::All,
            },
            // What is told unasked while a login is under way is of the time behind it.
            compress: !matches!(self.login, Login::Untried | Login::No) && !self.compressed,
        }
    }

    /// Whether the client has to wait until the server has spoken, or we have.
    fn client_waits(&self) -> bool {
        match self.client {
            Client::Converses => false,
            // Before the login one command at a time: so its answer is known for what it is.
            Client::Talks => self.open > 0 && !self.is_logged_in() && self.commands.rests(),
            _ => true,
        }
    }

    /// A command begins with the head of a line that is too long to be ours.
    fn long_command(&mut self, head: &[u8]) -> io::Result<()> {
        if !self.is_logged_in() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line is too long",
            ));
        }
        let text = String::from_utf8_lossy(head);
        let (tag, rest) = text.split_once(' ').unwrap_or((&text, ""));
        self.passed(tag, &verb(rest), None);
        Ok(())
    }
}

impl Filter for Dialogue {
    fn client_says(&mut self, bytes: &[u8], on: &mut Vec<u8>) -> io::Result<usize> {
        if self.client_waits() {
            return Ok(0);
        }
        let (n, piece) = self.commands.take(bytes);
        let converses = matches!(self.client, Client::Converses);
        match piece {
            Piece::Kept => {}
            Piece::Bytes(bytes) => on.extend(bytes),
            Piece::Head { bytes, begins } => {
                if begins && !converses {
                    self.long_command(&bytes)?;
                }
                on.extend(bytes);
            }
            Piece::Line { line, .. } | Piece::End { bytes: line, .. } if converses => {
                on.extend(line);
                self.client = Client::AwaitsWord;
            }
            Piece::Line { line, begins } => {
                if !self.is_logged_in() {
                    one(&line)?;
                }
                match begins {
                    true => self.command(&line, on),
                    // It goes on with a command, which has its tag already.
                    false => {
                        on.extend(&line);
                        self.announce(&line);
                    }
                }
            }
            Piece::End { bytes, tail } => {
                on.extend(bytes);
                self.announce(&tail);
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
            Piece::Head { bytes, begins } => {
                match begins {
                    true => self.response(&bytes, on),
                    false => on.extend(bytes),
                }
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
        if let Some(literal) = announced(&end).filter(|_| self.is_data) {
            self.responses.literal(literal.length);
        }
        Ok(n)
    }

    fn interrupts(&self) -> bool {
        let asks = matches!(self.client, Client::Asks(_)) && self.open == 0;
        (asks || self.login == Login::News) && self.responses.rests()
    }
}
