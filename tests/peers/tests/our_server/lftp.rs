//! `lftp`, which takes TLS off its control connection once it is logged in.

use std::fs;

use peers::{MAIL, Parting, Result, is_here};

use crate::setting::{Setting, WAYS, run, session};

/// It sends its close_notify when CCC is answered. One of ours that comes together with the answer
/// it takes for the end of the connection; so here it goes first.
#[tokio::test]
async fn lftp_sends_and_fetches_a_file_after_ccc() -> Result<()> {
    if !is_here(&["lftp"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    let (ca, folder) = (setting.ca(), setting.folder.path());
    setting.folder.file("sent", MAIL)?;
    for way in WAYS {
        let mut server = setting.serve_ftp(way, Parting::Second).await?;
        let script = format!(
            "set ssl:ca-file {ca}
             set ftp:ssl-force yes
             set ftp:ssl-protect-data yes
             set ftp:ssl-use-ccc yes
             set net:max-retries 1
             set xfer:clobber yes
             open -u alice,secret ftp://localhost:{}
             put {}/sent -o file
             get file -o {}/fetched
             ",
            server.port,
            folder.display(),
            folder.display()
        );
        run("lftp", &["--norc"], &script).await?;
        let fetched = folder.join("fetched");
        assert_eq!(fs::read_to_string(&fetched)?, MAIL, "{way:?}");
        fs::remove_file(fetched)?;
        let session = session(&mut server, way).await?;
        for heard in ["tls: PROT P", "tls: CCC", "STOR file", "RETR file", "QUIT"] {
            assert!(session.has_heard(heard), "{heard}: {session:#?}");
        }
    }
    Ok(())
}
