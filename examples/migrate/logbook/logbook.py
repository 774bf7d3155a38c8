"""The logbook of the harbour: a Flask application, as it stood before squall came.

It reads who is signed in from squall's cookie; the secret comes from the option `cookieSecret` of the container.
"""

from flask import Flask, abort, jsonify, redirect, render_template, request, url_for
from squall_wsgi import signed_cookie

DAYS_SIGNED_IN = 14
LONGEST_ENTRY = 120

app = Flask(__name__)
entries = [("Ruth", "Buoy 7 is lit again."), ("Okan", "Ketch Lorelei, 11 m, came in from the west.")]


def current_user():
    """The name of whoever is signed in, "" for a guest."""
    user = signed_cookie.get(request.environ, "user", max_age_days=DAYS_SIGNED_IN)
    return "" if user is None else user.decode()


@app.get("/")
def index():
    return render_template("logbook.html", user=current_user(), entries=reversed(entries), longest=LONGEST_ENTRY)


@app.post("/")
def write():
    # The cookie of the sign-in is SameSite=Lax: a form of another site comes without it.
    user = current_user()
    if not user:
        abort(403)
    text = request.form.get("text", "").strip()
    if not 0 < len(text) <= LONGEST_ENTRY:
        abort(400)
    entries.append((user, text))
    return redirect(url_for("index"), code=303)


@app.get("/me")
def me():
    return jsonify(user=current_user())


@app.get("/crew")
def crew():
    """Has moved to squall (src/handlers.ts), which answers at this address now: this can go."""
    return "the crew, in Python"
