import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createGunzip } from "node:zlib";
import { eventSource } from "squall/httpclient";
import { ExpectLog } from "squall/testing";
import {
  Application,
  type ApplicationOptions,
  type EventStream,
  type EventStreamOptions,
  encodeEvent,
  RequestHandler,
} from "squall/web";
import type { RawClient } from "../../support/raw-client.js";
import { pass, type VirtualServer, withServer } from "../../support/virtual-server.js";
import "../../support/guard.js";

const REQUEST = "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";

/** What a handler of these tests did. */
interface Seen {
  handler: RequestHandler;
  stream: EventStream;
  readonly calls: string[];
}

interface Opened extends VirtualServer, Seen {
  readonly client: RawClient;
}

/** A stream that stays open when the verb has ended, with its client. */
function opened(
  options: EventStreamOptions,
  body: (context: Opened) => Promise<void>,
  { settings = {}, request = REQUEST }: { settings?: ApplicationOptions; request?: string } = {},
): Promise<void> {
  const seen = { calls: [] } as unknown as Seen;
  class Push extends RequestHandler {
    override get() {
      seen.handler = this;
      seen.stream = this.openEventStream(options);
    }
    override head() {
      this.get();
    }
    override onConnectionClose() {
      seen.calls.push("onConnectionClose");
    }
    override onFinish() {
      seen.calls.push("onFinish");
    }
  }
  const logFunction = (handler: { getStatus(): number }): void =>
    void seen.calls.push(`log ${handler.getStatus()}`);
  const app = new Application([["/", Push]], { logFunction, ...settings });
  return withServer(app, {}, async (context) => {
    const client = await context.connect();
    client.send(request);
    await client.until("\r\n\r\n");
    await body({ ...context, ...seen, client });
  });
}

/** Waits until a stream has ended. */
async function untilEnded(loop: VirtualServer["loop"], stream: EventStream): Promise<void> {
  for (let turns = 0; stream.isOpen; turns++) {
    assert.ok(turns < 1000, "the stream has not ended");
    await pass(loop, 1);
  }
}

