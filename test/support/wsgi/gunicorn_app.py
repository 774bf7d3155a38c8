"""A squall application as gunicorn hosts it; the environment says how to start it."""

import json
import os

from squall_wsgi.adapter import WSGIAdapter

application = WSGIAdapter(command=json.loads(os.environ["SQUALL_COMMAND"]))
