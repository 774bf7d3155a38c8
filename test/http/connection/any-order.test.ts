/**
 * Applications of every temper against clients of every temper, in virtual time: whatever comes together, answers
 * keep their order, a delegate's calls keep theirs, and nothing stays behind.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { HTTP1Connection } from "squall/http1connection";
import { HTTPServer, type ShutdownReport } from "squall/httpserver";
import {
  HTTPHeaders,
  type HTTPMessageDelegate,
  type HTTPServerConnectionDelegate,
  type RequestStartLine,
} from "squall/httputil";
import { appLog, genLog } from "squall/log";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import type { IOLoop } from "#room/async/ioloop";
import { RawClient, type RawResponse } from "../../support/raw-client.js";
import { pass } from "../../support/virtual-server.js";
import "../../support/guard.js";

// What the tempers below throw is meant to be thrown.
appLog.setLevel("critical");
genLog.setLevel("critical");

/** How a request is answered. The first ones keep the connection; the others end it, or leave it to the client. */
const KIND = ["sync", "async", "early", "earlyData", "hold", "echo", "holdEcho", "big", "gzip"] as const;
const UNKIND = [
  "throwHead",
  "throwData",
  "throwLate",
  "rejectHead",
  "rejectEnd",
  "close",
  "never",
  "http10",
  "badGzip",
  "detach",
] as const;
type Temper = (typeof KIND)[number] | (typeof UNKIND)[number];

interface Asked {
  readonly temper: Temper;
  readonly size: number;
  readonly isChunked: boolean;
}

interface Scenario {
  readonly requests: readonly Asked[];
  readonly last: Asked;
  readonly leave: "stays" | "fin" | "reset" | "close";
  readonly patience: number;
  readonly pieces: number;
  readonly latency: number;
  readonly maxPipelinedSize: number;
  readonly chunkSize: number;
  readonly drainSize: number;
  /** The client does not read for so many milliseconds. */
  readonly pause: number;
  /** When the server stops, and how long it waits then; -1 for never. */
  readonly stopAt: number;
  readonly grace: number;
}

/** Watches that the calls on one delegate come as they were promised. */
class Watched implements HTTPMessageDelegate {
  readonly #connection: HTTP1Connection;
  readonly #problems: string[];
  #temper: Temper = "sync";
  #id = "";
  #busy = false;
  #ended = "";
  #aborted = 0;
  #closeCalls = 0;
  #received = 0;
  #answered = false;

