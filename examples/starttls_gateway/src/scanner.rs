//! Where lines and literals begin and end in IMAP (RFC 9051, section 2.2).

/// The longest line that is looked at as a whole, in bytes.
const LONGEST: usize = 8 * 1024;
/// How long the end of a line can be that announces a literal.
const TAIL: usize = 32;

/// One direction's place in the stream.
#[derive(Debug)]
pub(crate) struct Scanner {
    place: Place,
    /// Whether the line goes on behind a literal, and so begins no command or response.
    goes_on: bool,
}

#[derive(Debug)]
enum Place {
    /// In a line, of which this has come.
    Line(Vec<u8>),
    /// In a line that is too long to be kept; its end.
    Long(Vec<u8>),
    /// In a literal, of which so many bytes are still to come.
    Literal(u64),
}

/// What comes next in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// It is not whole yet, and is kept.
    Kept,
    /// A line with its end.
    Line {
        line: Vec<u8>,
        /// Whether it begins a command or a response.
        begins: bool,
    },
    /// The head of a line that is too long to be kept, with its first words.
    Head { bytes: Vec<u8>, begins: bool },
    /// Bytes in which nothing begins.
    Bytes(Vec<u8>),
    /// The same, at the end of a long line, which may announce a literal.
    End { bytes: Vec<u8>, tail: Vec<u8> },
}

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            place: Place::Line(Vec::new()),
            goes_on: false,
        }
    }

    /// The next piece of these bytes, and how many of them are taken for it.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> (usize, Piece) {
        let end = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|at| at + 1);
        match &mut self.place {
            Place::Literal(left) => {
                let n = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                *left -= n as u64;
                if *left == 0 {
                    self.place = Place::Line(Vec::new());
                    self.goes_on = true;
                }
                (n, Piece::Bytes(bytes[..n].to_vec()))
            }
            Place::Line(kept) => {
                let n = end.unwrap_or(bytes.len());
                kept.extend(&bytes[..n]);
                let line = std::mem::take(kept);
                match end {
                    Some(_) => {
                        let begins = !std::mem::take(&mut self.goes_on);
                        (n, Piece::Line { line, begins })
                    }
                    None if line.len() > LONGEST => {
                        self.place = Place::Long(tail(&line));
                        let begins = !std::mem::take(&mut self.goes_on);
                        (
                            n,
                            Piece::Head {
                                bytes: line,
                                begins,
                            },
                        )
                    }
                    None => {
                        *kept = line;
                        (n, Piece::Kept)
                    }
                }
            }
            Place::Long(kept) => {
                let n = end.unwrap_or(bytes.len());
                kept.extend(&bytes[..n]);
                let tail = tail(kept);
                let bytes = bytes[..n].to_vec();
                match end {
                    Some(_) => {
                        self.place = Place::Line(Vec::new());
                        (n, Piece::End { bytes, tail })
                    }
                    None => {
                        *kept = tail;
                        (n, Piece::Bytes(bytes))
                    }
                }
            }
        }
    }

    /// A literal of this many bytes comes next, and behind it the line goes on.
    pub(crate) fn literal(&mut self, length: u64) {
        self.goes_on = true;
        if length > 0 {
            self.place = Place::Literal(length);
        }
    }

    /// Whether nothing has begun that is not at its end.
    pub(crate) fn rests(&self) -> bool {
        !self.goes_on && matches!(&self.place, Place::Line(kept) if kept.is_empty())
    }
}

fn tail(line: &[u8]) -> Vec<u8> {
    line[line.len().saturating_sub(TAIL)..].to_vec()
}

/// A literal that stands at the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    /// How many bytes it has.
    pub(crate) length: u64,
    /// Whether it comes only when the server has given leave.
    pub(crate) waits: bool,
}

/// The literal that this line, or its end, announces.
pub(crate) fn announced(line: &[u8]) -> Option<Announced> {
    let line = line.trim_ascii_end().strip_suffix(b"}")?;
    let at = line.iter().rposition(|byte| *byte == b'{')?;
    // What stands before it may be anything.
    let length = std::str::from_utf8(&line[at + 1..]).ok()?;
    let (length, waits) = match length.strip_suffix('+') {
        Some(length) => (length, false),
        None => (length, true),
    };
    let length = length.parse().ok()?;
    Some(Announced { length, waits })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces, with those that are parts of one joined, however the bytes are cut.
    fn pieces(stream: &[u8], cut: usize) -> Vec<String> {
        let mut scanner = Scanner::new();
        let mut found = vec![String::new()];
        for mut bytes in stream.chunks(cut) {
            while !bytes.is_empty() {
                let (n, piece) = scanner.take(bytes);
                bytes = &bytes[n..];
                let (text, line) = match piece {
                    Piece::Kept => continue,
                    Piece::Line { line, begins } => {
                        let sign = if begins { '>' } else { '|' };
                        let text = String::from_utf8_lossy(&line).into_owned();
                        found.push(format!("{sign}{text}"));
                        (String::new(), line)
                    }
                    Piece::Head { bytes, .. } | Piece::Bytes(bytes) => {
                        (String::from_utf8_lossy(&bytes).into_owned(), vec![])
                    }
                    Piece::End { bytes, tail } => {
                        (String::from_utf8_lossy(&bytes).into_owned(), tail)
                    }
                };
                if let Some(last) = found.last_mut() {
                    *last += &text;
                }
                if let Some(literal) = announced(&line) {
                    scanner.literal(literal.length);
                    found.push(String::new());
                }
            }
        }
        assert!(scanner.rests());
        found.retain(|piece| !piece.is_empty());
        found
    }

    #[test]
    fn literals_are_told_from_lines() {
        let stream = b"a LOGIN {5}\r\nalice {6+}\r\nx\r\n{9}\r\nb NOOP\r\nc X {0}\r\n\r\nd\r\n";
        for cut in 1..=stream.len() {
            let expected = [
                ">a LOGIN {5}\r\n",
                "alice",
                "| {6+}\r\n",
                "x\r\n{9}",
                "|\r\n",
                ">b NOOP\r\n",
                ">c X {0}\r\n",
                "|\r\n",
                ">d\r\n",
            ];
            assert_eq!(pieces(stream, cut), expected, "{cut}");
        }
    }

    #[test]
    fn a_long_line_is_passed_on_and_its_literal_seen() {
        let long = format!("* SEARCH{} {{3}}\r\nabc\r\na OK\r\n", " 12345".repeat(5000));
        for cut in [1, 7, 1000, 8 * 1024, 100_000] {
            let found = pieces(long.as_bytes(), cut);
            assert_eq!(found.concat().replace(['>', '|'], ""), long, "{cut}");
            assert_eq!(found.last().map(String::as_str), Some(">a OK\r\n"), "{cut}");
        }
    }

    #[test]
    fn what_announces_no_literal_does_not() {
        for line in [
            "",
            "x",
            "{}\r\n",
            "{x}\r\n",
            "{-1}\r\n",
            "5}\r\n",
            "{5} x\r\n",
            "{99999999999999999999}",
        ] {
            assert_eq!(announced(line.as_bytes()), None, "{line:?}");
        }
        let waits = Some(Announced {
            length: 5,
            waits: true,
        });
        assert_eq!(announced(b"\xff {5}\r\n"), waits);
    }
}
