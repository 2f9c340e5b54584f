"""smtplib sends a mail: PORT CA."""

import smtplib
import ssl
import sys

port, ca = int(sys.argv[1]), sys.argv[2]
with smtplib.SMTP("localhost", port, timeout=30) as server:
    server.starttls(context=ssl.create_default_context(cafile=ca))
    refused = server.sendmail("a@peer.test", ["b@peer.test"], "Subject: sealed\r\n\r\nhello\r\n")
    assert refused == {}, refused
