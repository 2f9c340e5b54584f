"""Makes a stream by zlib, or reads exactly one: pack|unpack WBITS [LEVEL]."""

import sys
import zlib

verb, wbits, given = sys.argv[1], int(sys.argv[2]), sys.stdin.buffer.read()
if verb == "pack":
    stream = zlib.compressobj(int(sys.argv[3]), wbits=wbits)
    half = len(given) // 2
    made = stream.compress(given[:half]) + stream.flush(zlib.Z_FULL_FLUSH)
    made += stream.compress(given[half:]) + stream.flush()
else:
    stream = zlib.decompressobj(wbits=wbits)
    made = stream.decompress(given) + stream.flush()
    assert stream.eof and not stream.unused_data
sys.stdout.buffer.write(made)
