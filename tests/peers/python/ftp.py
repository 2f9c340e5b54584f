"""ftplib sends a file in TLS, takes TLS off the control connection, and fetches the file: PORT CA."""

import ftplib
import io
import os
import ssl
import sys

port, ca = int(sys.argv[1]), sys.argv[2]
server = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=ca), timeout=30)
server.connect("localhost", port)
server.login("alice", "secret")
server.prot_p()
file = os.urandom(40000)
server.storbinary("STOR file", io.BytesIO(file))

server.ccc()
assert not isinstance(server.sock, ssl.SSLSocket) or server.sock.version() is None
server.voidcmd("NOOP")
fetched = io.BytesIO()
server.retrbinary("RETR file", fetched.write)
assert fetched.getvalue() == file
server.quit()
