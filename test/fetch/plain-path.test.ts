/**
 * FetchContainer on a platform that shows nothing of what a `Request` or a `Response` is made of, as Node 24 is: what is
 * quicker elsewhere is switched off, and everything is promised all the same.
 */
import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FetchContainer } from "squall/fetch";
import { sourceOf } from "#room/interop/fetch/response-source";
import { containerContract } from "../contract/container-contract.js";
import { CONTAINERS } from "../contract/container-kits.js";
import { withContainer } from "../support/container-server.js";
import { field } from "../support/raw-client.js";
import { servedRequest } from "../support/served-request.js";

/** Runs `probe` where objects have no symbols; what is found there holds for the process. */
function withoutSymbols<T>(probe: () => T): T {
  const { getOwnPropertySymbols } = Object;
  Object.getOwnPropertySymbols = () => [];
  try {
    return probe();
  } finally {
    Object.getOwnPropertySymbols = getOwnPropertySymbols;
  }
}

test("what objects are made of is not looked for again once it was not found", () => {
  const parts = { method: "PUT", url: "http://a.example/", fields: ["X-A", "1"] };
  withoutSymbols(() => {
    assert.equal(sourceOf(new Response("text")), undefined);
    servedRequest(parts);
  });
  assert.equal(sourceOf(new Response("text")), undefined);
  // A genuine request has what a lazy one would make when it is asked for it.
  const symbols = Object.getOwnPropertySymbols(new Request("http://a.example/"));
  assert.deepEqual(Object.getOwnPropertySymbols(servedRequest(parts)), symbols);
});

describe("the contract of containers", () => {
  containerContract(CONTAINERS.find(({ name }) => name === "FetchContainer")!);
});

describe("the response", () => {
  const octets = new TextEncoder().encode("Grüße");
  for (const [kind, body, length] of [
    ["a text", "Grüße", "7"],
    ["octets", octets, "7"],
    ["a buffer", octets.buffer, "7"],
    ["an empty text", "", "0"],
    ["nothing", null, "0"],
  ] as const) {
    test(`made of ${kind} arrives whole, with its length`, () =>
      withContainer(new FetchContainer(() => new Response(body)), async ({ ask }) => {
        const got = await ask("/");
        assert.equal(got.body.toString(), length === "0" ? "" : "Grüße");
        assert.equal(field(got, "Content-Length"), length);
        const head = await ask("/", { method: "HEAD" });
        assert.deepEqual([head.status, head.body.length], [200, 0]);
      }));
  }
});
