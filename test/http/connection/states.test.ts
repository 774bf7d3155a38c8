/** The states of a server's connection: random sequences of events lead through named states and legal transitions only. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HTTPServer } from "squall/httpserver";
import { HTTPHeaders, type HTTPServerConnectionDelegate } from "squall/httputil";
import { genLog } from "squall/log";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { EXCHANGE_TRANSITIONS, type HTTP1Exchange } from "#room/http/connection/exchange";
import { READ_TRANSITIONS } from "#room/http/connection/message-reader";
import { type HTTP1ServerConnection, SERVER_TRANSITIONS } from "#room/http/connection/server-connection";
import { statesOf, step, type Transitions } from "#room/http/connection/transitions";
import { RawClient } from "../../support/raw-client.js";
import { root } from "../../support/root.js";
import { pass } from "../../support/virtual-server.js";
import "../../support/guard.js";

// Malformed input is part of the walks. An illegal transition goes to the application's log, where it fails the test.
genLog.setLevel("critical");

/** With which states of its reader each state of a connection goes together between two events. */
const TOGETHER: Readonly<Record<string, readonly (string | undefined)[]>> = {
  idle: ["idle", "head"],
  stopping: ["head"],
  exchange: ["body", "paused"],
  "last-exchange": ["body", "paused"],
  discard: ["discard"],
  paused: ["paused"],
  upgraded: [undefined],
  leaving: [undefined],
  closing: ["stopped"],
  closed: [undefined],
};

const EVENTS = [
  "get",
  "half a head",
  "the other half",
  "upload",
  "body",
  "chunks",
  "last chunk",
  "nonsense",
  "upgrade",
  "fin",
  "reset",
  "client pauses",
  "client reads",
  "respond",
  "begin",
  "write much",
  "finish",
  "close",
  "detach",
  "let the body go on",
  "second",
  "minute",
  "shutdown",
  "abort",
] as const;
type Event = (typeof EVENTS)[number];

const BYTES: Partial<Record<Event, string>> = {
  get: "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
  "half a head": "GET / HTT",
  "the other half": "P/1.1\r\nHost: x\r\n\r\n",
  upload: "POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc",
  body: "def",
  chunks: "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
  "last chunk": "0\r\n\r\n",
  nonsense: "\u0001\u0002 nonsense\r\n\r\n",
  upgrade: "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
};
const OK = { version: "HTTP/1.1", code: 200, reason: "OK" };

/** Which transitions the walks have seen, so that the test cannot pass by walking nowhere. */
const seen = new Set<string>();