  constructor(connection: HTTP1Connection, problems: string[]) {
    this.#connection = connection;
    this.#problems = problems;
    connection.setCloseCallback(() => {
      if (++this.#closeCalls > 1) this.#report("two close callbacks");
      if (this.#answered) this.#report("a close callback after the answer");
    });
  }

  headersReceived(startLine: unknown): void | Promise<void> {
    const [, temper, id] = (startLine as RequestStartLine).path.split("/");
    this.#temper = temper as Temper;
    this.#id = id!;
    this.#enter("headersReceived");
    const temperNow = this.#temper;
    if (temperNow === "early") this.#answer();
    if (temperNow === "echo" || temperNow === "holdEcho") void this.#begin();
    if (temperNow === "throwHead") throw new Error("meant");
    if (temperNow === "throwLate") {
      this.#answer();
      throw new Error("meant");
    }
    if (temperNow === "rejectHead") return this.#wait().then(() => Promise.reject(new Error("meant")));
    if (temperNow === "detach") {
      const stream = this.#connection.detach();
      this.#ended = "detach";
      void this.#quietly(stream.readUntilClose().then(() => stream.close()));
    }
    if (temperNow.startsWith("hold")) return this.#wait();
    return undefined;
  }

  dataReceived(chunk: Buffer): void | Promise<void> {
    this.#enter("dataReceived");
    this.#received += chunk.length;
    if (this.#temper === "earlyData" && !this.#answered) this.#answer();
    if (this.#temper === "throwData") throw new Error("meant");
    if (this.#temper === "close") this.#connection.close();
    if (this.#temper === "echo") return this.#quietly(this.#connection.write(chunk));
    if (this.#temper === "holdEcho")
      return this.#wait().then(() => this.#quietly(this.#connection.write(chunk)));
    if (this.#temper === "hold" || this.#temper.endsWith("zip")) return this.#wait();
    return undefined;
  }

  finish(): void | Promise<void> {
    this.#enter("finish");
    this.#ended = "finish";
    switch (this.#temper) {
      case "sync":
      case "hold":
      case "big":
      case "gzip":
      case "badGzip":
      case "http10":
        this.#answer();
        return undefined;
      case "earlyData":
        if (!this.#answered) this.#answer();
        return undefined;
      case "async":
        void this.#wait().then(() => this.#answer());
        return undefined;
      case "echo":
      case "holdEcho":
        this.#answered = true;
        this.#connection.finish();
        return undefined;
      case "throwData":
        throw new Error("meant");
      case "rejectEnd":
        return this.#wait().then(() => Promise.reject(new Error("meant")));
      case "close":
        this.#connection.close();
        return undefined;
      default:
        return undefined;
    }
  }

  onConnectionClose(): void {
    if (this.#ended !== "") this.#report(`onConnectionClose after ${this.#ended}`);
    this.#ended = "onConnectionClose";
  }

  onExchangeAborted(): void {
    if (this.#ended !== "finish") this.#report("onExchangeAborted without finish");
    if (++this.#aborted > 1) this.#report("two onExchangeAborted");
  }

  #enter(call: string): void {
    if (this.#busy) this.#report(`${call} while a promise is pending`);
    if (this.#ended !== "") this.#report(`${call} after ${this.#ended}`);
  }

  async #wait(): Promise<void> {
    this.#busy = true;
    await pass(loopNow!, 7);
    this.#busy = false;
  }

  #quietly(promise: Promise<void>): Promise<void> {
    return promise.catch(() => {});
  }

  #headers(): HTTPHeaders {
    return new HTTPHeaders({ "X-Id": this.#id });
  }

  #answer(): void {
    this.#answered = true;
    this.#connection.respond(
      { version: "HTTP/1.1", code: 200, reason: "OK" },
      this.#headers(),
      this.#temper === "big" ? BIG : `${this.#temper} ${this.#received}`,
    );
  }

  #begin(): Promise<void> {
    return this.#quietly(
      this.#connection.writeHeaders({ version: "HTTP/1.1", code: 200, reason: "OK" }, this.#headers()),
    );
  }

  #report(problem: string): void {
    this.#problems.push(`${this.#id} ${this.#temper}: ${problem}`);
  }
}

const BIG = "x".repeat(150_000);
const PACKED = gzipSync(Buffer.alloc(10_000)).toString("latin1");

let loopNow: IOLoop | undefined;

function bytesOf({ temper, size, isChunked }: Asked, id: number): string {
  const body = "x".repeat(size);
  if (temper === "http10") return `GET /http10/${id} HTTP/1.0\r\n\r\n`;
  if (temper === "gzip" || temper === "badGzip") {
    const packed = temper === "gzip" ? PACKED : PACKED.slice(0, -1);
    return `POST /${temper}/${id} HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n${packed}`;
  }
  if (size === 0 && !isChunked) return `GET /${temper}/${id} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const head = `POST /${temper}/${id} HTTP/1.1\r\nHost: x\r\n`;
  if (!isChunked) return `${head}Content-Length: ${size}\r\n\r\n${body}`;
  const half = size >> 1;
  let chunks = "";
  for (const part of [half, size - half]) {
    if (part > 0) chunks += `${part.toString(16)}\r\n${"x".repeat(part)}\r\n`;
  }
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`;
}

async function readAll(client: RawClient): Promise<RawResponse[]> {
  const responses: RawResponse[] = [];
  for (;;) {
    try {
      responses.push(await client.response());
    } catch (error) {
      // Also one that was cut inside its head.
      if ((error as Error).message.startsWith("the connection ended")) return responses;
      throw error;
    }
  }
}

async function play(scenario: Scenario): Promise<void> {
  const problems: string[] = [];
  let closes = 0;
  const app: HTTPServerConnectionDelegate = {
    startRequest: (_server, connection) => new Watched(connection as HTTP1Connection, problems),
    onClose: () => void closes++,
  };
  const { requests, last, leave } = scenario;
  const asked = [...requests, last];
  // A long page in single bytes would only take long.
  const chunkSize = asked.some(({ temper }) => temper === "big") ? 20_000 : scenario.pieces;
  const network = new MemoryNetwork({ latency: scenario.latency, chunkSize });
  await VirtualLoop.run(
    async (loop) => {
      loopNow = loop;
      const server = new HTTPServer(app, {
        maxPipelinedSize: scenario.maxPipelinedSize,
        chunkSize: scenario.chunkSize,
        drainSize: scenario.drainSize,
        decompressRequest: true,
        halfClosedTimeout: 3000,
        idleTimeout: 30_000,
      });
      await server.listen(0, "127.0.0.1");
      const client = await RawClient.connect(loop, server.port!);
      const reading = readAll(client);
      client.send(asked.map((request, id) => bytesOf(request, id)).join(""));
      if (scenario.pause > 0) {
        client.socket.pause();
        loop.callLater(scenario.pause, () => void client.socket.resume());
      }
      let report: Promise<ShutdownReport> | undefined;
      if (scenario.stopAt >= 0) {
        loop.callLater(scenario.stopAt, () => {
          report = server.closeAllConnections({ timeout: scenario.grace });
        });
      }
      if (leave === "fin") client.end();
      else if (leave === "reset")
        loop.callLater(scenario.patience, () => void client.socket.resetAndDestroy());
      else if (leave === "close") loop.callLater(scenario.patience, () => client.close());
      // Longer than every deadline.
      await pass(loop, 700_000);
      client.end();
      await pass(loop, 10_000);
      const responses = await reading;
      assert.ok(responses.length <= asked.length, `${responses.length} answers to ${asked.length} requests`);
      responses.forEach((response, i) => {
        const id = response.headers.find(([name]) => name === "X-Id")?.[1];
        if (response.status === 200) assert.equal(id, String(i), "an answer to another request");
        else assert.equal(i, responses.length - 1, `a ${response.status} that is not the last`);
      });
      // Who closes at once, on either side, may destroy what the other has not read.
      const goesAway = leave === "reset" || leave === "close" || last.temper === "close";
      if (report !== undefined) {
        const { idle, finished, aborted } = await report;
        assert.ok(idle + finished + aborted <= 1, `${idle} + ${finished} + ${aborted} connections`);
      }
      if (!goesAway && scenario.drainSize > 1000 && scenario.stopAt < 0) {
        const whole = responses.filter((response) => response.status === 200 && !response.truncated).length;
        assert.ok(whole >= requests.length, `${whole} whole answers to ${requests.length} requests`);
      }
      assert.deepEqual(problems, []);
      assert.equal(closes, 1, "onClose");
      assert.equal(server.connections, 0, "a connection is left");
      assert.equal(loop.timers.wheel.nextTime, Number.POSITIVE_INFINITY, "a deadline is left");
      await server.stop();
    },
    { network },
  );
}

const asked = (tempers: readonly Temper[]): fc.Arbitrary<Asked> =>
  fc.record({
    temper: fc.constantFrom(...tempers),
    size: fc.constantFrom(0, 1, 5, 40, 300),
    isChunked: fc.boolean(),
  });

test("answers keep their order, delegates are called as promised, and nothing stays behind", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        requests: fc.array(asked(KIND), { maxLength: 5 }),
        last: asked([...KIND, ...UNKIND]),
        leave: fc.constantFrom("stays", "fin", "reset", "close"),
        patience: fc.constantFrom(0, 1, 5, 10, 30),
        pieces: fc.constantFrom(1, 7, 50, Number.POSITIVE_INFINITY),
        latency: fc.constantFrom(0, 1),
        maxPipelinedSize: fc.constantFrom(0, 30, 65_536),
        chunkSize: fc.constantFrom(3, 65_536),
        drainSize: fc.constantFrom(50, 262_144),
        pause: fc.constantFrom(0, 0, 5, 50, 5000),
        stopAt: fc.constantFrom(-1, -1, 0, 3, 10, 40),
        grace: fc.constantFrom(0, 5, 1000),
      }),
      play,
    ),
    {
      numRuns: 200,
      ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}),
    },
  );
});
