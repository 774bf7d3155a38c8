/** Tornado's own client against a squall server. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { run } from "../support/child.js";
import { needs, pathOf } from "../support/programs.js";
import { startWireServer } from "../support/wire-app.js";

/** Runs the body of an async Python function that has `fetch` and `base`; answers what it printed. */
async function python(context: TestContext, base: string, body: string): Promise<string> {
  const script = [
    "import asyncio, hashlib, json, sys",
    "from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest",
    "AsyncHTTPClient.configure('tornado.simple_httpclient.SimpleAsyncHTTPClient')",
    "async def main():",
    `    base, client = ${JSON.stringify(base)}, AsyncHTTPClient()`,
    "    async def fetch(path, **options):",
    "        return await client.fetch(base + path, raise_error=False, **options)",
    ...body.split("\n").map((line) => `    ${line}`),
    "asyncio.run(main())",
  ].join("\n");
  const { code, output } = await run(context, pathOf("python3-tornado"), ["-c", script]);
  assert.equal(code, 0, output);
  return output;
}

describe("Tornado's client", needs("python3-tornado"), () => {
  test("gets, posts and reads errors", async (context) => {
    const { base } = await startWireServer(context);
    const output = await python(
      context,
      base,
      `r = await fetch("/hello")
print(r.code, r.reason, r.body.decode())
r = await fetch("/echo", method="POST", body="name=Ada")
print(json.loads(r.body)["arguments"])
for path in ("/none", "/status/418", "/status/204"):
    r = await fetch(path)
    print(r.code, r.reason)
r = await fetch("/hello", method="HEAD")
print(r.code, r.headers["Content-Length"], len(r.body))`,
    );
    assert.deepEqual(output.trim().split("\n"), [
      "200 OK Hello, world",
      "{'name': ['Ada']}",
      "404 Not Found",
      "418 I'm a Teapot",
      "204 No Content",
      "200 12 0",
    ]);
  });

  test("uploads with a producer, chunked, and waits for 100-continue", async (context) => {
    const { base } = await startWireServer(context);
    const output = await python(
      context,
      base,
      `async def produce(write):
    for i in range(100):
        await write(b"x" * 10000)
r = await fetch("/echo", method="PUT", body_producer=produce)
print(json.loads(r.body)["length"])
body = b"y" * 500000
r = await fetch("/echo", method="POST", body=body, expect_100_continue=True)
print(json.loads(r.body)["sha1"] == hashlib.sha1(body).hexdigest())
r = await fetch("/echo", method="POST", body=b"z" * 5000000, expect_100_continue=True)
print(r.code)`,
    );
    assert.deepEqual(output.trim().split("\n"), ["1000000", "True", "413"]);
  });

  test("gets a body in pieces, follows redirects and knows what has not changed", async (context) => {
    const { base } = await startWireServer(context);
    const output = await python(
      context,
      base,
      `pieces = []
r = await fetch("/pieces", streaming_callback=pieces.append)
print(r.code, b"".join(pieces))
r = await fetch("/away")
print(r.code, r.effective_url == base + "/hello")
r = await fetch("/hello", headers={"If-None-Match": r.headers["Etag"]})
print(r.code)
r = await fetch("/large?size=3000000")
print(len(r.body))`,
    );
    assert.deepEqual(output.trim().split("\n"), [
      "200 b'one\\ntwo\\nthree\\n'",
      "200 True",
      "304",
      "3000000",
    ]);
  });
});
