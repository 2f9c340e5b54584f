"""poplib fetches a mail, and prints it: PORT CA."""

import poplib
import ssl
import sys

port, ca = int(sys.argv[1]), sys.argv[2]
server = poplib.POP3("localhost", port, timeout=30)
server.stls(ssl.create_default_context(cafile=ca))
server.user("alice")
server.pass_("secret")
_, lines, _ = server.retr(1)
print("\n".join(line.decode() for line in lines))
server.quit()
