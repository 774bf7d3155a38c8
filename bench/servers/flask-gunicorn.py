# flask_hello.py under gunicorn.
from gunicorn.app.base import BaseApplication

from flask_hello import app


class Gunicorn(BaseApplication):
    def load_config(self):
        self.cfg.set("bind", "127.0.0.1:0")
        self.cfg.set("workers", 2)
        self.cfg.set("loglevel", "error")
        self.cfg.set("when_ready", self.ready)

    def load(self):
        return app

    @staticmethod
    def ready(server):
        print("listening", server.LISTENERS[0].getsockname()[1], flush=True)


Gunicorn().run()
