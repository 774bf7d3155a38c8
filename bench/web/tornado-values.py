# What values.bench.mjs times, in Tornado: the best of five rounds, in nanoseconds a call, as JSON.
import json
import time

from tornado.escape import json_encode
from tornado.web import create_signed_value, decode_signed_value

SECRET = "a secret of thirty-two bytes and more"
COOKIE = create_signed_value(SECRET, "user", "ada@example.org")
FORGED = COOKIE[:-1] + b"x"
ROWS = {"rows": [{"id": i, "name": "name %d" % i, "tags": ["a", "b"]} for i in range(50)]}

def measure(work, calls):
    best = float("inf")
    for _ in range(5):
        count = 0
        started = time.perf_counter_ns()
        elapsed = 0
        while elapsed < 60e6:
            for _ in range(calls):
                work()
            count += calls
            elapsed = time.perf_counter_ns() - started
        best = min(best, elapsed / count)
    return best

print(
    json.dumps(
        {
            "create a signed cookie": measure(lambda: create_signed_value(SECRET, "user", "ada@example.org"), 1000),
            "decode it": measure(lambda: decode_signed_value(SECRET, "user", COOKIE), 1000),
            "refuse a forged one": measure(lambda: decode_signed_value(SECRET, "user", FORGED), 1000),
            "JSON of 50 objects": measure(lambda: json_encode(ROWS), 100),
        }
    )
)
