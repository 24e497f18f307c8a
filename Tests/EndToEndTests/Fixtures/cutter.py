"""Passes connections on to another port, and cuts each off without a word once it has been idle after an answer.

Usage: cutter.py PORT IDLE_MILLISECONDS

A client that keeps connections alive finds them dead.
"""

import asyncio
import socket
import struct
import sys

PORT, IDLE = int(sys.argv[1]), int(sys.argv[2]) / 1000
# A request is longer than the end of a TLS handshake, which may take longer on a busy machine than what counts as idle.
# Source: RFC 8446, 5.1, for the first byte of a handshake.
REQUEST, HELLO = 200, b"\x16"


async def serve(reader, writer):
    upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", PORT)
    loop = asyncio.get_running_loop()
    # When the last answer came, as long as nothing was asked since.
    state = {"asked": False, "answered": None, "cut": False}

    async def pump(source, sink, answers):
        # What comes too late is lost, never passed on and left without an answer.
        while (data := await source.read(65536)) and not state["cut"]:
            state["asked"] |= not answers and len(data) >= REQUEST and data[:1] != HELLO
            state["answered"] = loop.time() if answers and state["asked"] else None
            sink.write(data)
            await sink.drain()

    async def watch():
        while state["answered"] is None or loop.time() - state["answered"] < IDLE:
            await asyncio.sleep(IDLE / 4)
        state["cut"] = True

    jobs = [pump(reader, upstream, False), pump(upstream_reader, writer, True), watch()]
    tasks = [asyncio.ensure_future(job) for job in jobs]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # A reset: what the client sends next is lost, and its next read fails.
    if tasks[2] in done:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.close()
    upstream.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=128)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
