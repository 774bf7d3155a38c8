/**
 * Clients that do whatever comes to their mind: pipeline, send in drops, damage what they send, stop reading, end, reset.
 * Whatever they do, what they get must be answers in the order of the requests, each whole but for the last.
 */
import type { VirtualLoop } from "squall/testing";
import { RawClient } from "../../support/raw-client.js";
import { pass } from "../../support/virtual-server.js";
import { mutated } from "./mutate.js";
import type { Random } from "./random.js";

/** Where a client lives. The server names the target of the request in a field `X-Target` of each answer of its own. */
export interface ClientWorld {
  readonly random: Random;
  readonly loop: VirtualLoop;
  /** Something happened that must not. */
  problem(text: string): void;
  /**
   * A client that kept reading to the end of its connection, which it had made from `port`, and sent nothing wrong,
   * has whole answers for these targets.
   */
  arrived(port: number, targets: ReadonlySet<string>): void;
  /** A whole answer has this body. */
  hasBody?(target: string, body: string): void;
}

/** A request and what its answer will name. */
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
export async function runClient(world: ClientWorld, port: number, name: string): Promise<void> {
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
  const ownPort = client.socket.localPort!;
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
  const isReading = !client.socket.isPaused();
  await Promise.race([client.whenEnded(), pass(loop, 20_000)]);
  // A slow network may have more to say.
  const hasEnded = client.ended;
  if (!isMutated) {
    const received = await checkAnswers(world, client, requests);
    if (isReading && hasEnded) world.arrived(ownPort, received);
  }
  client.close();
}

/**
 * The answers are whole, in order, each to its request, but for the last one that was cut off. Returns the targets of
 * those that are whole.
 */
async function checkAnswers(
  world: ClientWorld,
  client: RawClient,
  requests: readonly Sent[],
): Promise<Set<string>> {
  const whole = new Set<string>();
  client.ended = true;
  for (const { method, target } of requests) {
    if (client.received.length === 0) return whole;
    if (client.received.subarray(0, 5).toString() === "guest") return whole;
    let response = await client.response(method).catch(() => undefined);
    while (response?.status === 100) response = await client.response(method).catch(() => undefined);
    if (response === undefined) return whole;
    const named = response.headers.find(([field]) => field === "X-Target")?.[1];
    if (named === undefined) {
      // A bare answer to a request that could not be answered otherwise; the connection may go on.
      if (!response.headers.some(([field, value]) => field === "Connection" && value === "close")) continue;
      // A refusal is the last word.
      if (client.received.length > 0) world.problem(`bytes behind the ${response.status} to ${target}`);
      return whole;
    }
    if (named !== target) world.problem(`${target} was answered with the response to ${named}`);
    if (response.truncated) return whole;
    whole.add(target);
    if (method !== "HEAD") world.hasBody?.(target, response.body.toString());
  }
  if (client.received.length > 0) {
    const rest = client.received.toString("latin1", 0, 60);
    if (!rest.startsWith("guest")) world.problem(`bytes behind the last answer: ${JSON.stringify(rest)}`);
  }
  return whole;
}
