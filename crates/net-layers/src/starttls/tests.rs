use stack::{Blame, Error, ErrorKind, Limits, PushError, Stack};

use super::{Asking, LineProtocol, SSL_REQUEST, Starttls, StarttlsError};
use crate::conversation::{Talk, error_of};

const XMPP: &[u8] = b"<?xml version='1.0'?><stream:stream to='a.example' version='1.0' \
    xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const LDAP: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

fn why(error: &Error) -> Option<&StarttlsError> {
    std::error::Error::source(error)?.downcast_ref()
}

fn is_not_offered(talk: Talk<Asking>) {
    assert_eq!(why(&talk.fails()), Some(&StarttlsError::NotOffered));
}

/// In these words.
fn is_refused(talk: Talk<Asking>, words: &str) {
    let refused = StarttlsError::Refused(words.to_owned());
    assert_eq!(why(&talk.fails()), Some(&refused));
}

/// Opens; and does not if something comes along with the go-ahead. It is one of `Talk`'s tests that bytes
/// behind the last part are for those above, so here the last part is said by itself.
fn opens(talk: Talk<Asking>, go_ahead: &[u8]) {
    talk.clone().hears(go_ahead).opens_alone();
    let both = [go_ahead, b"smuggled"].concat();
    let error = talk.hears_whole(&both).fails();
    assert_eq!(
        (error.kind(), error.blame()),
        (ErrorKind::Residue, Blame::Remote)
    );
}

fn smtp() -> Talk<Asking> {
    Talk::of(|| Starttls::smtp("c.example"))
}

#[test]
fn smtp_asks() {
    let greeted = smtp()
        .hears(b"220-a.example\r\n220 ESMTP\r\n")
        .says(b"EHLO c.example\r\n");
    let offers = b"250-a.example\r\n250-SIZE 10\r\n250-starttls\r\n250 HELP\r\n";
    let asked = greeted.clone().hears(offers).says(b"STARTTLS\r\n");
    opens(asked.clone(), b"220 2.0.0 Ready\r\n");
    opens(asked.clone(), b"220-Ready\r\n220 now\r\n");
    opens(asked.clone(), b"220\r\n");
    is_refused(asked.clone().hears(b"454 not now\r\n"), "454 not now");
    is_refused(asked.clone().hears(b"250 what?\r\n"), "250 what?");
    is_not_offered(greeted.clone().hears(b"250-a.example\r\n250 XTARTTLS\r\n"));
    is_not_offered(greeted.clone().hears(b"250 a.example\r\n"));
    is_refused(
        greeted.clone().hears(b"500 EHLO\x1b[2J?\r\n"),
        "500 EHLO?[2J?",
    );
    is_refused(smtp().hears(b"554 go away\r\n"), "554 go away");
    smtp().hears(b"SSH-2.0\r\n").fails();
    smtp().hears(b"2205 x\r\n").fails();
    // Two replies in one.
    smtp().hears(b"220-x\r\n554 go away\r\n").fails();
    asked.clone().hears(b"220-go\r\n454 not now\r\n").fails();
    asked.clone().hears(b"220-go\r\nany\r\n").fails();
    greeted
        .clone()
        .hears(b"250-a.example\r\n550-STARTTLS\r\n")
        .fails();
    smtp().hears(b"22\xc3\xa4 x\r\n").fails();
}

#[test]
fn imap_asks() {
    let imap = || Talk::of(Starttls::imap);
    let greeted = imap()
        .hears(b"* OK [CAPABILITY IMAP4rev1] hello\r\n")
        .says(b"a CAPABILITY\r\n");
    let offers = b"* CAPABILITY IMAP4rev1 StartTLS\r\n* OK still here\r\na OK done\r\n";
    let asked = greeted.clone().hears(offers).says(b"b STARTTLS\r\n");
    opens(asked.clone(), b"b OK go\r\n");
    opens(asked.clone(), b"* OK wait\r\nb OK go\r\n");
    is_refused(asked.clone().hears(b"b NO\r\n"), "b NO");
    is_refused(asked.clone().hears(b"* BYE\r\n"), "* BYE");
    asked.hears(b"a OK\r\n").fails();
    is_not_offered(
        greeted
            .clone()
            .hears(b"* CAPABILITY IMAP4rev1 STARTTLSX\r\na OK\r\n"),
    );
    is_refused(greeted.hears(b"a BAD no\r\n"), "a BAD no");
    let error = imap().hears(b"* PREAUTH hello\r\n").fails();
    assert_eq!(why(&error), Some(&StarttlsError::LoggedIn));
    is_refused(imap().hears(b"* BYE go\r\n"), "* BYE go");
    imap().hears(b"+OK POP3\r\n").fails();
}

