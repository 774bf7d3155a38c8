# Debian's Tornado: AsyncHTTPClient, which opens a connection for each request.
import asyncio, json, resource, sys, time
from tornado.httpclient import AsyncHTTPClient

port, connections, seconds, warmup = (int(text) for text in sys.argv[1:5])
url = "http://127.0.0.1:%d/" % port


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def run(client, length):
    end = time.monotonic() + length
    count = 0

    async def loop():
        nonlocal count
        while time.monotonic() < end:
            await client.fetch(url)
            count += 1

    await asyncio.gather(*(loop() for _ in range(connections)))
    return count


async def main():
    client = AsyncHTTPClient(max_clients=connections)
    await run(client, warmup)
    before, began = cpu(), time.monotonic()
    requests = await run(client, seconds)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"requests": requests, "perSecond": requests / (time.monotonic() - began),
                      "cpu": (cpu() - before) / requests * 1e6, "rss": rss}))


asyncio.run(main())
