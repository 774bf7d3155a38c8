/**
 * Output without end to a client that keeps pace: every write has room at once, and the loop must have its
 * turns all the same. The loops of these tests have an end, so that a failure is one and not a hang.
 */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { HTTPServer } from "squall/httpserver";
import { IOLoop } from "squall/ioloop";
import { accessLog } from "squall/log";
import { Application, RequestHandler } from "squall/web";
import { WebSocketClosedError, WebSocketHandler } from "squall/websocket";
import { withServer } from "../support/virtual-server.js";
import { KEY, withWebSockets } from "../support/virtual-websocket.js";
import "../support/guard.js";

accessLog.setLevel("critical");

/** More than any of the loops writes before it has had its turns; far less than a socket takes at once. */
const ENOUGH = 5000;

/** What the endless loops of a test have done. */
class Progress {
  writes = 0;
  /** After how many writes a callback ran, and a timer fired. Virtual time stands still while there is work. */
  callback = Number.POSITIVE_INFINITY;
  timer = Number.POSITIVE_INFINITY;
  /** After how many writes a second client was served. */
  other = Number.POSITIVE_INFINITY;
  /** Why the loop ended; undefined if it came to its own end. */
  reason: unknown;
  readonly over: Promise<void>;
  #end: (() => void) | undefined;

  constructor() {
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async run(loop: IOLoop, write: () => Promise<void>): Promise<void> {
    loop.addCallback(() => {
      this.callback = this.writes;
    });
    loop.callLater(0, () => {
      this.timer = this.writes;
    });
    try {
      while (this.writes < ENOUGH) {
        await write();
        this.writes++;
      }
    } catch (error) {
      this.reason = error;
    }
    this.#end?.();
  }
}

function application(progress: Progress): Application {
  class Endless extends RequestHandler {
    override async get() {
      await progress.run(this.request.ioLoop, () => {
        this.write("x");
        return this.flush();
      });
    }
    override async head() {
      await this.get();
    }
  }
  class Events extends RequestHandler {
    override async get() {
      const stream = this.openEventStream();
      await progress.run(this.request.ioLoop, () => stream.send("x"));
    }
  }
  class Other extends RequestHandler {
    override get() {
      progress.other = progress.writes;
      this.write("other");
    }
  }
  return new Application([
    ["/endless", Endless],
    ["/events", Events],
    ["/other", Other],
  ]);
}

const request = (path: string, method = "GET"): string =>
  `${method} ${path} HTTP/1.1\r\nHost: example.com\r\n\r\n`;

for (const path of ["/endless", "/events"]) {
  describe(`a client of ${path} that keeps pace`, () => {
    test("leaves time to callbacks, to other clients, and to its own end: in memory", async () => {
      const progress = new Progress();
      await withServer(application(progress), {}, async (context) => {
        const [client, other] = [await context.connect(), await context.connect()];
        client.send(request(path));
        await client.until("x");
        other.send(request("/other"));
        assert.equal(String((await other.response()).body), "other");
        client.close();
        await progress.over;
      });
      assert.ok(progress.callback < ENOUGH / 2, `the callback ran after ${progress.callback} writes`);
      assert.ok(progress.other < ENOUGH / 2, `the other client was served after ${progress.other} writes`);
      assert.notEqual(progress.reason, undefined, "the end of the client was not seen");
    });

    test("leaves time to timers, to other clients, and to its own end: over TCP", async (context) => {
      const progress = new Progress();
      const server = new HTTPServer(application(progress));
      await server.listen(0, "127.0.0.1");
      const [client, other] = [await connected(context, server), await connected(context, server)];
      client.write(request(path));
      await arrival(client);
      other.write(request("/other"));
      await arrival(other);
      client.destroy();
      await progress.over;
      await server.stop();
      await server.closeAllConnections({ timeout: 0 });
      assert.ok(progress.timer < ENOUGH / 2, `the timer fired after ${progress.timer} writes`);
      assert.ok(progress.other < ENOUGH / 2, `the other client was served after ${progress.other} writes`);
      assert.notEqual(progress.reason, undefined, "the end of the client was not seen");
    });
  });
}

function arrival(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("data", () => resolve()));
}

