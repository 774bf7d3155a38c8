/** fetch() in the platform's shape: asked the same questions as Node's own where that can be compared. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTCPServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { AsyncHTTPClient, createFetch, type FetchFunction } from "squall/httpclient";
import "../../support/guard.js";

describe("a function like fetch", () => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const url = request.url ?? "";
      if (url.startsWith("/status/")) {
        response.writeHead(Number(url.slice(8)), { "X-A": "1" });
        response.end();
      } else if (url === "/redirect") {
        response.writeHead(302, { Location: "/echo" });
        response.end("moved");
      } else if (url === "/loop") {
        response.writeHead(302, { Location: "/loop" });
        response.end();
      } else if (url === "/gzip") {
        response.writeHead(200, { "Content-Encoding": "gzip" });
        response.end(gzipSync("packed"));
      } else if (url === "/cookies") {
        response.writeHead(200, { "Set-Cookie": ["a=1", "b=2"] });
        response.end();
      } else if (url === "/hang") {
        response.write("part");
      } else {
        response.writeHead(200, { "Content-Type": "application/json" });
        const type = (request.headers["content-type"] ?? "").replace(/boundary=.*/, "boundary");
        const body = Buffer.concat(chunks)
          .toString()
          .replace(/-{4,}[\w-]+/g, "boundary");
        response.end(JSON.stringify({ method: request.method, url, type, x: request.headers["x-a"], body }));
      }
    });
  });
  let base = "";
  let client: AsyncHTTPClient;
  let ours: FetchFunction;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    client = new AsyncHTTPClient({ forceInstance: true });
    ours = createFetch(client);
  });
  after(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });

  const form = (): FormData => {
    const data = new FormData();
    data.set("a", "b");
    return data;
  };
  const questions: Readonly<Record<string, (base: string) => Parameters<FetchFunction>>> = {
    "a URL": (url) => [`${url}/echo?a=b#c`],
    "a URL object": (url) => [new URL(`${url}/echo`)],
    "a Request with a body": (url) => [
      new Request(`${url}/echo`, { method: "POST", body: "text", headers: { "X-A": "1" } }),
    ],
    "an init that changes a Request": (url) => [new Request(`${url}/echo`), { headers: { "X-A": "2" } }],
    "text as a body": (url) => [`${url}/echo`, { method: "PUT", body: "téxt" }],
    "octets as a body": (url) => [`${url}/echo`, { method: "POST", body: new Uint8Array([65]) }],
    "URLSearchParams as a body": (url) => [
      `${url}/echo`,
      { method: "post", body: new URLSearchParams({ a: "b c" }) },
    ],
    "a form as a body": (url) => [`${url}/echo`, { method: "POST", body: form() }],
    "a Blob as a body": (url) => [
      `${url}/echo`,
      { method: "POST", body: new Blob(["x"], { type: "text/y" }) },
    ],
    "a Post, spelt so": (url) => [`${url}/echo`, { method: "Post", body: new Uint8Array([65]) }],
    "a DELETE": (url) => [`${url}/echo`, { method: "delete" }],
    "a status without body": (url) => [`${url}/status/204`],
    "an error status": (url) => [`${url}/status/500`],
    "a redirect": (url) => [`${url}/redirect`],
    "a redirect that is not followed": (url) => [`${url}/redirect`, { redirect: "manual" }],
    "a body in gzip": (url) => [`${url}/gzip`],
    "several cookies": (url) => [`${url}/cookies`],
  };
  /** Other runtimes have a `fetch()` with differences of its own. */
  const isNodes = !("Bun" in globalThis) && !("Deno" in globalThis);
  const echoed = (method: string, type: string, body: string, path = "/echo", x?: string) => ({
    url: path,
    type: "application/json",
    body: JSON.stringify({ method, url: path, type, x, body }),
  });
  /** Bun's requests have no type for a text. */
  const typeOfText = new Request("http://a/", { method: "POST", body: "" }).headers.get("Content-Type") ?? "";
  /** What Node 20 answers: the facts that are not those of an empty 200. */
  const answers: Readonly<Record<string, object>> = {
    "a URL": echoed("GET", "", "", "/echo?a=b"),
    "a URL object": echoed("GET", "", ""),
    "a Request with a body": echoed("POST", typeOfText, "text", "/echo", "1"),
    "an init that changes a Request": echoed("GET", "", "", "/echo", "2"),
    "text as a body": echoed("PUT", "text/plain;charset=UTF-8", "téxt"),
    "octets as a body": echoed("POST", "", "A"),
    "URLSearchParams as a body": echoed("POST", "application/x-www-form-urlencoded;charset=UTF-8", "a=b+c"),
    "a form as a body": echoed(
      "POST",
      "multipart/form-data; boundary",
      'boundary\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\nboundary\r\n',
    ),
    "a Blob as a body": echoed("POST", "text/y", "x"),
    "a Post, spelt so": echoed("POST", "", "A"),
    "a DELETE": echoed("DELETE", "", ""),
    "a status without body": { url: "/status/204", status: 204, statusText: "No Content" },
    "an error status": { url: "/status/500", status: 500, statusText: "Internal Server Error", ok: false },
    "a redirect": { ...echoed("GET", "", ""), redirected: true },
    "a redirect that is not followed": {
      ...{ url: "/redirect", status: 302, statusText: "Found", ok: false, body: "moved" },
    },
    "a body in gzip": { url: "/gzip", coding: "gzip", body: "packed" },
    "several cookies": { url: "/cookies", cookies: ["a=1", "b=2"] },
  };
  const plainFacts = {
    ...{ status: 200, statusText: "OK", ok: true, redirected: false },
    ...{ type: null, cookies: [], coding: null, body: "" },
  };
  for (const [what, question] of Object.entries(questions)) {
    test(`answers ${what} as Node's does`, async () => {
      const facts = async (fn: FetchFunction) => {
        const response = await fn(...question(base));
        const { status, statusText, ok, url, redirected } = response;
        const type = response.headers.get("Content-Type");
        const cookies = response.headers.getSetCookie();
        const coding = response.headers.get("Content-Encoding");
        return {
          status,
          statusText,
          ok,
          url: url.replace(base, ""),
          redirected,
          type,
          cookies,
          coding,
          body: await response.text(),
        };
      };
      assert.deepEqual(await facts(ours), { ...plainFacts, ...answers[what] });
      if (isNodes) assert.deepEqual(await facts(globalThis.fetch), await facts(ours));
    });
  }

  test("rejects with a TypeError and the cause where Node's does", async () => {
    for (const [url, init] of [
      ["http://127.0.0.1:1/", {}],
      [`${base}/loop`, {}],
      [`${base}/redirect`, { redirect: "error" }],
      [`${base}/echo`, { body: "x" }],
      ["not a url", {}],
      ["not a url", undefined],
      ["/echo", undefined],
      [base.replace("//", "//me:secret@"), undefined],
      [base.replace("//", "//me:secret@"), {}],
    ] as const) {
      await assert.rejects(ours(url, init), TypeError);
      if (isNodes) await assert.rejects(globalThis.fetch(url, init), TypeError);
    }
  });

  test("sends a method that the platform does not know as it is, and never CONNECT, TRACE or TRACK", async () => {
    const lines: string[] = [];
    const server = createTCPServer((socket) => {
      socket.once("data", (head) => {
        lines.push(head.toString("latin1").split("\r\n")[0]!);
        socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    for (const method of ["X-Y", "PROPFIND", "patch"]) await ours(url, { method });
    for (const method of ["CONNECT", "trace", "TRACK"])
      await assert.rejects(ours(url, { method }), TypeError);
    server.close();
    assert.deepEqual(lines, ["X-Y / HTTP/1.1", "PROPFIND / HTTP/1.1", "patch / HTTP/1.1"]);
  });

  test("rejects with the signal's reason, before and inside the body", async () => {
    await assert.rejects(ours(`${base}/echo`, { signal: AbortSignal.abort(new RangeError("no")) }), {
      message: "no",
    });
    const controller = new AbortController();
    const response = await ours(`${base}/hang`, { signal: controller.signal });
    const text = response.text();
    controller.abort(new RangeError("enough"));
    await assert.rejects(text, { message: "enough" });
  });

  test("a body that is cancelled closes its connection", async () => {
    const response = await ours(`${base}/hang`);
    await response.body?.cancel();
    assert.equal((await ours(`${base}/echo`)).status, 200);
  });
});
