//! COMPRESS at the seam, against zlib itself: the script is in `python/`.

use peers::{Leaving, MAIL, Mailbox, Result, is_here};

use crate::mailbox::{serve, session, ways};
use crate::setting::{Setting, run};

#[tokio::test]
async fn zlib_in_one_segment_with_compress_is_heard_and_the_farewell_is_within_our_end_mark()
-> Result<()> {
    if !is_here(&["python3"]) {
        return Ok(());
    }
    let setting = Setting::new()?;
    for (way, _) in ways().filter(|(_, sealed)| !sealed) {
        let mut server = serve(&setting, way, &Mailbox::new([MAIL])).await?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/compress.py");
        let client = run("python3", &[script, &server.port.to_string()], "").await?;
        let answers = format!(
            "c OK done\nc OK done\nc OK done\nc OK done\n\
             d NO [COMPRESSIONACTIVE] it is active already\n\
             e BAD it is too late for TLS\n\
             * 1 FETCH (BODY[] {{{}}}\n{})\n\
             f OK done\n\
             * BYE\ng OK done\n",
            MAIL.len(),
            MAIL.replace("\r\n", "\n"),
        );
        assert_eq!(client.output.replace("\r\n", "\n"), answers, "{way:?}");
        let session = session(&mut server, way, false).await?;
        let leaving = &session.leaving;
        assert!(
            matches!(leaving, Some(Leaving::Marked(layer)) if layer == "deflate"),
            "{session:#?}"
        );
    }
    Ok(())
}
