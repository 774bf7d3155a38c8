/**
 * A whole server in virtual time, with handlers and clients that do whatever comes to their mind: answer early, late, in
 * pieces, wrongly or never, throw, reject, give the stream away; send in drops, pipeline, stop reading, end, reset. What
 * must hold for all of them is checked at the end.
 */

import type { HTTP1Connection } from "squall/http1connection";
import { HTTPServer, type HTTPServerOptions } from "squall/httpserver";
import {
  HTTPHeaders,
  type HTTPMessageDelegate,
  HTTPOutputError,
  type HTTPServerConnectionDelegate,
} from "squall/httputil";
import { StreamClosedError } from "squall/iostream";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { InvalidStateError } from "#room/base/errors";
import type { RequestStartLine, ResponseStartLine } from "#room/protocol/fields/start-line";
import { RawClient } from "../support/raw-client.js";
import { pass } from "../support/virtual-server.js";
import { fuzz } from "./support/fuzz.js";
import { mutated } from "./support/mutate.js";
import type { Random } from "./support/random.js";
import { HandlerFault, Watch } from "./support/watch.js";

/** No case may take longer than its longest timeouts one after the other, in virtual milliseconds. */
const LONGEST = 600_000;

type Step = "head" | "data" | "finish";

/** What a handler does, decided when its request begins. */
interface Plan {
  readonly at: Step;
  readonly act:
    | "respond"
    | "stream"
    | "throw"
    | "reject"
    | "close"
    | "detach"
    | "nothing"
    | "too little"
    | "too much"
    | "respond twice";
  readonly delay: number;
  /** Promises that hold the message back. */
  readonly hold: number;
  readonly pieces: number;
  readonly pieceSize: number;
}

function makePlan(random: Random): Plan {
  return {
    at: random.weighted({ finish: 6, head: 2, data: 1 }),
    act: random.weighted({
      respond: 10,
      stream: 6,
      throw: 1,
      reject: 1,
      close: 1,
      detach: 1,
      nothing: 1,
      "too little": 1,
      "too much": 1,
      "respond twice": 1,
    }),
    delay: random.chance(0.5) ? 0 : random.below(3000),
    hold: random.chance(0.8) ? 0 : random.below(500),
    pieces: random.below(6),
    pieceSize: random.pick([1, 10, 3000, 20_000, 70_000]),
  };
}

/** One request as the application sees it. */
class Message implements HTTPMessageDelegate {
  readonly world: World;
  readonly connection: HTTP1Connection;
  readonly plan: Plan;
  target = "";
  #acted = false;
  #state: "begun" | "head" | "finished" | "lost" = "begun";
  #aborted = 0;
  #closeCalls = 0;
  responded = false;