describe("openEventStream()", () => {
  test("sends the head at once, with a type and fields against caches and buffers", () =>
    opened({ retry: 2000 }, async ({ client }) => {
      await client.until("retry: 2000\n\n");
      const head = client.received.toString("latin1");
      assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
      for (const line of [
        "Content-Type: text/event-stream",
        "Cache-Control: no-cache",
        "X-Accel-Buffering: no",
        "Transfer-Encoding: chunked",
      ])
        assert.ok(head.includes(`\r\n${line}\r\n`), `${line} is missing in ${head}`);
      assert.doesNotMatch(head, /Etag|Content-Length/);
    }));

  test("stays open when the verb has ended, until close()", () =>
    opened({}, async ({ client, stream, calls }) => {
      await stream.send("one");
      await stream.send({ event: "e", data: { two: 2 }, id: 7 });
      await client.until('id: 7\nevent: e\ndata: {"two":2}\n\n');
      assert.deepEqual([stream.isOpen, calls], [true, []]);
      await stream.close();
      const { body, truncated } = await client.response();
      assert.equal(body.toString(), 'data: one\n\nid: 7\nevent: e\ndata: {"two":2}\n\n');
      assert.equal(truncated, false);
      assert.deepEqual(calls, ["log 200", "onFinish"]);
      assert.equal(stream.isOpen, false);
      await stream.close();
      await assert.rejects(stream.send("late"), { code: "ERR_SQUALL_INVALID_STATE" });
    }));

  test("sends an event that was encoded before as it is", () =>
    opened({}, async ({ client, stream }) => {
      await stream.send(encodeEvent({ data: "many" }));
      await client.until("data: many\n\n");
    }));

  test("sends a comment when nothing was sent for the time of a heartbeat, and not earlier", () =>
    opened({ heartbeat: 10_000 }, async ({ loop, client, stream }) => {
      await pass(loop, 8_000);
      await stream.send("x");
      await client.until("data: x\n\n");
      const before = client.received.length;
      await pass(loop, 9_900);
      assert.equal(client.received.length, before);
      await pass(loop, 1_400);
      assert.ok(client.received.subarray(before).includes(":\n\n"));
      const { length } = client.received;
      await pass(loop, 11_400);
      assert.ok(client.received.subarray(length).includes(":\n\n"), "it goes on");
    }));

  test("sends none with a heartbeat of Infinity", () =>
    opened({ heartbeat: Number.POSITIVE_INFINITY }, async ({ loop, client }) => {
      const before = client.received.length;
      await pass(loop, 3_600_000);
      assert.equal(client.received.length, before);
    }));

  test("ends with the client: signal, hook, log line, and rejected events", () =>
    opened({}, async ({ loop, client, stream, handler, calls }) => {
      const { signal } = handler;
      client.close();
      await untilEnded(loop, stream);
      await pass(loop, 1);
      assert.match((signal.reason as Error & { reason: string }).reason, /closed$/);
      assert.deepEqual(calls, ["onConnectionClose", "log 200", "onFinish"]);
      await assert.rejects(stream.send("x"), (error) => error === signal.reason);
      await stream.close();
    }));

  test("ends cleanly when the handler's time is over, so that the client comes back", () =>
    opened(
      {},
      async ({ client, stream, calls }) => {
        await stream.send("x");
        const { body, truncated } = await client.response();
        assert.deepEqual([body.toString(), truncated], ["data: x\n\n", false]);
        assert.deepEqual(calls, ["log 200", "onFinish"]);
      },
      { settings: { handlerTimeout: 5_000 } },
    ));

  test("ends cleanly when the server's grace at stopping is over", () =>
    opened({}, async ({ server, client, stream, calls }) => {
      await stream.send("x");
      await server.stop();
      const stopping = server.closeAllConnections({ timeout: 1_000 });
      const { body, truncated } = await client.response();
      assert.deepEqual([body.toString(), truncated], ["data: x\n\n", false]);
      await stopping;
      assert.deepEqual(calls, ["log 200", "onFinish"]);
    }));

  test("answers HEAD with its head alone", () =>
    opened(
      {},
      async ({ client, stream, calls }) => {
        const { headers, body } = await client.response("HEAD");
        assert.ok(headers.some(([name, value]) => name === "Content-Type" && value === "text/event-stream"));
        assert.equal(body.length, 0);
        assert.equal(stream.isOpen, false);
        assert.deepEqual(calls, ["log 200", "onFinish"]);
      },
      { request: REQUEST.replace("GET", "HEAD") },
    ));

  test("is compressed event by event with compressResponse", () =>
    opened(
      {},
      async ({ loop, client, stream }) => {
        const gunzip = createGunzip();
        let text = "";
        gunzip.on("data", (piece: Buffer) => {
          text += piece;
        });
        await stream.send("one");
        await stream.send("two");
        await client.whenReceived((received) => received.length > 0);
        for (let turns = 0; stream.queuedBytes > 0 && turns < 1000; turns++) await pass(loop, 1);
        await stream.close();
        const { body, headers } = await client.response();
        assert.ok(headers.some(([name, value]) => name === "Content-Encoding" && value === "gzip"));
        await loop.external(
          new Promise<void>((resolve) => {
            gunzip.on("end", resolve);
            gunzip.end(body);
          }),
        );
        assert.equal(text, "data: one\n\ndata: two\n\n");
      },
      {
        settings: { compressResponse: true },
        request: REQUEST.replace("\r\n\r\n", "\r\nAccept-Encoding: gzip\r\n\r\n"),
      },
    ));

  test("is refused after the response has begun, and with options that cannot work", () => {
    class Late extends RequestHandler {
      override async get() {
        for (const options of [
          { heartbeat: -1 },
          { retry: 0.5 },
          { slowConsumer: "wait" },
          { maxQueuedBytes: "1" },
        ])
          assert.throws(() => this.openEventStream(options as EventStreamOptions), {
            code: "ERR_SQUALL_INVALID_ARGUMENT",
          });
        this.write("begun");
        await this.flush();
        assert.throws(() => this.openEventStream(), { code: "ERR_SQUALL_INVALID_STATE" });
      }
    }
    return withServer(new Application([["/", Late]]), {}, async ({ connect }) => {
      const client = await connect();
      client.send(REQUEST);
      assert.equal((await client.response()).body.toString(), "begun");
    });
  });

  test("ends when the verb fails afterwards", async () => {
    let stream: EventStream | undefined;
    class Fails extends RequestHandler {
      override get() {
        stream = this.openEventStream();
        throw new Error("afterwards");
      }
    }
    await new ExpectLog("squall.application", /Uncaught exception/).run(() =>
      new ExpectLog("squall.general", /after headers written/).run(() =>
        withServer(new Application([["/", Fails]]), {}, async ({ connect }) => {
          const client = await connect();
          client.send(REQUEST);
          assert.equal((await client.response()).truncated, true);
          await assert.rejects(stream!.send("x"), { code: "ERR_SQUALL_INVALID_STATE" });
        }),
      ),
    );
  });
});

