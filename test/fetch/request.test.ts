/**
 * The request of a Fetch application beside a genuine one of the same parts: whatever is asked for first, and in
 * whatever order, both answer the same.
 */
import "../support/guard.js";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fetchMethod } from "#room/http/fetch-method";
import { mayHaveBody } from "#room/interop/fetch/request";
import { requestUrl } from "#room/interop/fetch/request-url";
import { HTTPHeaders } from "#room/protocol/fields/headers";
import { bodyStream, type RequestPartsOfTest, servedRequest } from "../support/served-request.js";

const settled = async (value: unknown): Promise<unknown> => {
  try {
    return await value;
  } catch (error) {
    return `rejected with ${(error as Error).name}`;
  }
};
const outcome = (fn: () => unknown): unknown => {
  try {
    return fn();
  } catch (error) {
    return `threw ${(error as Error).name}`;
  }
};
const text = (buffer: ArrayBuffer): string => Buffer.from(buffer).toString();

/** What an application may ask a request for. Each gives something that can be compared. */
const QUESTIONS: Record<string, (request: Request) => unknown> = {
  method: (request) => request.method,
  url: (request) => request.url,
  headers: (request) => [...request.headers],
  "headers.get": (request) => request.headers.get("X-A"),
  "headers.set": (request) => request.headers.set("X-New", "1"),
  "headers.append": (request) => request.headers.append("X-A", "3"),
  "headers.delete": (request) => request.headers.delete("X-B"),
  body: (request) => request.body instanceof ReadableStream,
  bodyUsed: (request) => request.bodyUsed,
  "body.locked": (request) => request.body?.locked,
  signal: (request) => request.signal.aborted,
  cache: (request) => request.cache,
  credentials: (request) => request.credentials,
  destination: (request) => request.destination,
  integrity: (request) => request.integrity,
  keepalive: (request) => request.keepalive,
  mode: (request) => request.mode,
  redirect: (request) => request.redirect,
  referrer: (request) => request.referrer,
  referrerPolicy: (request) => request.referrerPolicy,
  text: (request) => request.text(),
  arrayBuffer: (request) => request.arrayBuffer().then(text),
  blob: async (request) => {
    const blob = await request.blob();
    return [blob.type, await blob.text()];
  },
  json: (request) => request.json(),
  formData: async (request) => [...(await request.formData())],
  clone: async (request) => {
    const clone = request.clone();
    return [clone.method, clone.url, [...clone.headers], clone.signal.aborted, await clone.text()];
  },
  "new Request": async (request) => {
    const copy = new Request(request);
    return [copy.method, copy.url, [...copy.headers], await copy.text(), request.bodyUsed];
  },
  "new Request elsewhere": (request) => {
    const copy = new Request("http://elsewhere/", { method: request.method, headers: request.headers });
    return [copy.method, copy.url, [...copy.headers]];
  },
  "new Request without body": (request) => {
    const copy = new Request(request, { method: "GET", body: null });
    return [copy.method, copy.body];
  },
  instanceof: (request) => request instanceof Request,
  "headers instanceof": (request) => [
    request.headers instanceof Headers,
    request.headers.constructor === Headers,
  ],
  tag: (request) => Object.prototype.toString.call(request),
  "a reader": async (request) => {
    const reader = request.body?.getReader();
    const read = await reader?.read();
    return [read?.done, request.bodyUsed, request.body?.locked];
  },
};
/**
 * Whether `new Request(request)` uses up the body of the request that it copies, as Fetch §5.4 says. In Bun 1.4 it does so only if
 * that has a property of its own, as our requests have, so that ours and a genuine one cannot be compared in it.
 */
function copyUsesUpBody(): boolean {
  const request = genuine({ method: "POST", url: "http://a.example/", fields: [], body: "x" });
  void new Request(request);
  return request.bodyUsed;
}
const NAMES = Object.keys(QUESTIONS).filter(
  (name) => !name.startsWith("new Request") || name.endsWith("elsewhere") || copyUsesUpBody(),
);

const PARTS: Record<string, RequestPartsOfTest> = {
  "GET without fields": { method: "GET", url: "http://a.example/", fields: [] },
  "GET with fields": {
    method: "GET",
    url: "https://a.example:81/x/y?z=%20&a=b;c",
    fields: ["X-A", "1", "x-a", "2", "X-B", "é", "Cookie", "a=1", "Cookie", "b=2", "Accept", "*/*"],
  },
  "POST of JSON": {
    method: "POST",
    url: "http://a.example/json",
    fields: ["Content-Type", "application/json", "X-A", "1"],
    body: '{"a":[1,2]}',
  },
  "PUT of a form": {
    method: "PUT",
    url: "http://a.example/form",
    fields: ["Content-Type", "application/x-www-form-urlencoded", "X-B", "2"],
    body: "a=1&b=%C3%BC",
  },
  "POST of bad JSON": { method: "POST", url: "http://a.example/", fields: [], body: "{" },
  "POST without a body": { method: "POST", url: "http://a.example/", fields: ["Content-Length", "0"] },
  "DELETE in small letters": { method: "delete", url: "http://a.example/", fields: [] },
};

function genuine({ method, url, fields, body }: RequestPartsOfTest): Request {
  const headers = new Headers();
  for (let i = 0; i < fields.length; i += 2) headers.append(fields[i]!, fields[i + 1]!);
  // What a request does with its body depends on the kind of the stream on some platforms, so both have the same kind.
  const stream = body === undefined ? null : bodyStream(body);
  return new Request(url, { method, headers, body: stream, duplex: "half" } as RequestInit);
}

