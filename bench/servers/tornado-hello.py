# Tornado as its first page shows it.
import asyncio

import tornado.httpserver
import tornado.netutil
import tornado.web


class Main(tornado.web.RequestHandler):
    def get(self):
        self.write("Hello, world")


async def main():
    server = tornado.httpserver.HTTPServer(tornado.web.Application([("/", Main)]))
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    print("listening", sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