describe("a client that reads slowly", () => {
  const BIG = "x".repeat(100_000);

  /** Pauses the client and fills the connection, so that events queue. */
  async function clog({ client, stream, loop }: Opened): Promise<void> {
    client.socket.pause();
    for (let n = 0; stream.queuedBytes === 0; n++) {
      assert.ok(n < 1000, "the connection takes everything");
      void stream.send(`fill ${BIG}`);
      await pass(loop, 1);
    }
  }

  test("makes send() wait, and gets every event in order under block", () =>
    opened({}, async (context) => {
      const { client, stream, loop } = context;
      await clog(context);
      let sent = false;
      const waiting = stream.send("last").then(() => {
        sent = true;
      });
      await pass(loop, 100);
      assert.equal(sent, false);
      client.socket.resume();
      await waiting;
      await stream.close();
      const body = (await client.response()).body.toString();
      assert.match(body, /^(?:data: fill x{100000}\n\n)+data: last\n\n$/);
      assert.equal(stream.dropped, 0);
    }));

  test("is refused what exceeds the queue under block, and keeps its connection", () =>
    opened({ maxQueuedBytes: 250_000 }, async (context) => {
      const { client, stream } = context;
      await clog(context);
      const results = await Promise.allSettled(
        Array.from({ length: 4 }, () => stream.send(BIG)).map((sent) =>
          Promise.race([sent, Promise.resolve("waits")]),
        ),
      );
      assert.deepEqual(
        results
          .map((each) => (each.status === "rejected" ? (each.reason as { code: string }).code : each.value))
          .at(-1),
        "ERR_SQUALL_OUTBOX_FULL",
      );
      assert.equal(stream.isOpen, true);
      client.socket.resume();
      await stream.close();
      assert.equal((await client.response()).truncated, false);
    }));

  test("gets the latest under drop-oldest, and producers keep their pace", () =>
    opened({ slowConsumer: "drop-oldest", maxQueuedMessages: 1 }, async (context) => {
      const { client, stream } = context;
      await clog(context);
      for (let n = 1; n <= 50; n++) await stream.send({ event: "n", data: n });
      assert.equal(stream.dropped, 50);
      client.socket.resume();
      await stream.close();
      const body = (await client.response()).body.toString();
      assert.deepEqual(body.match(/event: n\ndata: \d+/g), ["event: n\ndata: 50"]);
    }));

  test("is left under disconnect", () =>
    opened({ slowConsumer: "disconnect", maxQueuedBytes: 150_000 }, async (context) => {
      const { client, stream, calls } = context;
      await clog(context);
      await assert.rejects(stream.send(BIG), { code: "ERR_SQUALL_OUTBOX_FULL" });
      assert.equal(stream.isOpen, false);
      assert.deepEqual(calls, ["log 200", "onFinish"]);
      client.socket.resume();
      await client.whenEnded();
    }));
});

