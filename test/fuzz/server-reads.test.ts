/**
 * Damaged requests to a whole server: its application must get exactly the requests that the receiver alone reads from
 * the same octets, with the same bodies, and the client an answer to each, and the right refusal behind them.
 */
import assert from "node:assert/strict";
import { HTTPServer } from "squall/httpserver";
import type { HTTPServerRequest } from "squall/httputil";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { HTTP1_ERROR_STATUS, type HTTP1ErrorCode } from "#room/protocol/http1/errors";
import { RawClient } from "../support/raw-client.js";
import { answer, pass } from "../support/virtual-server.js";
import { fuzz } from "./support/fuzz.js";
import { requestText } from "./support/grammar.js";
import { mutated } from "./support/mutate.js";
import { readRequests } from "./support/ours.js";
import type { Random } from "./support/random.js";
import { Watch } from "./support/watch.js";

async function runCase(random: Random): Promise<void> {
  const whole = random.list(random.between(1, 4), () => requestText(random)).join("");
  const text = mutated(random, whole, random.between(0, 2));
  const bytes = Buffer.from(text, "latin1");
  const expected = readRequests([bytes]);
  const network = new MemoryNetwork({
    chunkSize: random.pick([Number.POSITIVE_INFINITY, 100, 1]),
    latency: random.pick([0, 2]),
  });
  const received: { readonly start: string[]; readonly body: string }[] = [];
  const delay = random.pick([0, 0, 5]);
  await VirtualLoop.run(
    async (loop) => {
      const respond = (request: HTTPServerRequest): void => answer(request, `${received.length}`);
      const server = new HTTPServer(
        (request) => {
          received.push({ start: [request.method, request.uri], body: request.body.toString("latin1") });
          if (delay === 0) respond(request);
          else loop.callLater(delay, () => respond(request));
        },
        { maxPipelinedSize: random.pick([0, 65_536]), chunkSize: random.pick([1, 7, 65_536]) },
      );
      await server.listen(0, "127.0.0.1");
      const client = await RawClient.connect(loop, server.port!);
      for (const piece of random.cut(bytes)) {
        if (!client.socket.writable) break;
        client.socket.write(piece);
        if (random.chance(0.05)) await pass(loop, 3);
      }
      client.end();
      await client.whenEnded();
      await checkAnswers(
        client,
        expected.messages.filter((message) => message.complete).map(({ start }) => start[0]),
        expected.refusal ?? expected.broken,
      );
      client.close();
      await server.stop();
      await server.closeAllConnections({ timeout: 0 });
    },
    { network },
  );
  const wanted = expected.messages
    .filter((message) => message.complete)
    .map(({ start, body }) => ({ start: [...start], body }));
  assert.deepEqual(received, wanted);
}

/** One answer for each request, and the refusal, if one is due. */
async function checkAnswers(
  client: RawClient,
  methods: readonly string[],
  refusal: string | undefined,
): Promise<void> {
  const next = async (method: string): Promise<number> => {
    for (;;) {
      const { status } = await client.response(method);
      if (status >= 200) return status;
    }
  };
  for (const method of methods) assert.equal(await next(method), 200);
  if (refusal !== undefined) assert.equal(await next("GET"), HTTP1_ERROR_STATUS[refusal as HTTP1ErrorCode]);
  assert.equal(client.received.toString("latin1"), "");
}

fuzz(
  "a server's application gets the requests that the receiver reads, and the client their answers",
  { runs: 400 },
  async (random) => {
    const watch = new Watch();
    watch.begin();
    try {
      await runCase(random);
    } finally {
      await watch.end();
    }
    if (watch.problems.length > 0) throw new Error([...new Set(watch.problems)].join("\n"));
  },
);
