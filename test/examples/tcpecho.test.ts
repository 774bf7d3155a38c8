/** The echo server and its client, as somebody would start them. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Child } from "../support/child.js";
import { root } from "../support/root.js";

const example = `${root}build/examples/tcpecho/`;

async function startServer(context: TestContext): Promise<{ server: Child; env: { PORT: string } }> {
  const server = Child.start(context, process.execPath, [`${example}server.js`], { PORT: "0" });
  const [, port = ""] = await server.prints(/localhost:(\d+)/);
  return { server, env: { PORT: port } };
}

test("what the client sends comes back: its arguments, or its standard input", async (context) => {
  const { env, server } = await startServer(context);
  const client = Child.start(context, process.execPath, [`${example}client.js`, "hello", "ça va?"], env);
  assert.deepEqual(await client.ended, { code: 0, signal: null });
  assert.equal(client.output, "hello\nça va?\n");
  const reader = Child.start(context, process.execPath, [`${example}client.js`], env);
  reader.input("one\ntwo\n");
  assert.deepEqual(await reader.ended, { code: 0, signal: null });
  assert.equal(reader.output, "one\ntwo\n");
  assert.deepEqual(await server.kill("SIGTERM"), { code: 0, signal: null });
  const late = Child.start(context, process.execPath, [`${example}client.js`, "hello"], env);
  assert.deepEqual(await late.ended, { code: 1, signal: null });
  assert.match(late.output, /^No echo: .*ECONNREFUSED/);
});

test("a line that is too long ends its connection, and no other", async (context) => {
  const { env } = await startServer(context);
  const client = Child.start(context, process.execPath, [`${example}client.js`, "x".repeat(70_000)], env);
  assert.deepEqual(await client.ended, { code: 1, signal: null });
  assert.match(client.output, /^No echo: /);
  const next = Child.start(context, process.execPath, [`${example}client.js`, "still there?"], env);
  assert.deepEqual(await next.ended, { code: 0, signal: null });
});