#[test]
fn pop3_asks() {
    let pop3 = || Talk::of(Starttls::pop3);
    let greeted = pop3().hears(b"+OK hello\r\n").says(b"CAPA\r\n");
    let asked = greeted
        .clone()
        .hears(b"+OK\r\nTOP\r\nSTLS\r\n.\r\n")
        .says(b"STLS\r\n");
    opens(asked.clone(), b"+OK go\r\n");
    is_refused(asked.hears(b"-ERR no\r\n"), "-ERR no");
    is_not_offered(greeted.clone().hears(b"+OK\r\nTOP\r\n.\r\n"));
    is_not_offered(greeted.hears(b"-ERR what?\r\n"));
    is_refused(pop3().hears(b"-ERR busy\r\n"), "-ERR busy");
    pop3().hears(b"* OK IMAP\r\n").fails();
}

#[test]
fn nntp_asks() {
    let nntp = || Talk::of(Starttls::nntp);
    for greeting in [&b"200 hello\r\n"[..], b"201 read only\r\n"] {
        let greeted = nntp().hears(greeting).says(b"CAPABILITIES\r\n");
        let offers = b"101 these\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n";
        let asked = greeted.clone().hears(offers).says(b"STARTTLS\r\n");
        opens(asked.clone(), b"382 go\r\n");
        is_refused(asked.hears(b"580 no\r\n"), "580 no");
        is_not_offered(greeted.clone().hears(b"101 these\r\nVERSION 2\r\n.\r\n"));
        is_not_offered(greeted.hears(b"500 what?\r\n"));
    }
    is_refused(nntp().hears(b"400 full\r\n"), "400 full");
}

#[test]
fn ftp_asks() {
    let ftp = || Talk::of(Starttls::ftp);
    let greeting = b"120 wait\r\n220-hello\r\n any\r\n221 line\r\n220 there\r\n";
    let asked = ftp().hears(greeting).says(b"AUTH TLS\r\n");
    opens(asked.clone(), b"234 go\r\n");
    is_not_offered(asked.clone().hears(b"502 what?\r\n"));
    is_refused(asked.hears(b"421 bye\r\n"), "421 bye");
    is_refused(ftp().hears(b"421 full\r\n"), "421 full");
}

