/** What a fetch sends, and what comes back. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import {
  AsyncHTTPClient,
  HTTPClientError,
  HTTPRequest,
  HTTPStreamClosedError,
  SimpleAsyncHTTPClient,
} from "squall/httpclient";
import { HTTPHeaders } from "squall/httputil";
import { VirtualLoop } from "squall/testing";
import "../../support/guard.js";
import { pass } from "../../support/virtual-server.js";
import { answering, head, ok, withClient } from "./world.js";

/** Sends one request to a server that answers with `response`; gives what the server got. */
async function sent(...[url, options]: Parameters<AsyncHTTPClient["fetch"]>): Promise<string> {
  let got = "";
  await withClient({}, async ({ client, listen }) => {
    const port = await listen(
      answering((request) => {
        got = request;
        return ok();
      }),
    );
    await client.fetch(String(url).replace("PORT", String(port)), options);
    got = got.replaceAll(String(port), "PORT");
  });
  return got;
}

describe("a request", () => {
  test("fetch() sends a URL with Host, User-Agent and Accept-Encoding", async () => {
    assert.match(
      await sent("http://127.0.0.1:PORT/a%20b?c=d#e"),
      /^GET \/a%20b\?c=d HTTP\/1\.1\r\nHost: 127\.0\.0\.1:PORT\r\nUser-Agent: squall\/\S+\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n$/,
    );
  });

  test("fetch() keeps the caller's fields, and does not change the object that they are in", async () => {
    const headers = new HTTPHeaders({ "User-Agent": "mine", "X-A": "1" });
    const got = await sent("http://127.0.0.1:PORT/", { headers });
    assert.match(got, /User-Agent: mine\r\n/);
    assert.match(got, /X-A: 1\r\n/);
    assert.deepEqual([...headers], [...new HTTPHeaders({ "User-Agent": "mine", "X-A": "1" })]);
  });

  test("user and password of the URL win over authUsername, and are sent by Basic", async () => {
    const got = await sent("http://me:p%40ss@127.0.0.1:PORT/", { authUsername: "you" });
    assert.match(got, new RegExp(`Authorization: Basic ${Buffer.from("me:p@ss").toString("base64")}\r\n`));
  });

  test("ifModifiedSince is a date in HTTP's form", async () => {
    const got = await sent("http://127.0.0.1:PORT/", { ifModifiedSince: new Date(1_600_000_000_000) });
    assert.match(got, /If-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT\r\n/);
  });

  test("a POST without Content-Type is sent as a form", async () => {
    const got = await sent("http://127.0.0.1:PORT/", { method: "POST", body: "a=b" });
    assert.match(got, /Content-Type: application\/x-www-form-urlencoded\r\n/);
  });

  test("prepareCallback may change the fields of a hop", async () => {
    const got = await sent("http://127.0.0.1:PORT/", {
      prepareCallback: ({ headers }) => headers.set("X-Signed", "yes"),
    });
    assert.match(got, /X-Signed: yes\r\n/);
  });

  const bodies: readonly (readonly [string, () => never, RegExp])[] = [
    ["text, as UTF-8", () => "é" as never, /Content-Length: 2\r\n(?:.*\r\n)*\r\n\xc3\xa9$/],
    ["octets", () => new Uint8Array([1, 2]) as never, /Content-Length: 2\r\n(?:.*\r\n)*\r\n\x01\x02$/],
    [
      "URLSearchParams",
      () => new URLSearchParams({ a: "b c" }) as never,
      /Content-Type: application\/x-www-form-urlencoded;charset=UTF-8\r\n(?:.*\r\n)*\r\na=b\+c$/,
    ],
    [
      "a Blob with its type",
      () => new Blob(["hi"], { type: "text/x" }) as never,
      /Content-Type: text\/x\r\n(?:.*\r\n)*\r\nhi$/,
    ],
    [
      "an iterable, chunked",
      () => ["a", Buffer.from("bc")] as never,
      /chunked\r\n(?:.*\r\n)*\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n$/,
    ],
    [
      "an async iterable, chunked",
      () =>
        (async function* () {
          yield "a";
          yield "bc";
        })() as never,
      /chunked\r\n(?:.*\r\n)*\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n$/,
    ],
    [
      "a web stream, chunked",
      () => new Blob(["abc"]).stream() as never,
      /chunked\r\n(?:.*\r\n)*\r\n3\r\nabc\r\n0\r\n\r\n$/,
    ],
  ];
  for (const [what, body, expected] of bodies) {
    test(`a body may be ${what}`, async () => {
      assert.match(await sent("http://127.0.0.1:PORT/", { method: "POST", body: body() }), expected);
    });
  }

  test("a form is sent as multipart with its length, and names cannot break out of their quotes", async () => {
    const form = new FormData();
    form.set('a"\r\nb', "x\ny");
    form.set("file", new File(["content"], "n.txt", { type: "text/plain" }));
    const got = await sent("http://127.0.0.1:PORT/", { method: "POST", body: form });
    const boundary = /boundary=(\S+)/.exec(got)?.[1];
    assert.ok(boundary !== undefined);
    const [headText = "", ...rest] = got.split("\r\n\r\n");
    const body = rest.join("\r\n\r\n");
    assert.equal(Number(/Content-Length: (\d+)/.exec(headText)?.[1]), body.length);
    assert.equal(
      body,
      `--${boundary}\r\nContent-Disposition: form-data; name="a%22%0D%0Ab"\r\n\r\nx\r\ny\r\n` +
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="n.txt"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n--${boundary}--\r\n`,
    );
  });

  test("a bodyProducer with Content-Length is not chunked; one that writes too much rejects the fetch", async () => {
    const options = {
      method: "PUT",
      headers: { "Content-Length": "3" },
      bodyProducer: async (write: (chunk: string) => Promise<void>) => {
        await write("ab");
        await write("c");
      },
    };
    assert.match(await sent("http://127.0.0.1:PORT/", options), /Content-Length: 3\r\n(?:.*\r\n)*\r\nabc$/);
    await assert.rejects(
      sent("http://127.0.0.1:PORT/", { ...options, bodyProducer: (write) => write("abcd") }),
      { code: "ERR_SQUALL_HTTP_OUTPUT_TOO_LONG" },
    );
  });

  test("expect100Continue sends the body after the 100, and none after a final response", () =>
    withClient({}, async ({ client, listen }) => {
      const port = await listen(async (peer, index) => {
        assert.match(await peer.request(), /Expect: 100-continue/);
        if (index === 1) peer.send(head("417 No"));
        else peer.send("HTTP/1.1 100 Continue\r\n\r\n");
        if (index === 1) return;
        await new Promise((resolve) => peer.socket.once("data", resolve));
        peer.send(ok(peer.received.slice(-4)));
      });
      const options = { method: "POST", body: "data", expect100Continue: true, raiseError: false };
      const response = await client.fetch(`http://127.0.0.1:${port}/`, {
        ...options,
        headers: { Connection: "close" },
      });
      assert.equal(response.body.toString(), "data");
      const refused = await client.fetch(`http://127.0.0.1:${port}/`, options);
      assert.equal(refused.code, 417);
    }));

  const refused: readonly (readonly [string, string, object?])[] = [
    ["POST without a body", "http://h/", { method: "POST" }],
    ["GET with a body", "http://h/", { body: "x" }],
    ["an unknown method", "http://h/", { method: "FOO" }],
    ["a method in small letters", "http://h/", { method: "get" }],
    ["CONNECT", "http://h/", { method: "CONNECT", allowNonstandardMethods: true }],
    ["another scheme", "ftp://h/"],
    ["a URL that is not absolute", "/path"],
    ["a network interface that is not an address", "http://h/", { networkInterface: "eth0" }],
    ["an option that does not exist", "http://h/", { methd: "GET" }],
    ["a body and a bodyProducer", "http://h/", { method: "POST", body: "x", bodyProducer: () => {} }],
    ["a proxy without a port", "http://h/", { proxyHost: "p" }],
  ];
  for (const [what, url, options] of refused) {
    test(`fetch() refuses ${what}`, () =>
      withClient({}, async ({ client }) => {
        await assert.rejects(client.fetch(url, options), { code: "ERR_SQUALL_INVALID_ARGUMENT" });
        assert.equal(client.activeRequests, 0);
      }));
  }

  test("an HTTPRequest and options together are refused", () =>
    withClient({}, async ({ client }) => {
      await assert.rejects(client.fetch(new HTTPRequest("http://h/"), { method: "HEAD" }), {
        code: "ERR_SQUALL_INVALID_ARGUMENT",
      });
    }));
});

