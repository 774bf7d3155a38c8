# The same with Tornado.
import asyncio
import os

import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket


class Echo(tornado.websocket.WebSocketHandler):
    def get_compression_options(self):
        return {} if os.environ.get("DEFLATE") == "1" else None

    async def on_message(self, message):
        await self.write_message(message, binary=isinstance(message, bytes))


async def main():
    app = tornado.web.Application([("/", Echo)], websocket_max_message_size=16 * 1024 * 1024)
    server = tornado.httpserver.HTTPServer(app)
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1", backlog=1024)
    server.add_sockets(sockets)
    print("listening", sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