async function walk(events: readonly Event[]): Promise<void> {
  const network = new MemoryNetwork();
  await VirtualLoop.run(
    async (loop) => {
      let connection: HTTP1ServerConnection | undefined;
      let exchange: HTTP1Exchange | undefined;
      const waiting: (() => void)[] = [];
      const app: HTTPServerConnectionDelegate = {
        startRequest(serverConnection, requestConnection) {
          connection = serverConnection as HTTP1ServerConnection;
          exchange = requestConnection as HTTP1Exchange;
          let waits = false;
          return {
            headersReceived(startLine) {
              waits = (startLine as { path: string }).path === "/wait";
            },
            dataReceived: () =>
              waits ? new Promise<void>((resolve) => void waiting.push(resolve)) : undefined,
            finish() {},
            onConnectionClose() {},
          };
        },
      };
      const server = new HTTPServer(app, {
        halfClosedTimeout: 5000,
        writeStallTimeout: 20_000,
        drainTimeout: 2000,
        bodyStallTimeout: 10_000,
        maxPipelinedSize: 100,
      });
      await server.listen(0, "127.0.0.1");
      const client = await RawClient.connect(loop, server.port!);
      const act: Partial<Record<Event, () => unknown>> = {
        fin: () => client.end(),
        reset: () => client.socket.resetAndDestroy(),
        "client pauses": () => client.socket.pause(),
        "client reads": () => client.socket.resume(),
        respond: () => exchange?.state === "fresh" && exchange.respond(OK, new HTTPHeaders(), "hello"),
        begin: () =>
          exchange?.state === "fresh" && void exchange.writeHeaders(OK, new HTTPHeaders(), "begun"),
        "write much": () => exchange?.state === "open" && void exchange.write(Buffer.alloc(400_000)),
        finish: () => exchange?.state === "open" && exchange.finish(),
        close: () => exchange?.close(),
        detach: () => {
          if (exchange?.state === "fresh" && connection?.state.endsWith("exchange") === true) {
            exchange.detach().pauseReading();
          }
        },
        "let the body go on": () => {
          for (const resolve of waiting.splice(0)) resolve();
        },
        second: () => pass(loop, 1000),
        minute: () => pass(loop, 61_000),
        shutdown: () => void connection?.shutdown(),
        abort: () => void connection?.abort(),
      };
      let before: string | undefined;
      for (const event of events) {
        const bytes = BYTES[event];
        if (bytes !== undefined && !client.closed) client.send(bytes);
        await act[event]?.();
        await pass(loop, 1);
        if (connection === undefined) continue;
        const { state, readState } = connection;
        assert.ok(state in SERVER_TRANSITIONS, state);
        assert.ok(
          TOGETHER[state]!.includes(readState),
          `${state} with a reader that is ${readState}, after ${events.join(", ")}`,
        );
        if (before !== undefined && before !== state) seen.add(`${before} → ${state}`);
        before = state;
      }
      client.socket.resume();
      client.close();
      for (const resolve of waiting.splice(0)) resolve();
      await server.stop();
      await server.closeAllConnections({ timeout: 0 });
      assert.equal(server.connections, 0);
      assert.equal(connection === undefined || connection.state === "closed", true);
    },
    { network },
  );
}

describe("a server's connection", () => {
  test("goes through named states and legal transitions only, whatever happens in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...EVENTS), { minLength: 3, maxLength: 20 }), walk),
      {
        numRuns: 250,
      },
    );
    // Events between which more than one transition happens show as one.
    assert.ok(seen.size >= 8, [...seen].join("; "));
  });

  const scenes: Readonly<Record<string, readonly Event[]>> = {
    discard: ["chunks", "respond"],
    paused: ["client pauses", "get", "begin", "write much", "write much", "finish"],
    stopping: ["get", "respond", "half a head", "shutdown"],
    "last-exchange": ["get", "shutdown"],
    upgraded: ["upgrade", "detach"],
    leaving: ["upgrade", "detach", "shutdown"],
    closing: ["get", "respond", "nonsense"],
    closed: ["get", "reset"],
  };
  for (const [state, events] of Object.entries(scenes)) {
    test(`is ${state} after ${events.join(", ")}`, async () => {
      seen.clear();
      await walk(events);
      assert.ok(
        [...seen].some((transition) => transition.endsWith(`→ ${state}`)),
        [...seen].join("; "),
      );
    });
  }
});

describe("the tables of states", () => {
  const tables: Readonly<Record<string, Transitions<string>>> = {
    "server-connection": SERVER_TRANSITIONS,
    "message-reader": READ_TRANSITIONS,
    exchange: EXCHANGE_TRANSITIONS,
  };
  for (const [file, table] of Object.entries(tables)) {
    test(`of ${file}.ts have no other states than the picture at its head, and each can be reached`, () => {
      const source = readFileSync(`${root}src/http/connection/${file}.ts`, "utf8");
      const picture = source.slice(0, source.indexOf("*/"));
      const [first, ...others] = Object.keys(table);
      const reached = new Set(Object.values(table).flat());
      assert.match(picture, new RegExp(`^ \\* +${first}\\b`, "m"));
      for (const state of others) {
        assert.match(picture, new RegExp(`^ \\* +.*\\b${state}\\b`, "m"));
        assert.ok(reached.has(state), state);
      }
    });
  }

  test("refuse a transition that is not in them", () => {
    const { on, off } = statesOf({ on: ["off"], off: [] } as Transitions<"on" | "off">);
    assert.equal(step(on, off), off);
    assert.throws(() => step(off, on), { code: "ERR_SQUALL_INVALID_STATE" });
  });
});