describe("a response", () => {
  function received(response: string | Buffer, options: object = {}) {
    let result: Awaited<ReturnType<AsyncHTTPClient["fetch"]>>;
    return withClient({}, async ({ client, listen }) => {
      const port = await listen(answering(() => response));
      result = await client.fetch(`http://127.0.0.1:${port}/`, options);
    }).then(() => result);
  }

  test("has status, reason, fields, body, times and the URL that it came from", async () => {
    const response = await received("HTTP/1.1 299 Odd\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\nok");
    assert.equal(response.code, 299);
    assert.equal(response.reason, "Odd");
    assert.deepEqual(response.headers.getList("X-A"), ["1", "2"]);
    assert.equal(response.text(), "ok");
    assert.match(response.effectiveUrl, /^http:\/\/127\.0\.0\.1:\d+\/$/);
    assert.equal(typeof response.requestTime, "number");
    assert.ok(response.timeInfo.connect !== undefined && response.timeInfo.total !== undefined);
    assert.equal(response.error, undefined);
    response.rethrow();
  });

  test("json() reads JSON, and text() the charset of Content-Type", async () => {
    assert.deepEqual((await received(ok('{"a":[1]}'))).json(), { a: [1] });
    const latin = Buffer.from(ok("\xe9", "Content-Type: text/plain; charset=ISO-8859-1\r\n"), "latin1");
    const fixed = Buffer.from(
      latin.toString("latin1").replace("Content-Length: 2", "Content-Length: 1"),
      "latin1",
    );
    assert.equal((await received(fixed)).text(), "é");
  });

  test("a status other than 2xx rejects with HTTPClientError, or is the response without raiseError", async () => {
    await assert.rejects(received(head("404 Nope")), (error) => {
      assert.ok(error instanceof HTTPClientError);
      assert.equal(error.status, 404);
      assert.equal(error.response?.code, 404);
      assert.equal(String(error), "HTTP 404: Nope");
      return true;
    });
    const response = await received(head("304 Not Modified"), { raiseError: false });
    assert.equal(response.body.length, 0);
    assert.throws(() => response.rethrow(), HTTPClientError);
  });

  const text = "squall ".repeat(1000);
  const packed = { gzip: gzipSync(text), deflate: deflateSync(text), br: brotliCompressSync(text) };
  const raw = {
    ...packed,
    "deflate, without its zlib header,": deflateRawSync(text),
    "x-gzip": gzipSync(text),
  };
  for (const [name, body] of Object.entries(raw)) {
    const coding = name.replace(/,.*/, "");
    const message = Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nContent-Encoding: ${coding}\r\n\r\n`),
      body,
    ]);
    test(`a body in ${name} is unpacked`, async () => {
      const response = await received(message);
      assert.equal(response.text(), text);
      assert.equal(response.headers.get("Content-Encoding"), undefined);
      assert.equal(response.headers.get("X-Consumed-Content-Encoding"), coding);
      assert.deepEqual((await received(message, { decompressResponse: false })).body, body);
    });

    test(`a body in ${name} that is truncated or damaged is an error`, async () => {
      const short = body.subarray(0, body.length - 4);
      const cut = Buffer.concat([
        Buffer.from(
          `HTTP/1.1 200 OK\r\nContent-Length: ${short.length}\r\nContent-Encoding: ${coding}\r\n\r\n`,
        ),
        short,
      ]);
      await assert.rejects(received(cut), HTTPStreamClosedError);
    });
  }

  test("streamingCallback gets the pieces, unpacked, and headerCallback the lines", async () => {
    const pieces: Buffer[] = [];
    const lines: string[] = [];
    const response = await received(
      Buffer.concat([
        Buffer.from("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
        Buffer.from(
          `HTTP/1.1 200 OK\r\nContent-Length: ${packed.gzip.length}\r\nContent-Encoding: gzip\r\n\r\n`,
        ),
        packed.gzip,
      ]),
      {
        streamingCallback: (chunk: Buffer) => void pieces.push(chunk),
        headerCallback: (line: string) => void lines.push(line),
      },
    );
    assert.equal(Buffer.concat(pieces).toString(), text);
    assert.equal(response.body.length, 0);
    assert.deepEqual(lines, [
      "HTTP/1.1 103 Early Hints\r\n",
      "Link: x\r\n",
      "\r\n",
      "HTTP/1.1 200 OK\r\n",
      `Content-Length: ${packed.gzip.length}\r\n`,
      "Content-Encoding: gzip\r\n",
      "\r\n",
    ]);
  });

  for (const name of ["streamingCallback", "headerCallback"]) {
    test(`what ${name} throws rejects the fetch`, async () => {
      const fail = () => {
        throw new RangeError("mine");
      };
      await assert.rejects(received(ok(), { [name]: fail }), RangeError);
    });
  }
});

describe("AsyncHTTPClient", () => {
  test("new AsyncHTTPClient() is one client for each loop, until it is closed", () =>
    VirtualLoop.run(() => {
      const client = new AsyncHTTPClient();
      assert.ok(client instanceof SimpleAsyncHTTPClient);
      assert.equal(new AsyncHTTPClient(), client);
      assert.equal(new SimpleAsyncHTTPClient(), client);
      const other = new AsyncHTTPClient({ forceInstance: true });
      assert.notEqual(other, client);
      other.close();
      client.close();
      client.close();
      const next = new AsyncHTTPClient();
      assert.notEqual(next, client);
      next.close();
    }));

  test("fetch() after close() rejects", () =>
    VirtualLoop.run(async () => {
      const client = new AsyncHTTPClient();
      client.close();
      await assert.rejects(client.fetch("http://127.0.0.1/"), { code: "ERR_SQUALL_INVALID_STATE" });
    }));

  test("configure() chooses class and options of clients that are made later", () =>
    VirtualLoop.run(() => {
      class Mine extends SimpleAsyncHTTPClient {}
      const saved = AsyncHTTPClient.saveConfiguration();
      try {
        AsyncHTTPClient.configure(Mine, { maxClients: 3, defaults: { userAgent: "mine" } });
        const client = new AsyncHTTPClient();
        assert.ok(client instanceof Mine);
        assert.equal(client.maxClients, 3);
        assert.equal(client.defaults.userAgent, "mine");
        client.close();
        AsyncHTTPClient.configure(null);
        const usual = new AsyncHTTPClient({ forceInstance: true });
        assert.ok(!(usual instanceof Mine));
        usual.close();
      } finally {
        AsyncHTTPClient.restoreConfiguration(saved);
      }
    }));

  test("a wrong option of a client is refused", () =>
    VirtualLoop.run(() => {
      for (const options of [
        { maxClients: 0 },
        { maxclients: 1 },
        { userAgent: "x" },
        { defaults: { x: 1 } },
      ]) {
        assert.throws(() => new AsyncHTTPClient({ forceInstance: true, ...options } as never), {
          code: "ERR_SQUALL_INVALID_ARGUMENT",
        });
      }
    }));

  test("defaults are used by requests that do not say otherwise", () =>
    withClient({ defaults: { userAgent: "mine", headers: { "X-D": "1" } } }, async ({ client, listen }) => {
      const got: string[] = [];
      const port = await listen(
        answering((request) => {
          got.push(request);
          return ok();
        }),
      );
      await client.fetch(`http://127.0.0.1:${port}/`);
      await client.fetch(`http://127.0.0.1:${port}/`, { userAgent: "other" });
      assert.match(got[0]!, /X-D: 1\r\n(?:.*\r\n)*User-Agent: mine/);
      assert.match(got[1]!, /User-Agent: other/);
    }));

  test("at most maxClients requests are in progress, and the queue is bounded", () =>
    withClient({ maxClients: 2, maxQueue: 1 }, async ({ client, listen, loop }) => {
      let most = 0;
      const port = await listen(async (peer) => {
        for (;;) {
          await peer.request();
          most = Math.max(most, client.activeRequests);
          await pass(loop, 10);
          peer.send(ok());
        }
      });
      const url = `http://127.0.0.1:${port}/`;
      const fetches = [1, 2, 3].map(() => client.fetch(url));
      assert.equal(client.waitingRequests, 1);
      await assert.rejects(client.fetch(url), { code: "ERR_SQUALL_HTTP_QUEUE_FULL" });
      await Promise.all(fetches);
      assert.equal(most, 2);
      assert.equal(client.connections, 2);
    }));
});
