/**
 * An application whose handlers do whatever comes to their mind, before clients that do so, too. The hooks must come in
 * their order and at most once, the log must hold nothing but what the handlers threw, and nothing may be left.
 */
import { HTTPServer } from "squall/httpserver";
import { StreamClosedError } from "squall/iostream";
import { accessLog } from "squall/log";
import { VirtualLoop } from "squall/testing";
import {
  Application,
  Finish,
  type HandlerResult,
  HTTPError,
  RequestHandler,
  streamRequestBody,
} from "squall/web";
import { pass } from "../support/virtual-server.js";
import { fuzz } from "./support/fuzz.js";
import type { Random } from "./support/random.js";
import { HandlerFault, Watch } from "./support/watch.js";
import { type ClientWorld, runClient } from "./support/wild-client.js";
import { checkNothingIsLeft, Holds, makeNetwork, serverOptions } from "./support/wild-server.js";

accessLog.setLevel("critical");

type Deed =
  | "write"
  | "big write"
  | "flush"
  | "wait"
  | "finish"
  | "throw"
  | "http error"
  | "stop"
  | "raise in onFinish"
  | "wait for signal"
  | "send error"
  | "status 304"
  | "status 204"
  | "deadline"
  | "redirect"
  | "length";

/** What a handler does in one of its steps, one deed after the other. */
function makeDeeds(random: Random): Deed[] {
  return random.list(random.below(5), () =>
    random.weighted({
      write: 8,
      "big write": 2,
      flush: 4,
      wait: 5,
      finish: 2,
      throw: 0.7,
      "http error": 0.7,
      stop: 0.5,
      "raise in onFinish": 0.2,
      "wait for signal": 0.3,
      "send error": 0.3,
      "status 304": 0.3,
      "status 204": 0.3,
      deadline: 0.5,
      redirect: 0.3,
      length: 0.3,
    }),
  );
}

class World implements ClientWorld {
  readonly loop: VirtualLoop;
  readonly random: Random;
  readonly holds: Holds;
  readonly problems: string[];
  readonly handlers: Wild[] = [];

  constructor(loop: VirtualLoop, random: Random, problems: string[]) {
    this.loop = loop;
    this.random = random;
    this.holds = new Holds(loop);
    this.problems = problems;
  }

  problem(text: string): void {
    this.problems.push(text);
  }

  arrived(): void {}
}

let world: World;

/** Handlers learn their world from the module: cases run one after the other. */
class Wild extends RequestHandler {
  readonly world: World = world;
  readonly calls: string[] = [];
  failsAtEnd = false;
  aborted = 0;

  override initialize(): void {
    this.world.handlers.push(this);
    const { random } = this.world;
    if (random.chance(0.3)) {
      this.signal.addEventListener("abort", () => {
        if (++this.aborted > 1) this.world.problem("the signal aborted twice");
        if (this.calls.includes("onFinish")) this.world.problem("the signal aborted after onFinish()");
      });
    }
  }

  override setDefaultHeaders(): void {
    this.setHeader("X-Target", this.request.uri);
  }

