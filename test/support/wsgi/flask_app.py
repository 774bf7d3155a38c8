"""A Flask application as people write them: forms, uploads, streams, sessions, static files, one sign-in."""

import hashlib
import os

from flask import Flask, Response, jsonify, redirect, request, session, stream_with_context, url_for
from squall_wsgi import signed_cookie

app = Flask(__name__, static_folder=os.path.join(os.path.dirname(os.path.abspath(__file__)), "static"))
app.secret_key = "a secret of Flask's own"


@app.route("/")
def index():
    return "Hello from Flask"


@app.route("/form", methods=["POST"])
def form():
    return jsonify(name=request.form["name"], several=request.form.getlist("several"), query=request.args.get("q"))


@app.route("/upload", methods=["POST"])
def upload():
    file = request.files["file"]
    content = file.read()
    return jsonify(name=file.filename, size=len(content), digest=hashlib.sha256(content).hexdigest())


@app.route("/body", methods=["POST"])
def body():
    """Reads the body as a stream, whether its length is known or not."""
    digest = hashlib.sha256()
    size = 0
    while True:
        piece = request.stream.read(10000)
        if not piece:
            break
        size += len(piece)
        digest.update(piece)
    return jsonify(size=size, digest=digest.hexdigest())


@app.route("/stream")
def stream():
    def lines():
        for number in range(3):
            yield "%s %d\n" % (request.args["word"], number)

    return Response(stream_with_context(lines()), mimetype="text/plain")


@app.route("/count")
def count():
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])


@app.route("/link")
def link():
    return redirect(url_for("index"))


@app.route("/me")
def me():
    user = signed_cookie.get(request.environ, "user")
    return "nobody" if user is None else user.decode()


@app.route("/login")
def login():
    response = Response("welcome")
    response.set_cookie("user", signed_cookie.create("user", request.args["name"]), httponly=True)
    return response


@app.route("/fail")
def fail():
    app.logger.error("about to fail")
    raise RuntimeError("failed in Flask")
