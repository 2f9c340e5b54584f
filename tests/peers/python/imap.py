"""imaplib fetches a mail, and prints it: PORT CA."""

import imaplib
import ssl
import sys

port, ca = int(sys.argv[1]), sys.argv[2]
server = imaplib.IMAP4("localhost", port, timeout=30)
server.starttls(ssl.create_default_context(cafile=ca))
server.login("alice", "secret")
server.select("INBOX")
_, [(_, mail), _] = server.fetch("1", "(BODY[])")
print(mail.decode(), end="")
server.logout()