  #note(call: string): void {
    if (call !== "dataReceived" && this.calls.includes(call))
      this.world.problem(`${call}() was called twice`);
    if (this.calls.includes("onFinish")) this.world.problem(`${call}() was called after onFinish()`);
    this.calls.push(call);
  }

  override prepare(): unknown {
    this.#note("prepare");
    return this.world.random.chance(0.3) ? this.#run("prepare") : undefined;
  }

  override get(): HandlerResult {
    return this.#verb();
  }

  override post(): HandlerResult {
    return this.#verb();
  }

  override head(): HandlerResult {
    return this.#verb();
  }

  override options(): HandlerResult {
    return this.#verb();
  }

  #verb(): HandlerResult {
    this.#note("verb");
    return this.#run("verb") as HandlerResult;
  }

  override onFinish(): unknown {
    this.#note("onFinish");
    if (this.failsAtEnd) throw new HandlerFault("in onFinish");
    return undefined;
  }

  override onConnectionClose(): unknown {
    this.#note("onConnectionClose");
    return undefined;
  }

  /** Streamed bodies: what a handler does with pieces. */
  protected dataStep(): unknown {
    this.#note("dataReceived");
    return this.world.random.chance(0.2) ? this.#run("dataReceived") : undefined;
  }

  #run(step: string): unknown {
    const { random } = this.world;
    const deeds = makeDeeds(random);
    const kind = random.weighted({ sync: 3, async: 3, generator: 1 });
    if (step === "verb" && kind === "sync" && random.chance(0.7)) this.write(`${this.request.uri} `);
    if (kind === "sync") {
      for (const deed of deeds) this.#do(deed);
      return undefined;
    }
    return kind === "async" ? this.#later(deeds) : this.#yielding(deeds);
  }

  async #later(deeds: readonly Deed[]): Promise<void> {
    for (const deed of deeds) await this.#do(deed);
  }

  *#yielding(deeds: readonly Deed[]): Generator<unknown, void, unknown> {
    for (const deed of deeds) {
      const result = this.#do(deed);
      if (result !== undefined) yield result;
    }
  }

  /** A sync handler does not wait for what it begins; the promise must not become an unhandled rejection all the same. */
  #do(deed: Deed): Promise<unknown> | undefined {
    // What is over is over: the calls below say so by throwing, which is no fault of anybody.
    if (this.calls.includes("onFinish")) return undefined;
    const { random, loop, holds } = this.world;
    switch (deed) {
      case "write":
        this.write("x".repeat(random.below(30)));
        return undefined;
      case "big write":
        this.write("y".repeat(random.pick([3000, 70_000])));
        return undefined;
      case "flush":
        return this.flush();
      case "wait":
        return holds.hold(random.pick([0, 10, 700, 3000]));
      case "finish":
        return this.finish(random.chance(0.5) ? "end" : undefined);
      case "throw":
        throw new HandlerFault("thrown");
      case "http error":
        throw new HTTPError(random.pick([400, 404, 503]));
      case "stop":
        throw new Finish();
      case "raise in onFinish":
        this.failsAtEnd = true;
        return undefined;
      case "wait for signal":
        return new Promise<void>((resolve) => {
          if (this.signal.aborted) resolve();
          else this.signal.addEventListener("abort", () => resolve());
          loop.callLater(5000, resolve);
        });
      case "send error":
        this.sendError(500);
        return undefined;
      case "status 304":
        this.setStatus(304);
        return undefined;
      case "status 204":
        this.setStatus(204);
        return undefined;
      case "deadline":
        this.setDeadline(random.pick([5, 1000, Number.POSITIVE_INFINITY]));
        return undefined;
      case "redirect":
        this.redirect("/elsewhere");
        return undefined;
      case "length":
        this.setHeader("Content-Length", String(random.below(40)));
        return undefined;
    }
  }
}

class WildStreaming extends Wild {
  override dataReceived(): unknown {
    return this.dataStep();
  }
}
streamRequestBody(WildStreaming);

/** What is logged when a handler's doing cannot be sent, or comes too late; anything else is ours. */
const FAIR = /^(?:HTTPOutputError|HTTP1OutputError|InvalidStateError) /;

async function runCase(random: Random, watch: Watch): Promise<void> {
  const network = makeNetwork(random);
  await VirtualLoop.run(
    async (loop) => {
      const here = new World(loop, random, watch.problems);
      world = here;
      const application = new Application(
        [
          ["/.*/1", WildStreaming],
          ["/.*", Wild],
        ],
        {
          ownSetting: random.chance(0.3),
        },
      );
      const server = new HTTPServer(application, serverOptions(random));
      await server.listen(0, "127.0.0.1");
      const clients = random.list(random.between(1, 3), (i) => runClient(here, server.port!, `${i}`));
      if (random.chance(0.2)) {
        await Promise.race([Promise.all(clients), pass(loop, random.below(2000))]);
        await server.stop();
        if (random.chance(0.5)) void server.closeAllConnections({ timeout: random.below(500) });
      }
      await Promise.all(clients);
      await checkNothingIsLeft(server, network, loop, random, here.holds, (text) => here.problem(text));
    },
    { network },
  );
}

fuzz(
  "handlers are called in order and at most once whatever they and their clients do",
  { runs: 200 },
  async (random) => {
    const watch = new Watch(({ error, format }) => {
      if (error === undefined) {
        return (
          format === "Cannot send error response after headers written" ||
          format.includes("has no effect: the head")
        );
      }
      const { name, message } = error as Error;
      return error instanceof StreamClosedError || FAIR.test(`${name} ${message}`);
    });
    watch.begin();
    try {
      await runCase(random, watch);
    } finally {
      await watch.end();
    }
    if (watch.problems.length > 0) throw new Error([...new Set(watch.problems)].join("\n"));
  },
);
