/**
 * A whole server in virtual time, with handlers and clients that do whatever comes to their mind: answer early, late, in
 * pieces, wrongly or never, throw, reject, give the stream away; send in drops, pipeline, stop reading, end, reset. What
 * must hold for all of them is checked at the end.
 */

import type { HTTP1Connection } from "squall/http1connection";
import { HTTPServer } from "squall/httpserver";
import {
  HTTPHeaders,
  type HTTPMessageDelegate,
  HTTPOutputError,
  type HTTPServerConnectionDelegate,
} from "squall/httputil";
import { StreamClosedError } from "squall/iostream";
import { VirtualLoop } from "squall/testing";
import { InvalidStateError } from "#room/base/errors";
import type { RequestStartLine, ResponseStartLine } from "#room/protocol/fields/start-line";
import { pass } from "../support/virtual-server.js";
import { fuzz } from "./support/fuzz.js";
import type { Random } from "./support/random.js";
import { HandlerFault, Watch } from "./support/watch.js";
import { type ClientWorld, runClient } from "./support/wild-client.js";
import { checkNothingIsLeft, Holds, makeNetwork, serverOptions } from "./support/wild-server.js";

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

/** What ends the connection and drops what has not gone out. */
const CUTTING: ReadonlySet<Plan["act"]> = new Set(["close", "detach", "too little", "too much"]);

/** One request as the application sees it. */
class Message implements HTTPMessageDelegate {
  readonly world: World;
  readonly connection: HTTP1Connection;
  readonly plan: Plan;
  /** Of the client. */
  readonly port: number | undefined;
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
    const { address } = connection.peer;
    this.port = address !== undefined && "port" in address ? address.port : undefined;
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
    return plan.hold === 0 ? undefined : world.holds.hold(plan.hold);
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
        this.responded = connection.finished;
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
        this.responded = connection.finished;
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
class World implements HTTPServerConnectionDelegate, ClientWorld {
  readonly loop: VirtualLoop;
  readonly random: Random;
  readonly holds: Holds;
  readonly problems: string[];
  readonly messages: Message[] = [];
  readonly closed = new Set<unknown>();
  readonly seen = new Set<unknown>();
  /** The server has been asked to end what is open. */
  stopping = false;
  /** A lost packet is sent again only after a lingering connection has given up: the reset comes first. */
  tooLossy = false;

  constructor(loop: VirtualLoop, random: Random, problems: string[]) {
    this.loop = loop;
    this.random = random;
    this.holds = new Holds(loop);
    this.problems = problems;
  }

  /** What was finished reaches a client that reads, unless a later handler cut the connection. */
  arrived(port: number, received: ReadonlySet<string>): void {
    if (this.stopping || this.tooLossy) return;
    // Not by their targets: what another client sent may have become one of these by damage.
    const messages = this.messages.filter((message) => message.port === port);
    if (messages.some(({ plan }) => CUTTING.has(plan.act))) return;
    for (const { target, responded } of messages) {
      if (responded && !received.has(target))
        this.problem(`the answer to ${target} was finished and did not arrive`);
    }
  }

  hasBody(target: string, body: string): void {
    if (!body.startsWith(`${target} `)) this.problem(`the body for ${target} is ${body.slice(0, 40)}`);
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

async function runCase(random: Random, watch: Watch): Promise<void> {
  const network = makeNetwork(random);
  await VirtualLoop.run(
    async (loop) => {
      const world = new World(loop, random, watch.problems);
      const server = new HTTPServer(world, serverOptions(random));
      await server.listen(0, "127.0.0.1");
      world.tooLossy = network.lossRate > 0 && server.connParams.drainTimeout <= network.retransmitDelay;
      const clients = random.list(random.between(1, 3), (i) => runClient(world, server.port!, `${i}`));
      const all = Promise.all(clients);
      if (random.chance(0.3)) {
        await Promise.race([all, pass(loop, random.below(2000))]);
        await server.stop();
        world.stopping = random.chance(0.5);
        if (world.stopping) void server.closeAllConnections({ timeout: random.below(500) });
      }
      await all;
      await checkNothingIsLeft(server, network, loop, random, world.holds, (text) => world.problem(text));
      if (world.closed.size !== world.seen.size) {
        for (const connection of world.seen)
          if (!world.closed.has(connection)) world.problem("a connection without onClose");
      }
    },
    { network },
  );
}

fuzz("a server keeps its promises whatever its clients and handlers do", { runs: 200 }, async (random) => {
  const watch = new Watch();
  watch.begin();
  try {
    await runCase(random, watch);
  } finally {
    await watch.end();
  }
  if (watch.problems.length > 0) throw new Error([...new Set(watch.problems)].join("\n"));
});
