"""A worker process of a WSGIContainer.

It loads the application, then serves one request at a time on each channel. Descriptor 3 is the control
channel, and each one from 4 on has a thread. When the control channel ends, squall stops or is gone: requests
that are running may finish, then the process ends.
"""

import importlib
import json
import os
import signal
import socket
import sys
import threading
import traceback

from . import frames, signed_cookie
from .exchange import Exchange

#: How long, in seconds, requests may run and the interpreter may take to end when squall is gone.
_GRACE = 10


class StartError(Exception):
    """The application cannot be loaded. `kind` says what is to blame."""

    def __init__(self, kind, message, show_traceback=False):
        super().__init__(message)
        self.kind = kind
        self.show_traceback = show_traceback


def main():
    control = frames.Channel(socket.socket(fileno=3))
    # A terminal sends it to squall as well, which decides what happens to the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    header = control.read_header()
    if header is None:
        return
    config = json.loads(control.read_exactly(header[1]))
    try:
        application = load(config)
    except StartError as error:
        text = traceback.format_exc() if error.show_traceback else ""
        control.send((frames.FAILED, json.dumps([error.kind, str(error), text]).encode("ascii")))
        return
    threads = []
    for index in range(config["threads"]):
        channel = frames.Channel(socket.socket(fileno=4 + index))
        thread = threading.Thread(
            target=serve, args=(channel, application), name="squall-wsgi-%d" % index, daemon=True
        )
        thread.start()
        threads.append(thread)
    control.send((frames.READY, b""))
    while control.read_some(1) is not None:
        pass
    last = threading.Timer(_GRACE, os._exit, (1,))
    last.daemon = True
    last.start()
    for thread in threads:
        thread.join(_GRACE)


def serve(channel, application):
    """Serves the requests of one channel until it ends."""
    while True:
        header = channel.read_header()
        if header is None:
            break
        kind, length = header
        payload = channel.read_exactly(length)
        if payload is None:
            break
        # The client of the last request left when its response was done: nothing to break off any more.
        if kind == frames.ABORT:
            continue
        if not Exchange(channel, json.loads(payload)).run(application):
            break
    channel.close()


def load(config):
    """The application that `config` names; raises StartError."""
    if sys.version_info < (3, 8):
        raise StartError("python", "Python 3.8 or later is needed, this is %s" % sys.version.split()[0])
    if config["cookieSecret"] is not None:
        signed_cookie.configure(_secret(config["cookieSecret"]))
    sys.path[0:0] = [*config["pythonPath"], os.getcwd()]
    name, _, target = config["application"].partition(":")
    try:
        thing = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name + ".").startswith(error.name + "."):
            raise StartError("module", "there is no Python module %r" % error.name) from None
        raise StartError("import", "the module %r cannot be imported" % name, True) from error
    except BaseException as error:
        raise StartError("import", "the module %r cannot be imported" % name, True) from error
    is_factory = target.endswith("()")
    for part in (target[:-2] if is_factory else target).split("."):
        if not hasattr(thing, part):
            raise StartError("callable", "the module %r has no %r" % (name, target))
        thing = getattr(thing, part)
    if is_factory:
        try:
            thing = thing()
        except BaseException as error:
            raise StartError("import", "%s of the module %r has failed" % (target, name), True) from error
    if not callable(thing):
        raise StartError("callable", "%r of the module %r cannot be called" % (target, name))
    return thing


def _secret(value):
    """A secret, or a dictionary of them by key version; each comes as base64."""
    import base64

    if isinstance(value, str):
        return base64.b64decode(value)
    return {int(version): base64.b64decode(secret) for version, secret in value.items()}
