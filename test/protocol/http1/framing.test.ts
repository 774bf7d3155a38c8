/** The helper for those who have fields instead of bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { HTTPInputError } from "#room/protocol/fields/errors";
import { HTTPHeaders } from "#room/protocol/fields/headers";
import { isTransferEncodingChunked } from "#room/protocol/http1/framing";

test("isTransferEncodingChunked() is true for exactly chunked, in any case, and false without the field", () => {
  assert.equal(isTransferEncodingChunked(new HTTPHeaders({ "Transfer-Encoding": "chunked" })), true);
  assert.equal(isTransferEncodingChunked(new HTTPHeaders({ "transfer-encoding": "Chunked" })), true);
  assert.equal(isTransferEncodingChunked(new HTTPHeaders({ "Content-Length": "5" })), false);
  assert.equal(isTransferEncodingChunked(new HTTPHeaders()), false);
});

test("isTransferEncodingChunked() refuses other codings, lists, repeats, and a length beside", () => {
  for (const coding of [
    "identity",
    "gzip, chunked",
    ",chunked",
    "chunked,",
    "xchunked",
    "deflate",
    "",
    "chunked;q=1",
  ]) {
    assert.throws(
      () => isTransferEncodingChunked(new HTTPHeaders({ "Transfer-Encoding": coding })),
      HTTPInputError,
    );
  }
  const doubled = new HTTPHeaders();
  doubled.add("Transfer-Encoding", "chunked");
  doubled.add("Transfer-Encoding", "chunked");
  assert.throws(() => isTransferEncodingChunked(doubled), HTTPInputError);
  const both = new HTTPHeaders({ "Transfer-Encoding": "chunked", "Content-Length": "5" });
  assert.throws(() => isTransferEncodingChunked(both), HTTPInputError);
});