  constructor(world: World, connection: HTTP1Connection, plan: Plan) {
    this.world = world;
    this.connection = connection;
    this.plan = plan;
    connection.setCloseCallback(() => {
      if (++this.#closeCalls > 1) world.problem("the close callback was called twice");
      if (this.responded) world.problem("the close callback was called after the response");
    });
  }

  headersReceived(startLine: RequestStartLine | ResponseStartLine): void | Promise<void> {
    this.#expect("begun", "headersReceived");
    this.#state = "head";
    this.target = (startLine as RequestStartLine).path;
    return this.#step("head");
  }

  dataReceived(_chunk: Buffer): void | Promise<void> {
    this.#expect("head", "dataReceived");
    return this.#step("data");
  }

  finish(): void | Promise<void> {
    this.#expect("head", "finish");
    this.#state = "finished";
    return this.#step("finish");
  }

  onConnectionClose(): void {
    if (this.#state === "finished") this.world.problem("onConnectionClose after finish");
    if (this.#state === "lost") this.world.problem("onConnectionClose twice");
    this.#state = "lost";
  }

  onExchangeAborted(): void {
    if (this.#state !== "finished") this.world.problem(`onExchangeAborted while ${this.#state}`);
    if (++this.#aborted > 1) this.world.problem("onExchangeAborted twice");
    if (this.responded) this.world.problem("onExchangeAborted after the response");
  }

  #expect(state: string, call: string): void {
    if (this.#state !== state) this.world.problem(`${call} while ${this.#state}`);
  }

  #step(step: Step): void | Promise<void> {
    const { plan, world } = this;
    if (step === plan.at && !this.#acted) {
      this.#acted = true;
      if (plan.act === "throw") throw new HandlerFault("thrown");
      if (plan.act === "reject") return Promise.reject(new HandlerFault("rejected"));
      if (plan.delay === 0) void this.#act();
      else world.later(plan.delay, () => void this.#act());
    }
    // With a plan for data, a request without a body is answered when it ends.
    if (step === "finish" && !this.#acted) {
      this.#acted = true;
      void this.#act();
    }
    return plan.hold === 0 ? undefined : pass(world.loop, plan.hold);
  }

  async #act(): Promise<void> {
    try {
      await this.#respond();
    } catch (error) {
      // The calls may say that it is too late, or that this cannot be sent; nothing else.
      const isFair =
        error instanceof StreamClosedError ||
        error instanceof HTTPOutputError ||
        error instanceof InvalidStateError;
      if (!isFair) this.world.problem(`the handler was told: ${(error as Error).stack}`);
    }
  }

  async #respond(): Promise<void> {
    const { connection, plan } = this;
    const text = `${this.target} `;
    const begin = (length?: number, chunk?: string): Promise<void> => {
      const headers = new HTTPHeaders({ "X-Target": this.target });
      if (length !== undefined) headers.set("Content-Length", String(length));
      return connection.writeHeaders({ version: "HTTP/1.1", code: 200, reason: "OK" }, headers, chunk);
    };
    switch (plan.act) {
      case "respond twice":
      case "respond":
        connection.respond(
          { version: "HTTP/1.1", code: 200, reason: "OK" },
          new HTTPHeaders({ "X-Target": this.target }),
          text,
        );
        this.responded = true;
        if (plan.act === "respond twice") {
          connection.respond({ version: "HTTP/1.1", code: 200, reason: "OK" }, new HTTPHeaders(), "again");
          connection.finish();
        }
        return;
      case "stream": {
        const waits = plan.pieces % 2 === 0;
        const known = plan.pieceSize % 2 === 0;
        const first = begin(known ? text.length + plan.pieces * plan.pieceSize : undefined, text);
        if (waits) await first;
        else first.catch(() => {});
        for (let i = 0; i < plan.pieces; i++) {
          const written = connection.write("x".repeat(plan.pieceSize));
          if (waits) await written;
          else written.catch(() => {});
          if (plan.delay % 3 === 1) await pass(this.world.loop, 10);
        }
        connection.finish();
        this.responded = true;
        return;
      }
      case "too little":
        begin(text.length + 5, text).catch(() => {});
        connection.finish();
        return;
      case "too much":
        begin(text.length - 1, text).catch(() => {});
        return;
      case "close":
        connection.close();
        return;
      case "detach": {
        const stream = connection.detach(
          plan.pieces % 2 === 0 ? { shutdown: () => stream.close() } : undefined,
        );
        stream.write("guest").catch(() => {});
        if (plan.pieces % 3 === 0) stream.readBytes(3).catch(() => {});
        this.world.later(plan.pieces * 300, () => stream.close());
        return;
      }
      default:
    }
  }
}

/** Everything of one case. */
class World implements HTTPServerConnectionDelegate {
  readonly loop: VirtualLoop;
  readonly random: Random;
  readonly problems: string[];
  readonly messages: Message[] = [];
  readonly closed = new Set<unknown>();
  readonly seen = new Set<unknown>();

  constructor(loop: VirtualLoop, random: Random, problems: string[]) {
    this.loop = loop;
    this.random = random;
    this.problems = problems;
  }

  problem(text: string): void {
    this.problems.push(text);
  }

  later(ms: number, fn: () => void): void {
    this.loop.callLater(ms, fn);
  }

  startRequest(serverConnection: unknown, connection: unknown): HTTPMessageDelegate {
    if (this.closed.has(serverConnection)) this.problem("a request began on a closed connection");
    this.seen.add(serverConnection);
    const message = new Message(this, connection as HTTP1Connection, makePlan(this.random));
    this.messages.push(message);
    return message;
  }

  onClose(serverConnection: unknown): void {
    if (this.closed.has(serverConnection)) this.problem("onClose twice");
    this.closed.add(serverConnection);
  }
}

function serverOptions(random: Random): HTTPServerOptions {
  return {
    headerTimeout: random.pick([1000, 10_000]),
    idleTimeout: random.pick([500, 5000]),
    bodyStallTimeout: random.pick([700, 5000]),
    bodyTimeout: random.pick([Number.POSITIVE_INFINITY, 3000]),
    writeStallTimeout: random.pick([500, 5000]),
    halfClosedTimeout: random.pick([500, 5000]),
    drainTimeout: random.pick([200, 2000]),
    drainSize: random.pick([0, 10, 262_144]),
    maxPipelinedSize: random.pick([0, 50, 65_536]),
    chunkSize: random.pick([1, 20, 65_536]),
    maxRequests: random.pick([1, 3, Number.POSITIVE_INFINITY]),
    maxBodySize: random.pick([10, 1000, 100_000]),
    noKeepAlive: random.chance(0.1),
    decompressRequest: random.chance(0.2),
  };
}

interface Sent {
  readonly method: string;
  readonly target: string;
  readonly text: string;
}

function makeRequest(random: Random, target: string): Sent {
  const body = random.text("abc\r\n", random.pick([0, 3, 15, 500]));
  const method = body === "" ? random.pick(["GET", "HEAD", "OPTIONS"]) : "POST";
  const version = random.chance(0.9) ? "1.1" : "1.0";
  const isChunked = body !== "" && version === "1.1" && random.chance(0.5);
  const framing =
    body === "" ? "" : isChunked ? "Transfer-Encoding: chunked\r\n" : `Content-Length: ${body.length}\r\n`;
  const more = random.weighted({
    "": 10,
    "Connection: close\r\n": 1,
    "Connection: keep-alive\r\n": 2,
    "Expect: 100-continue\r\n": 1,
  });
  const wire = isChunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body;
  return {
    method,
    target,
    text: `${method} ${target} HTTP/${version}\r\nHost: x\r\n${framing}${more}\r\n${wire}`,
  };
}

/** A client that behaves as the dice say, and what it then knows. */
async function runClient(world: World, port: number, name: string): Promise<void> {
  const { random, loop } = world;
  const requests = random.list(random.between(1, 5), (i) => makeRequest(random, `/${name}/${i}`));
  const isMutated = random.chance(0.15);
  const whole = requests.map((request) => request.text).join("");
  const text = isMutated ? mutated(random, whole, 1) : whole;
  const bytes = Buffer.from(random.chance(0.15) ? text.slice(0, random.below(text.length)) : text, "latin1");
  const pieces = random.cut(bytes);
  const pause = random.chance(0.4) ? random.below(300) : 0;
  const ending = random.weighted({ nothing: 3, fin: 3, reset: 1, "fin later": 1 });
  let client: RawClient;
  try {
    client = await RawClient.connect(loop, port);
  } catch {
    return;
  }
  if (random.chance(0.1)) client.socket.pause();
  client.socket.on("error", () => {});
  for (const piece of pieces) {
    if (client.closed || client.socket.destroyed) break;
    if (client.socket.writable) client.socket.write(piece);
    if (pause > 0 && random.chance(0.3)) await pass(loop, pause);
  }
  if (ending === "fin later") await pass(loop, random.below(2000));
  if (ending === "reset") {
    if (random.chance(0.5)) await pass(loop, random.below(1000));
    client.socket.resetAndDestroy();
    return;
  }
  if (ending !== "nothing") client.end();
  await Promise.race([client.whenEnded(), pass(loop, 20_000)]);
  if (!isMutated) await checkAnswers(world, client, requests);
  client.close();
}

/** The answers are whole, in order, each to its request, but for the last one that was cut off. */
async function checkAnswers(world: World, client: RawClient, requests: readonly Sent[]): Promise<void> {
  client.ended = true;
  for (const { method, target } of requests) {
    if (client.received.length === 0) return;
    if (client.received.subarray(0, 5).toString() === "guest") return;
    let response = await client.response(method).catch(() => undefined);
    while (response?.status === 100) response = await client.response(method).catch(() => undefined);
    if (response === undefined) return;
    if (response.status !== 200) {
      // A refusal is the last word.
      if (client.received.length > 0) world.problem(`bytes behind the ${response.status} to ${target}`);
      return;
    }
    const named = response.headers.find(([field]) => field === "X-Target")?.[1];
    if (named !== target) world.problem(`${target} was answered with the response to ${named}`);
    if (response.truncated) return;
    const body = response.body.toString();
    if (method !== "HEAD" && !body.startsWith(`${target} `))
      world.problem(`the body for ${target} is ${body.slice(0, 40)}`);
  }
  if (client.received.length > 0) {
    const rest = client.received.toString("latin1", 0, 60);
    if (!rest.startsWith("guest")) world.problem(`bytes behind the last answer: ${JSON.stringify(rest)}`);
  }
}

async function runCase(random: Random, watch: Watch): Promise<void> {
  const latency = random.weighted({ none: 3, some: 1, varying: 1 });
  const network = new MemoryNetwork({
    latency: latency === "none" ? 0 : latency === "some" ? 7 : () => random.below(30),
    chunkSize: random.pick([Number.POSITIVE_INFINITY, 1000, 13]),
    bufferSize: random.pick([100, 5000, 262_144]),
    lossRate: random.chance(0.1) ? 0.1 : 0,
    seed: random.below(1e9),
  });
  await VirtualLoop.run(
    async (loop) => {
      const world = new World(loop, random, watch.problems);
      const server = new HTTPServer(world, serverOptions(random));
      await server.listen(0, "127.0.0.1");
      const clients = random.list(random.between(1, 3), (i) => runClient(world, server.port!, `${i}`));
      const all = Promise.all(clients);
      if (random.chance(0.3)) {
        await Promise.race([all, pass(loop, random.below(2000))]);
        await server.stop();
        if (random.chance(0.5)) void server.closeAllConnections({ timeout: random.below(500) });
      }
      await all;
      // Whoever rests, waits or lingers gets the time for it.
      if (random.chance(0.5)) {
        await pass(loop, 30_000);
        // Who is held back by a full pipeline is not read, so its end is not noticed before the answer that it waits for.
        const isNoticed = server.connParams.maxPipelinedSize > 1000;
        const left = server.connections;
        if (left !== 0 && isNoticed)
          world.problem(`${left} connections outlive their clients and all timeouts`);
      }
      await server.stop();
      const report = await server.closeAllConnections({ timeout: random.pick([0, 1000]) });
      await pass(loop, 25_000);
      if (report.idle + report.finished + report.aborted < 0) world.problem("a negative report");
      if (server.connections !== 0) world.problem(`${server.connections} connections are left`);
      if (network.pending !== 0) world.problem(`${network.pending} deliveries are pending`);
      if (network.openSockets !== 0) world.problem(`${network.openSockets} sockets are open`);
      loop.tidyTimers();
      if (loop.timers.size !== 0) world.problem(`${loop.timers.size} timers are left`);
      if (loop.timers.coarse.nextTime !== Number.POSITIVE_INFINITY) world.problem("deadlines are left");
      if (world.closed.size !== world.seen.size) {
        for (const connection of world.seen)
          if (!world.closed.has(connection)) world.problem("a connection without onClose");
      }
      if (loop.time() > LONGEST) world.problem(`it took ${loop.time()} virtual milliseconds`);
    },
    { network },
  );
}

fuzz("a server keeps its promises whatever its clients and handlers do", { runs: 300 }, async (random) => {
  const watch = new Watch();
  watch.begin();
  try {
    await runCase(random, watch);
  } finally {
    await watch.end();
  }
  if (watch.problems.length > 0) throw new Error([...new Set(watch.problems)].join("\n"));
});
