"""Toytown, the network of docs/how-to/add-a-network.md, on loopback: `python toytown.py USERS SLOW_S`.

All users follow `toy:u0`, and each of them is followed by the next one; everybody has 25 posts. A page takes
SLOW_S seconds and is printed.
"""

import asyncio
import sys
from typing import Any

from aiohttp import web


async def serve(users: int, slow_s: float) -> None:
    """Serve until the process ends."""

    def profile(index: int) -> dict[str, Any]:
        count = users - 1 if index == 0 else 1
        return {"address": f"toy:u{index}", "username": f"u{index}", "followers_count": count}

    def posts(index: int) -> list[dict[str, Any]]:
        return [
            {"id": str(100 * index + n + 1), "text": f"post {n}", "author": f"toy:u{index}"}
            for n in reversed(range(25))
        ]

    async def list_of(request: web.Request) -> web.Response:
        await asyncio.sleep(slow_s)
        index = int(request.query["of"].removeprefix("toy:u"))
        if index >= users:
            return web.Response(status=404)
        followers = range(1, users) if index == 0 else [(index + 1) % users]
        whole = posts(index) if request.path == "/timeline" else [profile(one) for one in followers]
        since = int(request.query.get("since", 0))
        whole = [one for one in whole if int(one.get("id", since + 1)) > since]
        start, size = int(request.query["from"]), int(request.query["size"])
        print(request.path, request.query["of"], start, flush=True)
        more = str(start + size) if start + size < len(whole) else None
        return web.json_response({"items": whole[start : start + size], "next": more})

    async def of_users(request: web.Request) -> web.Response:
        names = request.query["of"].split(",")
        known = {f"toy:u{index}": index for index in range(users)}
        return web.json_response({"items": [profile(known[name]) for name in names if name in known]})

    async def ping(request: web.Request) -> web.Response:
        return web.json_response({"items": []})

    app = web.Application()
    app.add_routes(
        [web.get("/followers", list_of), web.get("/timeline", list_of), web.get("/users", of_users)]
    )
    app.router.add_get("/ping", ping)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"serving http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
