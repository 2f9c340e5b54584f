"""Makes a stream by zlib, or reads exactly one: pack|unpack WBITS [LEVEL [DICTIONARY]]."""

import sys
import zlib

verb, wbits, given = sys.argv[1], int(sys.argv[2]), sys.stdin.buffer.read()
level = int((sys.argv[3:] or "6")[0])
settings = {"wbits": wbits}
if sys.argv[4:]:
    settings["zdict"] = sys.argv[4].encode()
if verb == "pack":
    stream = zlib.compressobj(level, **settings)
    half = len(given) // 2
    made = stream.compress(given[:half]) + stream.flush(zlib.Z_FULL_FLUSH)
    made += stream.compress(given[half:]) + stream.flush()
else:
    stream = zlib.decompressobj(**settings)
    made = stream.decompress(given) + stream.flush()
    assert stream.eof and not stream.unused_data
sys.stdout.buffer.write(made)
