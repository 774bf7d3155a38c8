/** The blocking client, against a server in a thread of its own. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import {
  HTTPClient,
  HTTPClientError,
  HTTPConnectError,
  HTTPRequest,
  HTTPTimeoutError,
} from "squall/httpclient";
import { VirtualLoop } from "squall/testing";
import "../../support/guard.js";

const SERVER = `
const { createServer } = require("node:http");
const { parentPort } = require("node:worker_threads");
const server = createServer((request, response) => {
  if (request.url === "/hang") return;
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    response.writeHead(request.url === "/404" ? 404 : 200, { "X-Got": request.headers["x-a"] ?? "" });
    response.end(request.method + " " + Buffer.concat(chunks));
  });
});
server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
`;

describe("HTTPClient", () => {
  let base = "";
  let worker: Worker;
  let client: HTTPClient;
  before(async () => {
    worker = new Worker(SERVER, { eval: true });
    const port = await new Promise((resolve) => worker.once("message", resolve));
    base = `http://127.0.0.1:${port}/`;
    client = new HTTPClient({ defaults: { userAgent: "script" } });
  });
  after(async () => {
    client.close();
    client.close();
    await worker.terminate();
  });

  test("fetch() returns the response", () => {
    const response = client.fetch(base, { headers: { "X-A": "1" } });
    assert.equal(response.code, 200);
    assert.equal(response.headers.get("X-Got"), "1");
    assert.equal(response.text(), "GET ");
    assert.equal(client.fetch(new HTTPRequest(base, { method: "POST", body: "data" })).text(), "POST data");
  });

  test("throws what the asynchronous client rejects with", () => {
    assert.throws(
      () => client.fetch(`${base}404`),
      (error) =>
        error instanceof HTTPClientError && error.status === 404 && error.response?.text() === "GET ",
    );
    assert.equal(client.fetch(`${base}404`, { raiseError: false }).code, 404);
    assert.throws(
      () => client.fetch("http://127.0.0.1:1/"),
      (error) =>
        error instanceof HTTPConnectError &&
        error.phase === "connect" &&
        (error.cause as { code?: string }).code === "ECONNREFUSED",
    );
    assert.throws(
      () => client.fetch(`${base}hang`, { requestTimeout: 1000 }),
      (error) => error instanceof HTTPTimeoutError && error.phase === "headers",
    );
    assert.throws(() => client.fetch("ftp://h/"), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
  });

  test("refuses what cannot cross into its thread", () => {
    assert.throws(() => client.fetch(base, { headerCallback: () => {} }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
    assert.throws(() => new HTTPClient({ defaults: { redirectPolicy: () => {} } }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
  });

  test("refuses to block a loop that is running, and to work after close()", () =>
    VirtualLoop.run(() => {
      assert.throws(() => client.fetch(base), { code: "ERR_SQUALL_INVALID_STATE" });
      const closed = new HTTPClient();
      closed.close();
      assert.throws(() => closed.fetch(base), { code: "ERR_SQUALL_INVALID_STATE" });
    }));
});