/** Asks both for everything in this order. */
async function compare(parts: RequestPartsOfTest, order: readonly string[], isPlain = false): Promise<void> {
  const served = servedRequest(parts, isPlain);
  const twin = genuine(parts);
  for (const name of order) {
    const ask = QUESTIONS[name]!;
    const got = await settled(outcome(() => ask(served)));
    const expected = await settled(outcome(() => ask(twin)));
    assert.deepEqual(got, expected, `${name}, in the order ${order.join()}`);
  }
}

/** Numbers that look like chance and come again (a linear congruential generator). */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("the request of an application is like a genuine one", () => {
  for (const [title, parts] of Object.entries(PARTS)) {
    test(`${title}: whatever is asked first, and whatever second`, async () => {
      for (const first of NAMES) for (const second of NAMES) await compare(parts, [first, second]);
    });

    test(`${title}: where requests cannot be lazy`, async () => {
      for (const first of NAMES) await compare(parts, [first, ...NAMES], true);
    });

    test(`${title}: everything, in 200 orders`, async () => {
      const random = chance(title.length);
      for (let round = 0; round < 200; round++) {
        const order = [...NAMES];
        for (let i = order.length - 1; i > 0; i--) {
          const j = random(i + 1);
          [order[i], order[j]] = [order[j]!, order[i]!];
        }
        await compare(parts, order);
      }
    });
  }

  test("one object of fields, signal and body, however often they are asked for", () => {
    for (const first of ["headers", "signal", "body"] as const) {
      const request = servedRequest(PARTS["POST of JSON"]!);
      const kept = request[first];
      assert.equal(request.text instanceof Function, true);
      void request.body;
      assert.equal(request[first], kept, first);
    }
  });
});

describe("methods", () => {
  test("are written as Fetch writes them, and three have no requests", () => {
    assert.deepEqual(
      ["get", "GET", "Post", "put", "DELETE", "oPTIONS", "head", "PATCH", "x-y"].map(fetchMethod),
      ["GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "x-y"],
    );
    assert.deepEqual(["CONNECT", "trace", "TRACK"].map(fetchMethod), [undefined, undefined, undefined]);
    assert.deepEqual(["GET", "HEAD", "POST"].map(mayHaveBody), [false, false, true]);
  });
});

describe("a request by a method that the platform does not know", () => {
  for (const isPlain of [false, true])
    test(`has that method, and so have its clones${isPlain ? ", where requests cannot be lazy" : ""}`, async () => {
      const genuineRequest = globalThis.Request;
      // A platform that has GET for what it does not know.
      class Forgetful extends genuineRequest {
        constructor(input: string, init: RequestInit) {
          super(input, { ...init, method: "GET", body: null });
        }
      }
      if (isPlain) globalThis.Request = Forgetful as typeof Request;
      try {
        const request = servedRequest({ method: "X-Y", url: "http://a.example/", fields: [] }, isPlain);
        assert.deepEqual([request.method, request.clone().method], ["X-Y", "X-Y"]);
      } finally {
        globalThis.Request = genuineRequest;
      }
    });
});

describe("the URL of a request", () => {
  const PIECES = [
    ...["/", "//", "/.", "/..", "/.a", "/%2e", "/%2E%2e/", "/a%2eb", "\\", "?", "#", "'", '"', "`", "^", "|"],
    ...["{", "}", "[", "]", "<", ">", "~", "!", "$&()*+,-:;=@", "%", "%zz", "é", "a", "Z", "9", "_", "?q='"],
  ];
  const HOSTS = [
    ...[
      "a.example",
      "A.Example",
      "a.example:80",
      "a.example:443",
      "a:0081",
      "1.2.3",
      "127.0.0.1:9",
      "0x7f.1",
    ],
    ...["[::1]", "[::1]:80", "xn--nxasmq6b", "a_b.c", "a..b", "1.2.3.4.5", "xn--a", "a:99999", "A%41"],
  ];

  test("is what the URL standard makes of scheme, host and target", () => {
    const random = chance(7);
    let unchanged = 0;
    for (let round = 0; round < 20_000; round++) {
      let target = random(10) === 0 ? "" : "/";
      for (let i = random(5); i > 0; i--) target += PIECES[random(PIECES.length)];
      const host = HOSTS[random(HOSTS.length)]!;
      const protocol = random(2) === 0 ? "http" : "https";
      const connection = { peer: { protocol, remoteIp: "" }, requestHead: undefined };
      const whole = `${protocol}://${host}${target.startsWith("/") ? target : `/${target}`}`;
      const got = outcome(() => requestUrl(connection as never, target, new HTTPHeaders({ Host: host })));
      assert.equal(
        got,
        outcome(() => new URL(whole).href),
        whole,
      );
      if (got === whole) unchanged++;
    }
    assert.ok(unchanged > 2000, `${unchanged} targets came out as they went in`);
  });

  test("has the origin of its own host, however many there were before", () => {
    for (let i = 0; i < 300; i++) {
      const connection = { peer: { protocol: "http", remoteIp: "" }, requestHead: undefined };
      const headers = new HTTPHeaders({ Host: `h${i % 150}.example` });
      assert.equal(requestUrl(connection as never, "/x", headers), `http://h${i % 150}.example/x`);
    }
  });
});