async function connected(context: TestContext, server: HTTPServer): Promise<Socket> {
  const socket = connect(server.port!, "127.0.0.1");
  context.after(() => socket.destroy());
  await new Promise((resolve) => socket.once("connect", resolve));
  return socket;
}

test("a HEAD request, whose body goes nowhere, leaves time to callbacks", async () => {
  const progress = new Progress();
  await withServer(application(progress), {}, async (context) => {
    const client = await context.connect();
    client.send(request("/endless", "HEAD"));
    await progress.over;
  });
  assert.ok(progress.callback < ENOUGH / 2, `the callback ran after ${progress.callback} writes`);
});

test("a WebSocket whose client keeps pace leaves time to callbacks and to the end of its client", async () => {
  for (const slowConsumer of ["block", "drop-oldest", "drop-newest"] as const) {
    const progress = new Progress();
    class Endless extends WebSocketHandler {
      override getWebSocketOptions() {
        return { slowConsumer, maxQueuedMessages: 1 };
      }
      override open() {
        void progress.run(IOLoop.current(), () => this.writeMessage("x"));
      }
      override onMessage() {}
    }
    await withWebSockets([["/", Endless]], async ({ open }) => {
      const connection = await open();
      assert.equal(await connection.readMessage(), "x");
      connection.close();
      await progress.over;
    });
    assert.ok(progress.callback < ENOUGH / 2, `the callback ran after ${progress.callback} writes`);
    assert.ok(progress.reason instanceof WebSocketClosedError, String(progress.reason));
  }
});

const HANDSHAKE =
  "GET / HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;

/** Long enough that a client that does not read is behind after a few. */
const LONG = "x".repeat(100_000);

for (const slowConsumer of ["block", "drop-oldest", "drop-newest"] as const) {
  const outbox = { slowConsumer, maxQueuedMessages: 1 };

  class Messages extends WebSocketHandler {
    static progress: Progress;
    static text = "x";
    override getWebSocketOptions() {
      return outbox;
    }
    override open() {
      void Messages.progress.run(IOLoop.current(), () => this.writeMessage(Messages.text));
    }
    override onMessage() {}
  }

  class Events extends RequestHandler {
    static progress: Progress;
    static text = "x";
    override async get() {
      const stream = this.openEventStream(outbox);
      await Events.progress.run(this.request.ioLoop, () => stream.send(Events.text));
    }
  }

  for (const [what, handler, asks] of [
    ["a WebSocket", Messages, HANDSHAKE],
    ["an event stream", Events, request("/")],
  ] as const) {
    for (const [client, text] of [
      ["keeps pace", "x"],
      ["does not read", LONG],
    ] as const) {
      // Under "block" a writer waits for a client that does not read, and there is nothing to show.
      if (slowConsumer === "block" && text === LONG) continue;

      test(`${what} under ${slowConsumer} whose client ${client} leaves time to timers and to its end, over TCP`, async (context) => {
        const progress = new Progress();
        handler.progress = progress;
        handler.text = text;
        const server = new HTTPServer(new Application([["/", handler]]));
        await server.listen(0, "127.0.0.1");
        const socket = await connected(context, server);
        socket.write(asks);
        await arrival(socket);
        if (text === LONG) socket.pause();
        await new Promise((resolve) => setImmediate(resolve));
        socket.resetAndDestroy();
        await progress.over;
        await server.stop();
        await server.closeAllConnections({ timeout: 0 });
        assert.ok(progress.timer < ENOUGH / 2, `the timer fired after ${progress.timer} writes`);
        assert.notEqual(progress.reason, undefined, "the end of the client was not seen");
      });
    }
  }
}
