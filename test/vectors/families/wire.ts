/** The vectors of `wire`: raw exchanges with a server, on the memory network in virtual time. */
import { HTTPServer, type HTTPServerOptions } from "squall/httpserver";
import { getLogger } from "squall/log";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { cutAll, RawClient } from "../../support/raw-client.js";
import { pass } from "../../support/virtual-server.js";
import { wireApplication } from "../apps/wire.js";
import type { Family } from "../types.js";
import { IGNORED, normaliser, sameAnswer, type VectorAnswer, type WireAnswer } from "../wire-compare.js";

type ServerOptions = Readonly<Record<string, unknown>>;

/** Tornado's options in ours: names in camelCase, seconds in milliseconds. */
export function serverOptions(given: ServerOptions): HTTPServerOptions {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    const ours = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    options[ours] = /[Tt]imeout$/.test(ours) ? Number(value) * 1000 : value;
    // Tornado's idle timeout also bounds the head.
    if (ours === "idleConnectionTimeout") options.headerTimeout = options[ours];
  }
  return options as HTTPServerOptions;
}

/** How long a silence says that nothing more comes; our deadlines may be 500 ms late. */
const SILENCE = 1000;

/** Sends the segments 20 ms apart and reads until the connection ends or is silent. */
export async function converse(
  loop: VirtualLoop,
  port: number,
  segments: readonly Uint8Array[],
  heads: readonly number[],
  normalise: (text: string) => string,
): Promise<WireAnswer> {
  const client = await RawClient.connect(loop, port);
  for (const segment of segments) {
    client.send(segment);
    await pass(loop, 20);
  }
  for (let seen = -1; !client.ended && seen !== client.received.length; ) {
    seen = client.received.length;
    await pass(loop, SILENCE);
  }
  const open = !client.ended;
  const raw = normalise(textOf(client));
  client.close();
  return { open, raw, responses: cutAll(Buffer.from(raw, "latin1"), heads, !open) };
}

/** What a client has received, with Tornado's name in the Server field. */
export function textOf(client: RawClient): string {
  return client.received.toString("latin1").replace(/^(Server: )squall\//gm, "$1TornadoServer/");
}

/** Refusals and errors are what many cases are about: they need not be logged. */
export async function quietly<T>(run: () => Promise<T>): Promise<T> {
  const swallow = { filter: () => false };
  const loggers = ["squall.general", "squall.application", "squall.access"].map((name) => getLogger(name));
  for (const logger of loggers) logger.addFilter(swallow);
  try {
    return await run();
  } finally {
    for (const logger of loggers) logger.removeFilter(swallow);
  }
}

/** One exchange on the memory network, in virtual time. */
export function exchangeInMemory(
  segments: readonly Uint8Array[],
  server: ServerOptions,
  heads: readonly number[],
  normalise: (text: string) => string,
): Promise<WireAnswer> {
  return quietly(() =>
    VirtualLoop.run(
      async (loop) => {
        const http = new HTTPServer(wireApplication(), serverOptions(server));
        await http.listen(0, "127.0.0.1");
        const answer = await converse(loop, http.port!, segments, heads, normalise);
        await http.stop();
        await http.closeAllConnections({ timeout: 0 });
        return answer;
      },
      { network: new MemoryNetwork() },
    ),
  );
}

export const family: Family = {
  ignores: IGNORED,
  functions: {
    "wire.exchange"([segments]: readonly Buffer[][], { server, heads }, { file }) {
      return exchangeInMemory(
        segments!,
        server as ServerOptions,
        (heads ?? []) as readonly number[],
        normaliser(file.more.normalise),
      );
    },
  },
  same: (actual, vector) => sameAnswer(actual as WireAnswer, vector.result as VectorAnswer),
};
