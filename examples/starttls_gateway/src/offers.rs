//! What a server of IMAP says that it can (RFC 9051, section 6.1.1), and what we say instead.

/// What is offered beside what the server has, or instead of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offers {
    pub(crate) starttls: bool,
    pub(crate) login: LoginOffer,
    pub(crate) compress: bool,
}

/// Ways to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginOffer {
    /// Without TLS there is none.
    None,
    /// TLS is there, though the server does not see it.
    All,
    AsTheServerSays,
}

impl Offers {
    /// The line to pass on, if this one tells what the server can.
    pub(crate) fn instead(self, line: &str) -> Option<String> {
        const CODE: &str = "[CAPABILITY ";
        const DATA: &str = "* CAPABILITY ";
        let upper = line.to_ascii_uppercase();
        let (from, end): (_, &[char]) = match upper.find(CODE) {
            // Where a code stands: behind the status.
            Some(at) if upper[..at].split_ascii_whitespace().count() == 2 => {
                (at + CODE.len(), &[']'])
            }
            _ if upper.starts_with(DATA) => (DATA.len(), &['\r', '\n']),
            _ => return None,
        };
        let to = from + line.get(from..)?.find(end)?;
        let told = line[from..to].split_ascii_whitespace();
        let mut offers: Vec<&str> = told.filter(|word| self.keeps(word)).collect();
        for (offered, word) in [
            (self.starttls, "STARTTLS"),
            (self.login == LoginOffer::None, "LOGINDISABLED"),
            (self.compress, "COMPRESS=DEFLATE"),
        ] {
            offers.extend(offered.then_some(word));
        }
        Some([&line[..from], &offers.join(" "), &line[to..]].concat())
    }

    /// Whether what the server has is told.
    fn keeps(self, word: &str) -> bool {
        match &*word.to_ascii_uppercase() {
            "STARTTLS" | "COMPRESS=DEFLATE" => false,
            "LOGINDISABLED" => self.login == LoginOffer::AsTheServerSays,
            word => !(self.login == LoginOffer::None && word.starts_with("AUTH=")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_stands_where_the_server_tells_it() {
        let before = Offers {
            starttls: true,
            login: LoginOffer::None,
            compress: false,
        };
        let behind = Offers {
            starttls: false,
            login: LoginOffer::All,
            compress: true,
        };
        for (line, offers, expected) in [
            (
                "* CAPABILITY IMAP4rev1 auth=PLAIN starttls\r\n",
                before,
                Some("* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n"),
            ),
            (
                "* capability IMAP4rev1\n",
                before,
                Some("* capability IMAP4rev1 STARTTLS LOGINDISABLED\n"),
            ),
            (
                "a OK [CAPABILITY IMAP4rev1 LOGINDISABLED] [x]\r\n",
                behind,
                Some("a OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] [x]\r\n"),
            ),
            ("* OK see [CAPABILITY x]\r\n", before, None),
            ("* CAPABILITY x", before, None),
        ] {
            assert_eq!(offers.instead(line).as_deref(), expected, "{line:?}");
        }
    }
}
