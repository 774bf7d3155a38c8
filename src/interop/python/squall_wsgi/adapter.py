"""A WSGI application that hands requests to a squall process, over HTTP/1.1 on a unix socket.

    from squall_wsgi.adapter import WSGIAdapter
    application = WSGIAdapter(command=["node", "app.js"])        # starts app.js, with the first request
    application = WSGIAdapter(socket_path="/run/app.sock")       # or: app.js runs already

The JavaScript side is `await new WSGIAdapter(application).listen()`, or `listen("/run/app.sock")`.

Bodies flow in both directions at the same time, as far as the WSGI server lets them: it says how much
`wsgi.input.read()` waits for, and when a block of the response is sent. Other protocols, WebSockets among them,
cannot pass a WSGI server.
"""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from .http_client import BadRequest, Exchange, SquallError

#: How long a stopped process may take to end, in seconds.
_GRACE = 10

#: A process that has ended is started again after this time, in seconds, counted from its last start.
_RESTART_PAUSE = 1


class WSGIAdapter:
    """The application. One object may serve any number of threads and may be made before a server forks.

    `command` is the squall program, a list of arguments, run with `cwd` and the additional environment `env`; it
    must listen within `start_timeout` seconds. In place of it, `socket_path` is where a program listens already.
    `timeout` is how many seconds may pass without progress before a request is given up (504).
    """

    def __init__(self, command=None, socket_path=None, cwd=None, env=None, start_timeout=30, timeout=300):
        if (command is None) == (socket_path is None):
            raise ValueError("WSGIAdapter needs either a command or a socket_path")
        if isinstance(command, str):
            raise TypeError("command must be a list of arguments, such as ['node', 'app.js']")
        self._command = None if command is None else list(command)
        self._path = socket_path
        self._cwd = cwd
        self._env = env
        self._start_timeout = start_timeout
        self._timeout = timeout
        self._lock = threading.Lock()
        self._owner = None
        self._idle = []
        self._process = None
        self._folder = None
        self._started_at = 0

    def __call__(self, environ, start_response):
        errors = environ["wsgi.errors"]
        try:
            exchange = Exchange(environ, self._timeout)
        except BadRequest as error:
            return _answer(start_response, "400 Bad Request", errors, error)
        try:
            connection = self._take() or self._connect()
            exchange.begin(connection, self._give_back)
            status, headers = exchange.read_head()
        except TimeoutError as error:
            exchange.close()
            return _answer(start_response, "504 Gateway Timeout", errors, error)
        except (OSError, SquallError) as error:
            exchange.close()
            return _answer(start_response, "502 Bad Gateway", errors, error)
        start_response(status, headers)
        return exchange

    def close(self):
        """Closes connections, and ends the squall process that was started here. Another request starts it again."""
        with self._lock:
            self._check_owner()
            for connection in self._idle:
                connection.close()
            self._idle.clear()
            self._stop()

    def _take(self):
        """A connection that is open and rests, or None."""
        with self._lock:
            self._check_owner()
            while self._idle:
                connection = self._idle.pop()
                if _rests(connection):
                    return connection
                connection.close()
        return None

    def _give_back(self, connection):
        with self._lock:
            if self._owner == os.getpid():
                self._idle.append(connection)
            else:
                connection.close()

    def _connect(self):
        if self._command is None:
            return _open(self._path)
        with self._lock:
            self._check_owner()
            if self._process is None or self._process.poll() is not None:
                self._start()
            path = self._path
        return _open(path)

    def _check_owner(self):
        """After a fork, the child leaves what its parent has to its parent."""
        if self._owner == os.getpid():
            return
        self._owner = os.getpid()
        self._idle = []
        self._process = None
        self._folder = None
        if self._command is not None:
            atexit.register(self.close)

    def _start(self):
        self._stop()
        pause = self._started_at + _RESTART_PAUSE - time.monotonic()
        if self._started_at and pause > 0:
            time.sleep(pause)
        self._started_at = time.monotonic()
        self._folder = tempfile.mkdtemp(prefix="squall-")
        self._path = os.path.join(self._folder, "socket")
        env = {**os.environ, **(self._env or {}), "SQUALL_WSGI_SOCKET": self._path}
        try:
            self._process = subprocess.Popen(self._command, cwd=self._cwd, env=env, stdin=subprocess.PIPE)
        except OSError as error:
            raise SquallError("cannot start %s: %s" % (self._command[0], error)) from error
        end = self._started_at + self._start_timeout
        while True:
            try:
                _open(self._path).close()
                return
            except OSError:
                pass
            if self._process.poll() is not None:
                status = self._process.returncode
                raise SquallError("%s ended with status %s before it listened" % (self._command, status))
            if time.monotonic() >= end:
                self._stop()
                raise SquallError("%s did not listen in %s seconds" % (self._command, self._start_timeout))
            time.sleep(0.02)

    def _stop(self):
        process, self._process = self._process, None
        folder, self._folder = self._folder, None
        if process is not None:
            # The end of its input tells it to stop, also when this process is killed.
            process.stdin.close()
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _open(path):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        raise
    connection.setblocking(False)
    return connection


def _rests(connection):
    """Whether nothing has come: between requests that could only be the end of the connection."""
    try:
        connection.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def _answer(start_response, status, errors, error):
    print("squall_wsgi: %s: %s" % (status, error), file=errors)
    body = (status + "\n").encode("ascii")
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
