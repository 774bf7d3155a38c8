"""Renders a page with Tornado for bench/text/template.mjs: JSON in on stdin, CPU times in microseconds out on stdout."""
import json
import sys
import time

from tornado.template import Template

job = json.load(sys.stdin)
template = Template(job["page"], name="page.txt")


class Row:
    """A row whose values are attributes, as in the other languages."""

    def __init__(self, values):
        self.__dict__.update(values)


values = {**job["values"], "rows": [Row(row) for row in job["values"]["rows"]]}


def time_round():
    count = 0
    started = time.process_time()
    while True:
        template.generate(**values)
        count += 1
        elapsed = time.process_time() - started
        if elapsed * 1000 >= job["milliseconds"]:
            return elapsed / count * 1e6


time_round()
rounds = [time_round() for _ in range(job["rounds"])]
json.dump({"html": template.generate(**values).decode(), "microseconds": rounds}, sys.stdout)
