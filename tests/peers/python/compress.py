"""COMPRESS by zlib's own hand, all of it in one segment with the request; prints the answers: PORT."""

import socket
import sys
import zlib

COMMANDS = 4 * b"c NOOP\r\n" + b"d COMPRESS DEFLATE\r\ne STARTTLS\r\nf FETCH 1 (BODY[])\r\ng LOGOUT\r\n"

server = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=30)
answers = server.makefile("rb")
assert answers.readline().startswith(b"* OK ")
server.sendall(b"a LOGIN alice secret\r\n")
assert answers.readline().startswith(b"a OK ")

deflate = zlib.compressobj(wbits=-15)
compressed = deflate.compress(COMMANDS) + deflate.flush(zlib.Z_FINISH)
server.sendall(b"b COMPRESS DEFLATE\r\n" + compressed)
assert answers.readline().startswith(b"b OK ")
inflate = zlib.decompressobj(wbits=-15)
print(inflate.decompress(answers.read()).decode(), end="")
# The farewell is in it, then its end mark, and nothing behind that.
assert inflate.eof and not inflate.unused_data
