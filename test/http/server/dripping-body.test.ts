/** A body that comes in single bytes costs about what it holds, not an object for each byte. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HTTPConnection } from "#room/http/delegates";
import { CallableDelegate } from "#room/http/delegates/callable";
import type { HTTPServerRequest } from "#room/http/request";
import { HTTPHeaders } from "#room/protocol/fields/headers";

const COUNT = 200_000;

test("case 40, case 104: a body of single bytes is gathered as it comes", (context) => {
  const collect = globalThis.gc;
  if (collect === undefined) return context.skip("needs node --expose-gc");
  let body: Buffer | undefined;
  const answer = (request: HTTPServerRequest) => {
    body = request.body;
  };
  const delegate = new CallableDelegate(answer, undefined, {} as HTTPConnection);
  delegate.headersReceived(
    { method: "POST", path: "/", version: "HTTP/1.1" },
    new HTTPHeaders({ Host: "a" }),
  );
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < COUNT; i++) delegate.dataReceived(Buffer.alloc(1, 0x61));
  collect();
  const grown = process.memoryUsage().heapUsed - before;
  // 200,000 Buffer objects are some 20 MB.
  assert.ok(grown < 5_000_000, `${grown} bytes of heap for ${COUNT} of body`);
  delegate.finish();
  assert.equal(body?.toString("latin1"), "a".repeat(COUNT));
  return undefined;
});