describe("sendEvents()", () => {
  /** A server whose GET sends a source. */
  function sending(
    source: (handler: RequestHandler) => AsyncIterable<string> | Iterable<string>,
    body: (
      context: VirtualServer & { readonly client: RawClient; readonly outcomes: unknown[] },
    ) => Promise<void>,
    { wait = true } = {},
  ): Promise<void> {
    const outcomes: unknown[] = [];
    class Pull extends RequestHandler {
      override get() {
        const sent = this.sendEvents(source(this));
        if (!wait) return undefined;
        return sent.then(
          () => void outcomes.push("done"),
          (error: unknown) => {
            outcomes.push(error);
            throw error;
          },
        );
      }
    }
    return withServer(new Application([["/", Pull]]), {}, async (context) => {
      const client = await context.connect();
      client.send(REQUEST.replace("\r\n\r\n", "\r\nLast-Event-ID: 41\u00c3\u00bc\r\n\r\n"));
      await body({ ...context, client, outcomes });
    });
  }

  test("sends what a source gives, and ends the response with it; the source knows the last id", () =>
    sending(
      async function* (handler) {
        yield `after ${handler.lastEventId}`;
        await pass(handler.request.ioLoop, 1_000);
        yield "later";
      },
      async ({ client, outcomes }) => {
        const { body } = await client.response();
        assert.equal(body.toString(), "data: after 41ü\n\ndata: later\n\n");
        assert.deepEqual(outcomes, ["done"]);
      },
    ));

  for (const slowConsumer of ["block", "drop-oldest", "drop-newest", "disconnect"] as const)
    test(`waits for a client that reads slowly, so that nothing is lost under ${slowConsumer}`, () => {
      let given = 0;
      function* source(): Generator<string> {
        while (given < 100) yield `${given++} ${"x".repeat(50_000)}`;
      }
      class Pull extends RequestHandler {
        override get() {
          return this.sendEvents(source(), { slowConsumer, maxQueuedMessages: 1 });
        }
      }
      return withServer(new Application([["/", Pull]]), {}, async ({ loop, connect }) => {
        const client = await connect();
        client.socket.pause();
        client.send(REQUEST);
        await pass(loop, 100);
        assert.ok(given < 50, `${given} events were asked for`);
        client.socket.resume();
        const body = (await client.response()).body.toString();
        assert.deepEqual(body.match(/^data: \d+/gm)?.length, 100);
      });
    });

  test("takes a list, and ends also if its promise is ignored", () =>
    sending(
      () => ["a", "b"],
      async ({ client }) => {
        assert.equal((await client.response()).body.toString(), "data: a\n\ndata: b\n\n");
      },
      { wait: false },
    ));

  for (const wait of [true, false])
    test(`ends the source when the client leaves, without an error in the log${wait ? "" : ", also if ignored"}`, () => {
      const calls: string[] = [];
      return sending(
        (handler) => ({
          [Symbol.asyncIterator]: () => ({
            next: () =>
              calls.length > 0
                ? new Promise(() => {})
                : Promise.resolve({ done: false, value: String(calls.push("next")) }),
            return: async () => {
              calls.push("return");
              return { done: true, value: undefined };
            },
          }),
          handler,
        }),
        async ({ loop, client, outcomes }) => {
          await client.until("data: 1\n\n");
          client.close();
          for (let turns = 0; !calls.includes("return") && turns < 1000; turns++) await pass(loop, 1);
          assert.deepEqual(calls, ["next", "return"]);
          if (wait) assert.equal((outcomes[0] as { code: string }).code, "ERR_SQUALL_HTTP_ABORTED");
        },
        { wait },
      );
    });

  for (const wait of [true, false])
    test(`logs an error of the source once and ends the response${wait ? "" : ", also if ignored"}`, () =>
      new ExpectLog("squall.application", /Uncaught exception/).run(() =>
        sending(
          function* () {
            yield "a";
            throw new Error("the source is dry");
          },
          async ({ client, outcomes }) => {
            assert.equal((await client.response()).body.toString(), "data: a\n\n");
            if (wait) assert.match(String(outcomes[0]), /the source is dry/);
          },
          { wait },
        ),
      ));
});

describe("the client of squall", () => {
  test("reads what a handler sends, and goes on where it was after the server has ended the response", () => {
    const asked: (string | undefined)[] = [];
    class Counts extends RequestHandler {
      override async get() {
        asked.push(this.lastEventId);
        const first = Number(this.lastEventId ?? 0) + 1;
        const event = (n: number) => ({ event: "count", id: n, data: { n, text: "ü\n" } });
        await this.sendEvents([event(first), event(first + 1)], { retry: 250 });
      }
    }
    return withServer(new Application([["/", Counts]]), {}, async ({ server, loop }) => {
      const before = loop.time();
      const received = [];
      for await (const event of eventSource(`http://127.0.0.1:${server.port}/`)) {
        received.push(event);
        if (received.length === 6) break;
      }
      assert.deepEqual(
        received.map(({ event, id, data }) => [event, id, JSON.parse(data).n]),
        [1, 2, 3, 4, 5, 6].map((n) => ["count", String(n), n]),
      );
      assert.deepEqual(asked.slice(0, 3), [undefined, "2", "4"]);
      assert.ok(loop.time() - before >= 500);
    });
  });
});
