/** The vectors of `wire-web`: raw exchanges with a larger application, on the memory network in virtual time. */
import { gunzipSync } from "node:zlib";
import { HTTPServer } from "squall/httpserver";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { makeFiles, wireWebApplication } from "../apps/wire-web.js";
import type { Family } from "../types.js";
import { IGNORED, normaliser, sameAnswer, type VectorAnswer, type WireAnswer } from "../wire-compare.js";
import { converse, quietly } from "./wire.js";

/** A token that is masked anew in each response, in a form. */
const FORM_TOKEN = /value="2\|[0-9a-f]{8}\|[0-9a-f]{32}\|/g;

/** Unpacks what is compressed, and replaces what is new in each response, as the vectors have it. */
function scrubbed(answer: WireAnswer, scrub: unknown): WireAnswer {
  const responses = answer.responses.map((response) => {
    let { headers, body } = response;
    if (headers.some(([name, value]) => name === "Content-Encoding" && value === "gzip") && body.length > 0) {
      body = gunzipSync(body);
      headers = headers.map(([name, value]) => [name, name === "Content-Length" ? "<GZIP>" : value] as const);
    }
    if (scrub === "form") {
      body = Buffer.from(body.toString("latin1").replace(FORM_TOKEN, 'value="2|<MASK>|<MASKED>|'), "latin1");
      headers = headers.map(([name, value]) => [name, name === "Etag" ? "<ETAG>" : value] as const);
    }
    return { ...response, headers, body } as typeof response;
  });
  return { ...answer, responses };
}

export const family: Family = {
  ignores: IGNORED,
  functions: {
    async "wire-web.exchange"([segments]: readonly Buffer[][], { settings, heads }, { file, vector }) {
      const files = makeFiles();
      try {
        const answer = await quietly(() =>
          VirtualLoop.run(
            async (loop) => {
              const application = wireWebApplication(files.root, (settings ?? {}) as Record<string, unknown>);
              const server = new HTTPServer(application);
              await server.listen(0, "127.0.0.1");
              const said = await converse(
                loop,
                server.port!,
                segments!,
                (heads ?? []) as readonly number[],
                normaliser(file.more.normalise),
              );
              await server.stop();
              await server.closeAllConnections({ timeout: 0 });
              return said;
            },
            { network: new MemoryNetwork() },
          ),
        );
        return scrubbed(answer, vector.more.scrub);
      } finally {
        files.remove();
      }
    },
  },
  same: (actual, vector) => sameAnswer(actual as WireAnswer, vector.result as VectorAnswer),
};
