"""Makes a gzip stream with a file's name and a time in its header."""

import gzip
import sys

with gzip.GzipFile("a name", "wb", 6, sys.stdout.buffer, 1431172800) as stream:
    stream.write(sys.stdin.buffer.read())
