use std::fs;

use peers::{Mailbox, Result, Server, Service, is_here};

use crate::mails::{as_kept, kept, mail, mails, make};
use crate::setting::{Setting, WAYS, run};

#[tokio::test]
async fn mbsync_fetches_and_sends() -> Result<()> {
    if !is_here(&["mbsync"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    let f = setting.folder.path();
    for (way, tls) in [(WAYS[0], false), (WAYS[3], true)] {
        let mailbox = Mailbox::new(mails());
        let mut manner = setting.manner(way)?;
        manner.clear = true;
        manner.mailbox = mailbox.clone();
        let mut server = Server::start(Service::Imap, manner).await?;
        let inbox = make(f.join(format!("inbox{tls}")))?;
        let config = setting.folder.file("mbsyncrc", format!("
IMAPAccount peer
Host localhost
Port {}
User alice
Pass secret
AuthMechs LOGIN
SSLType {}
CertificateFile {}
SystemCertificates no

IMAPStore far
Account peer

MaildirStore near
Inbox {}

Channel inbox
Far :far:
Near :near:
SyncState *
", server.port, if tls {"STARTTLS"} else {"None"}, setting.ca(), inbox.display()))?;
        let out = run("mbsync", &["-D", "-c", &config.display().to_string(), "inbox"], "").await?;
        fs::write(format!("/tmp/mbsync{tls}.log"), out.output.clone() + &out.errors)?;
        let s = server.session().await?;
        println!("{s:#?}");
        assert_eq!(kept(&inbox)?.len(), 5);
        println!("{}", kept(&inbox)?[0]);
        println!("{}", kept(&inbox)? == as_kept(&mails())?);
        let m = as_kept(&[mail("up", "hello up\r\n")])?;
        fs::write(inbox.join("new/1.up"), &m[0])?;
        let out = peers::Program::run("mbsync", &["-D", "-c", &config.display().to_string(), "inbox"], "").await?;
        fs::write(format!("/tmp/mbsync2{tls}.log"), out.output.clone() + &out.errors)?;
        let s = server.session().await?;
        println!("{s:#?}");
        println!("{}", String::from_utf8_lossy(mailbox.contents().last().unwrap()));
    }
    panic!();
}
