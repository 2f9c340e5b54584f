"""Both ends for asyncio, and for uvloop: protocols and transports, no streams. What they say to each other
is told in ../src/main.rs.

    ends.py asyncio|uvloop about | serve | load PORT
"""

import asyncio
import platform
import socket
import ssl
import struct
import sys
import time

CHUNK = 64 << 10
PING = 64
LINE = b"hello\n"
GO_AHEAD = b"go ahead\n"


class Ends:
    """What all protocols have in common: a transport, which after start_tls comes later than the first bytes."""

    transport = None

    def connection_made(self, transport):
        self.transport = transport

    async def start_tls(self, context, protocol, **side):
        tls = await loop.start_tls(self.transport, protocol, context, **side)
        cipher = tls.get_extra_info("cipher")
        if cipher[:2] != ("TLS_AES_128_GCM_SHA256", "TLSv1.3"):
            raise ValueError(f"{cipher} was negotiated")
        protocol.connection_made(tls)


# The server.


class Greeting(Ends, asyncio.Protocol):
    """Reads the line that says what is to be done."""

    line = b""

    def data_received(self, data):
        self.line += data
        if not self.line.endswith(b"\n"):
            return
        security, work = self.line.split(maxsplit=1)
        protocol = Echo() if work == b"echo\n" else Sink(int(work.split()[1]))
        if security == b"tls":
            # What comes next is no longer ours.
            self.transport.pause_reading()
            self.transport.write(GO_AHEAD)
            self.task = loop.create_task(self.start_tls(server_context, protocol, server_side=True))
        else:
            self.transport.write(GO_AHEAD)
            self.transport.set_protocol(protocol)
            protocol.connection_made(self.transport)


class Echo(Ends, asyncio.Protocol):
    def __init__(self):
        self.early = b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.early)

    def data_received(self, data):
        if self.transport is None:
            self.early += data
        else:
            self.transport.write(data)


class Sink(Ends, asyncio.BufferedProtocol):
    """Counts, and says when all is there."""

    def __init__(self, count):
        self.buffer = memoryview(bytearray(CHUNK))
        self.count = count
        self.received = 0

    def connection_made(self, transport):
        self.transport = transport
        self.answer()

    def get_buffer(self, _):
        return self.buffer

    def buffer_updated(self, n):
        self.received += n
        self.answer()

    def answer(self):
        if self.received >= self.count and self.transport is not None:
            self.transport.write(b"%d\n" % self.received)


# The client. Each of its protocols ends with `done`.


class Client(Ends, asyncio.Protocol):
    def __init__(self):
        self.done = loop.create_future()

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_exception(error or EOFError())


class Ask(Client):
    """Asks for something, and waits for the go-ahead."""

    def __init__(self, line):
        super().__init__()
        self.line = line
        self.answer = b""

    def connection_made(self, transport):
        self.transport = transport
        no_wait = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_wait)
        transport.write(self.line)

    def data_received(self, data):
        self.answer += data
        if self.answer == GO_AHEAD:
            self.done.set_result(None)


class Bulk(Client):
    def __init__(self, count):
        super().__init__()
        self.count = self.left = count
        self.chunk = bytes(CHUNK)
        self.paused = False
        self.answer = b""

    def start(self):
        while self.left and not self.paused:
            self.left -= CHUNK
            self.transport.write(self.chunk)

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False
        # Not at once: uvloop 0.17 may never send what is written within this call.
        loop.call_soon(self.start)

    def data_received(self, data):
        self.answer += data
        if self.answer.endswith(b"\n"):
            if int(self.answer) == self.count:
                self.done.set_result(None)
            else:
                self.done.set_exception(ValueError(f"{self.answer} arrived"))


class Exchange(Client):
    """Sends bytes, and waits for their echo, over and over."""

    def __init__(self, chunk, count):
        super().__init__()
        self.chunk = chunk
        self.left = count
        self.answer = b""

    def start(self):
        self.transport.write(self.chunk)

    def data_received(self, data):
        self.answer += data
        if len(self.answer) < len(self.chunk):
            return
        if self.answer != self.chunk:
            self.done.set_exception(ValueError("another echo"))
        self.answer = b""
        self.left -= 1
        if self.left:
            self.transport.write(self.chunk)
        else:
            self.done.set_result(None)


async def connect(security, work, protocol):
    line = f"{security} {work}\n".encode()
    transport, ask = await loop.create_connection(lambda: Ask(line), "127.0.0.1", port)
    await ask.done
    if security == "tls":
        await ask.start_tls(client_context, protocol, server_hostname="localhost")
    else:
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


async def load(work, security, count):
    if work == "bulk":
        return await timed(security, f"sink {count}", Bulk(count))
    if work == "pingpong":
        return await timed(security, "echo", Exchange(bytes(PING), count))
    start = time.monotonic_ns()
    for _ in range(count):
        await timed(security, "echo", Exchange(LINE, 1))
    return time.monotonic_ns() - start


async def timed(security, work, protocol):
    await connect(security, work, protocol)
    start = time.monotonic_ns()
    protocol.start()
    await protocol.done
    took = time.monotonic_ns() - start
    protocol.transport.abort()
    return took


async def serve():
    server = await loop.create_server(Greeting, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


kind, mode = sys.argv[1:3]
if kind == "uvloop":
    import uvloop

    loop = uvloop.new_event_loop()
    version = f"uvloop {uvloop.__version__}, "
else:
    loop = asyncio.new_event_loop()
    version = ""

if mode == "about":
    print(f"{version}CPython {platform.python_version()}, {ssl.OPENSSL_VERSION}; an event loop an end")
elif mode == "serve":
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.minimum_version = ssl.TLSVersion.TLSv1_3
    server_context.num_tickets = 0
    server_context.load_cert_chain("certificate.pem", "key.pem")
    loop.run_until_complete(serve())
else:
    port = int(sys.argv[3])
    client_context = ssl.create_default_context(cafile="certificate.pem")
    client_context.minimum_version = ssl.TLSVersion.TLSv1_3
    for line in sys.stdin:
        work, security, count = line.split()
        print(loop.run_until_complete(load(work, security, int(count))), flush=True)
