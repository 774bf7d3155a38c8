/** Deadlines on a busy loop: what had arrived in time is read before a deadline is judged. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { HTTPServer } from "squall/httpserver";
import { type Clock, IOLoop } from "squall/ioloop";
import "../../support/guard.js";
import { answer } from "../../support/virtual-server.js";

/** A clock that the test moves. Its alarms ring inside the call, as those of a loop do that was busy for long. */
class HandClock implements Clock {
  #now = 0;
  readonly #alarms = new Set<{ readonly callback: () => void; readonly at: number }>();

  time(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  setAlarm(callback: () => void, delay: number): unknown {
    const alarm = { callback, at: this.#now + delay };
    this.#alarms.add(alarm);
    return alarm;
  }

  refAlarm(): void {}

  clearAlarm(alarm: unknown): void {
    this.#alarms.delete(alarm as { callback: () => void; at: number });
  }

  /** The loop does nothing else for `ms` milliseconds; then its timers run. */
  block(ms: number): void {
    this.#now += ms;
    for (const alarm of [...this.#alarms]) {
      if (alarm.at > this.#now) continue;
      this.#alarms.delete(alarm);
      alarm.callback();
    }
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc";

const cases = {
  idleTimeout: [GET, GET, 2],
  headerTimeout: ["GET / HTTP/1.1\r\n", "Host: x\r\n\r\n", 1],
  bodyStallTimeout: [POST, "def", 1],
  bodyTimeout: [POST, "def", 1],
} as const;

describe("what a client sent in time counts, although the loop was busy until after the deadline:", () => {
  for (const [option, [first, second, answers]] of Object.entries(cases)) {
    // Real sockets, whose octets wait in the kernel.
    test(option, async () => {
      const clock = new HandClock();
      const loop = new IOLoop({ clock, makeCurrent: false });
      const server = new HTTPServer((request) => answer(request, "ok"), { ioLoop: loop, [option]: 1000 });
      await server.listen(0, "127.0.0.1");
      const client = connect(server.port!, "127.0.0.1");
      let got = "";
      let ended = false;
      client.on("data", (chunk) => {
        got += chunk;
      });
      client.on("end", () => {
        ended = true;
      });
      await once(client, "connect");
      client.write(first);
      // Until the server has taken it in, and its deadline is filed.
      for (let turn = 0; turn < 50 || (answers === 2 && !got.includes("ok")); turn++) await nextTurn();
      client.write(second);
      clock.block(2000);
      while (!ended && (got.match(/ 200 OK/g) ?? []).length < answers) {
        assert.doesNotMatch(got, / 408 /);
        await nextTurn();
      }
      assert.equal(ended, false, `ended after ${JSON.stringify(got)}`);
      client.destroy();
      await server.stop();
      const closing = server.closeAllConnections({ timeout: 0 });
      while (server.connections > 0) await nextTurn();
      clock.block(1);
      await closing;
      loop.close();
    });
  }
});
