//! XMPP, up to the stream inside TLS (RFC 6120).

use std::io;

use crate::conversation::Conversation;

const OPEN: &str = "<?xml version='1.0'?><stream:stream id='1' from='peer.test' version='1.0' \
                    xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
const OFFER: &str = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>\
                     <required/></starttls></stream:features>";
const PROCEED: &str = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const FAILURE: &str = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const CLOSE: &str = "</stream:stream>";

pub(super) async fn serve(talk: &mut Conversation) -> io::Result<()> {
    while let Some(tag) = talk.until(b'>').await? {
        if tag.starts_with("<stream:stream") {
            talk.say(OPEN).await?;
            let secure = talk.is_secure();
            talk.say(if secure { "<stream:features/>" } else { OFFER })
                .await?;
        } else if tag.starts_with("<starttls") {
            talk.upgrade(PROCEED, FAILURE).await?;
        } else if tag == CLOSE {
            return talk.close(CLOSE).await;
        }
    }
    talk.close("").await
}
