"""asyncio's StreamWriter.start_tls (Python 3.11), once or twice: PORT CA TIMES."""

import asyncio
import ssl
import sys


async def main(port, ca, times):
    context = ssl.create_default_context(cafile=ca)
    reader, writer = await asyncio.open_connection("localhost", port)

    async def ask(line):
        writer.write(line + b"\r\n")
        await writer.drain()
        return await reader.readline()

    assert (await reader.readline()).startswith(b"220 ")
    for _ in range(times):
        answer = await ask(b"STARTTLS")
        if not answer.startswith(b"220 "):
            print(answer.decode().strip())
            break
        await writer.start_tls(context, server_hostname="localhost")
    assert (await ask(b"NOOP")).startswith(b"250 ")
    assert (await ask(b"QUIT")).startswith(b"221 ")
    writer.close()


asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