#[test]
fn xmpp_asks() {
    let stream = b"<?xml version='1.0'?><stream:stream from='a.example'>";
    let features = b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>\
        <required/></starttls></stream:features>";
    let begun = Talk::of(|| Starttls::xmpp("a.example")).says(XMPP);
    let asked = begun.clone().hears(&[&stream[..], features].concat());
    let asked = asked.says(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    opens(
        asked.clone(),
        b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    );
    opens(
        asked.clone(),
        b"<proceed xmlns=\"urn:ietf:params:xml:ns:xmpp-tls\"></proceed>",
    );
    asked
        .clone()
        .hears(b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        .fails();
    asked.hears(b"<message/>").fails();
    for none in [
        &b"<stream:features/>"[..],
        b"<stream:features />",
        b"<stream:features xmlns:stream='http://etherx.jabber.org/streams'/>",
        b"<stream:features><a/></stream:features>",
    ] {
        is_not_offered(begun.clone().hears(&[&stream[..], none].concat()));
    }
    // Whatever stands before it.
    let error = b"\xff\xfe<stream:error><host-unknown/>";
    is_refused(begun.clone().hears(error), "<host-unknown/>");
    let long = [&stream[..], &[b' '; 17_000]].concat();
    let error = begun.hears_in_pieces(&long, 1000).fails();
    assert!(error.to_string().contains("16 KiB"), "{error}");
}

#[test]
fn ldap_asks() {
    let asked = || Talk::of(Starttls::ldap).says(LDAP);
    opens(
        asked(),
        b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
    );
    // As OpenLDAP and others write lengths.
    opens(
        asked(),
        b"\x30\x81\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
    );
    opens(
        asked(),
        b"\x30\x84\0\0\0\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
    );
    is_not_offered(asked().hears(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"));
    let busy = b"\x30\x10\x02\x01\x01\x78\x0b\x0a\x01\x33\x04\x00\x04\x04busy";
    is_refused(asked().hears(busy), "code 51 busy");
    let farewell = b"\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x34\x04\x00\x04\x00";
    assert!(
        why(&asked().hears(farewell).fails())
            .is_none_or(|it| matches!(it, StarttlsError::Refused(_)))
    );
    // Another number, another kind of answer, no LDAP at all.
    asked()
        .hears(b"\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\x00\x04\x00\x04\x00")
        .fails();
    asked()
        .hears(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00")
        .fails();
    asked()
        .hears(b"\x30\x0c\x02\x01\x01\x78\x08\x0a\x01\x00\x04\x00\x04\x00")
        .fails();
    asked().hears(b"\x30\x85\0\0\0\0\x01").fails();
    asked().hears(b"HTTP/1.1").fails();
    asked().hears(b"\x30\x82\xff\xff").fails();
}

#[test]
fn postgres_asks() {
    let asked = || Talk::of(Starttls::postgres).says(&SSL_REQUEST);
    opens(asked(), b"S");
    is_not_offered(asked().hears(b"N"));
    let error = asked().hears(b"E\0\0\0\x08any\0").fails();
    assert!(why(&error).is_none(), "{error}");
}

/// Who speaks first may not have been answered yet.
#[test]
fn an_answer_that_was_there_before_the_question_is_none() {
    let layers = [
        (Starttls::postgres(), &b"S"[..]),
        (
            Starttls::ldap(),
            b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00",
        ),
        (Starttls::xmpp("a.example"), b"<stream:stream>"),
    ];
    for (layer, early) in layers {
        let mut stack = Stack::new(Limits::default());
        stack.receive(&mut early.to_vec());
        match stack.push(layer) {
            Err(PushError::Rejected { residue, .. }) => assert_eq!(residue, early),
            other => panic!("{other:?}"),
        }
    }
    // A greeting comes first.
    let mut stack = Stack::new(Limits::default());
    stack.receive(&mut b"+OK\r\n".to_vec());
    stack.push(Starttls::pop3()).unwrap();
    assert_eq!(stack.outgoing(), b"CAPA\r\n");
}

#[test]
fn lines_are_bounded() {
    let error = smtp().hears_in_pieces(&[b'2'; 5000], 1000).fails();
    assert!(error.to_string().contains("4 KiB"), "{error}");
    let error = smtp()
        .hears_in_pieces(&b"220-x\r\n".repeat(1001), 500)
        .fails();
    assert!(error.to_string().contains("1000 lines"), "{error}");
    let long = format!("554 {}\r\n", "x".repeat(3000));
    let error = smtp().hears_in_pieces(long.as_bytes(), 1000).fails();
    assert!(error.to_string().len() < 300, "{error}");
}

#[test]
fn nothing_can_be_smuggled_into_what_is_asked() {
    for layer in [
        Starttls::smtp(""),
        Starttls::smtp("a\r\nMAIL FROM:<x>"),
        Starttls::smtp("a b"),
        Starttls::xmpp("a'><x y='"),
        Starttls::xmpp("x".repeat(256)),
    ] {
        assert_eq!(error_of(layer).blame(), Blame::Local);
    }
}

#[test]
fn a_server_knows_who_asks() {
    use LineProtocol::{Ftp, Imap, Nntp, Pop3, Smtp};
    for (protocol, line, answer) in [
        (Smtp, "STARTTLS\r\n", Some("220 go ahead\r\n")),
        (Smtp, "starttls", Some("220 go ahead\r\n")),
        (Smtp, "STARTTLS now\r\n", None),
        (Smtp, "STARTTLSX", None),
        (Imap, "A1 StartTLS\r\n", Some("A1 OK go ahead\r\n")),
        (Imap, "STARTTLS\r\n", None),
        (Imap, " STARTTLS\r\n", None),
        (Imap, "a* STARTTLS\r\n", None),
        (Imap, "a b STARTTLS\r\n", None),
        (Pop3, "STLS\r\n", Some("+OK go ahead\r\n")),
        (Pop3, "STARTTLS\r\n", None),
        (Nntp, "STARTTLS\r\n", Some("382 go ahead\r\n")),
        (Ftp, "AUTH TLS\r\n", Some("234 go ahead\r\n")),
        (Ftp, "AUTH SSL\r\n", None),
    ] {
        assert_eq!(protocol.go_ahead(line).as_deref(), answer, "{line:?}");
    }
}
