/**
 * The vectors of `wire-web`: raw exchanges with a larger application, on the memory network in virtual time.
 */
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { HTTPServer } from "squall/httpserver";
import { MemoryNetwork, VirtualLoop } from "squall/testing";
import { makeFiles, wireWebApplication } from "../apps/wire-web.js";
import type { Family } from "../types.js";
import {
  IGNORED,
  normaliser,
  sameAnswer,
  type VectorAnswer,
  type VectorResponse,
  type WireAnswer,
} from "../wire-compare.js";
import { converse, quietly } from "./wire.js";

/** A token that is masked anew in each response, in a form. */
const FORM_TOKEN = /value="2\|[0-9a-f]{8}\|[0-9a-f]{32}\|/g;

/** What StaticFileHandler sends beside Tornado's fields. */
const NOSNIFF = "X-Content-Type-Options";

const UNPACK: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
};

/**
 * Unpacks what is compressed, whose chunks say nothing then, and replaces what is new in each response, as
 * the vectors have it. Files carry a field for the security of browsers that Tornado's do not have: it is
 * taken off.
 */
function scrubbed(answer: WireAnswer, scrub: unknown): WireAnswer {
  const responses = answer.responses.map((response) => {
    let { body, chunks } = response;
    let headers = response.headers.filter(([name, value]) => !(name === NOSNIFF && value === "nosniff"));
    const coding = headers.find(([name]) => name === "Content-Encoding")?.[1] ?? "";
    if (Object.hasOwn(UNPACK, coding) && body.length > 0) {
      body = UNPACK[coding]!(body);
      chunks = undefined;
      headers = headers.map(([name, value]) => [name, name === "Content-Length" ? "<GZIP>" : value] as const);
    }
    if (scrub === "form") {
      body = Buffer.from(body.toString("latin1").replace(FORM_TOKEN, 'value="2|<MASK>|<MASKED>|'), "latin1");
      headers = headers.map(([name, value]) => [name, name === "Etag" ? "<ETAG>" : value] as const);
    }
    return { ...response, headers, body, chunks };
  });
  return { ...answer, responses };
}

function isJson({ headers }: Pick<VectorResponse, "headers">): boolean {
  return headers.some(([name, value]) => name === "Content-Type" && value.includes("json"));
}

/** A response whose JSON is written anew without spaces, and without what depends on them. */
function withoutSpacing<T extends Pick<VectorResponse, "headers" | "body">>(response: T): T {
  if (!isJson(response)) return response;
  const headers = response.headers.filter(([name]) => name !== "Content-Length" && name !== "Etag");
  return { ...response, headers, body: Buffer.from(JSON.stringify(JSON.parse(response.body.toString()))) };
}

/** Compares answers that hold JSON: parsed, and `</` must not occur in ours. */
function sameJson(actual: WireAnswer, expected: VectorAnswer): boolean {
  if (actual.responses.some((response) => response.body.includes("</") && isJson(response))) return false;
  return sameAnswer(
    { ...actual, responses: actual.responses.map(withoutSpacing) },
    { ...expected, responses: expected.responses?.map(withoutSpacing) ?? null },
  );
}

export const family: Family = {
  ignores: `${IGNORED}; X-Content-Type-Options: nosniff of files`,
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
  same: (actual, vector) =>
    (vector.json === true ? sameJson : sameAnswer)(actual as WireAnswer, vector.result as VectorAnswer),
};
