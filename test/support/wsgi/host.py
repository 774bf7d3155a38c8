"""Hosts a WSGIAdapter on the server of the standard library, under wsgiref.validate. Prints the port.

The argument is JSON: the keyword arguments of the adapter. It stops when its standard input ends.
"""

import json
import socketserver
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.validate import validator

from squall_wsgi.adapter import WSGIAdapter


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_message(self, *args):
        pass

    def get_environ(self):
        environ = super().get_environ()
        if self.headers.get("X-Set-Host"):
            environ["HTTP_X_BAD"] = "a\r\nX-Evil: 1"
        return environ


adapter = WSGIAdapter(**json.loads(sys.argv[1]))
server = make_server("127.0.0.1", 0, validator(adapter), Server, Handler)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
server.shutdown()
adapter.close()
