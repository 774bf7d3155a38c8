/** Requests on the edge of the grammar that are served, and those that are refused for their size alone. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HTTPHeaders, type HTTPServerRequest } from "squall/httputil";
import { ExpectLog } from "squall/testing";
import { Application, RequestHandler } from "squall/web";
import { assertServes, attacked, echo, get } from "../support/conformance.js";
import { field, type RawClient } from "../support/raw-client.js";
import { answer, pass } from "../support/virtual-server.js";

const HOSTILE_NAMES = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"];

/** The body of the answer. */
async function ask(client: RawClient, request: string, method?: string): Promise<string> {
  client.send(request);
  const response = await client.response(method);
  assert.equal(response.status, 200);
  return response.body.toString();
}

describe("request line", () => {
  class Any extends RequestHandler {
    override get() {
      this.write(this.request.uri);
    }
    override post() {
      this.write("posted");
    }
  }
  const app = new Application([["/.*", Any]]);

  test("case 2: lower-case get is another method than GET, and no handler's property is a method", () =>
    attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      for (const method of ["get", "Get", "initialize", "constructor", "__proto__"]) {
        client.send(get("/").replace("GET", method));
        assert.equal((await client.response()).status, 501, method);
      }
    }));

  test("case 3: an unknown method gets 501, a known one without handler 405 with Allow, and the connection goes on", () =>
    attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      for (const method of ["BREW", "PROPFIND", "QUERY"]) {
        client.send(get("/").replace("GET", method));
        assert.equal((await client.response()).status, 501, method);
      }
      for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
        client.send(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
        const response = await client.response();
        assert.equal(response.status, 405, method);
        assert.equal(field(response, "Allow"), "GET, POST");
      }
      client.send(get("/").replace("GET", "TRACE"));
      assert.equal((await client.response()).status, 405);
      assert.equal(await ask(client, get("/x")), "/x");
    }));

  test("case 4: HTTP/1.2 is served as 1.1, and the answer says 1.1", () =>
    attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      client.send("GET /x HTTP/1.2\r\nHost: a\r\n\r\n");
      const response = await client.response();
      assert.deepEqual([response.status, response.version], [200, "HTTP/1.1"]);
      assert.equal(await ask(client, get("/y")), "/y");
    }));

  test("case 6: a target of 8,000 octets works, one over the limit gets 414", () =>
    attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      const target = `/${"a".repeat(7999)}`;
      assert.equal(await ask(client, get(target)), target);
      client.send(get(`/${"a".repeat(9000)}`));
      assert.equal((await client.response()).status, 414);
      await client.whenEnded();
    }));

  test("case 6: a request line without end is refused by its size, and no more of it is kept", () => {
    const { app: echoing } = echo();
    return attacked(echoing, {}, async (context) => {
      // An endless method is a method that nobody knows (RFC 9110 §9.1).
      for (const [begin, status] of [
        ["", 501],
        ["GET /", 414],
      ] as const) {
        const client = await context.connect();
        client.send(begin);
        for (let i = 0; i < 200; i++) client.send("A".repeat(1000));
        assert.equal((await client.response()).status, status);
        await client.whenEnded();
      }
      await assertServes(context);
    });
  });

  test("case 7: %00 and %0d%0a stay data: in the path, in an argument, in a redirect, never in a header", () => {
    class Goes extends RequestHandler {
      override get(rest: string) {
        this.redirect(`/gone/${encodeURIComponent(rest)}`);
      }
    }
    class Splits extends RequestHandler {
      override get() {
        this.setHeader("X-Echo", this.getQueryArgument("a"));
      }
    }
    const application = new Application([
      ["/go/(.*)", Goes],
      ["/split", Splits],
      ["/.*", Any],
    ]);
    return attacked(application, {}, async ({ connect }) => {
      const client = await connect();
      assert.equal(await ask(client, get("/a%00b%0d%0ac")), "/a%00b%0d%0ac");
      client.send(get("/go/x%0d%0aSet-Cookie:a=b"));
      const response = await client.response();
      assert.equal(field(response, "Location"), "/gone/x%0D%0ASet-Cookie%3Aa%3Db");
      assert.equal(field(response, "Set-Cookie"), undefined);
      using _log = new ExpectLog("squall.application", /Uncaught exception/);
      client.send(get("/split?a=x%0d%0aSet-Cookie:%20a=b"));
      const refused = await client.response();
      assert.equal(refused.status, 500);
      assert.equal(field(refused, "Set-Cookie"), undefined);
      assert.equal(await ask(client, get("/on")), "/on");
    });
  });

  test("case 8: an absolute target is served, and its authority wins over Host", () =>
    attacked(
      (request: HTTPServerRequest) => answer(request, `${request.host} ${request.path}`),
      {},
      async ({ connect }) => {
        const client = await connect();
        assert.equal(await ask(client, "GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n"), "b:81 /x");
        assert.equal(await ask(client, "GET HTTP://b/x HTTP/1.1\r\nHost: a\r\n\r\n"), "b /x");
      },
    ));

  test("case 9: OPTIONS * is served, and CONNECT is never answered with 2xx by an application", () =>
    attacked(new Application([[".*", Any]]), {}, async (context) => {
      const client = await context.connect();
      client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.ok([404, 405].includes((await client.response()).status));
      client.send("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n");
      assert.ok((await client.response()).status >= 400);
      await assertServes(context);
    }));
});

describe("fields", () => {
  test("case 10: HTTP/1.0 needs no Host", () => {
    const { app } = echo();
    return attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      assert.equal(await ask(client, "GET /x HTTP/1.0\r\n\r\n"), "GET /x ");
    });
  });

  test("case 12: routes can be for known hosts alone; X-Forwarded-Host is never believed", () => {
    class Home extends RequestHandler {
      override get() {
        this.write(this.request.fullUrl());
      }
    }
    const app = new Application();
    app.addHandlers("example\\.com", [["/", Home]]);
    return attacked(app, { xheaders: true }, async ({ connect }) => {
      const client = await connect();
      const from = (host: string, more = "") => `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
      assert.equal(
        await ask(client, from("example.com", "X-Forwarded-Host: evil.example\r\n")),
        "http://example.com/",
      );
      for (const host of ["evil.example", "example.com.evil.example", "xexample.com", "127.0.0.1"]) {
        client.send(from(host));
        assert.equal((await client.response()).status, 404, host);
      }
    });
  });

  test("case 12: X-Forwarded-For and -Proto count only with xheaders, and then the right-most hop that is no trusted proxy", async () => {
    const tell = (request: HTTPServerRequest) => answer(request, `${request.remoteIp} ${request.protocol}`);
    const forged =
      "X-Forwarded-For: 6.6.6.6, 1.2.3.4, 10.0.0.1\r\nX-Forwarded-Proto: gopher, https\r\nForwarded: for=6.6.6.6\r\n";
    await attacked(tell, {}, async ({ connect }) => {
      assert.equal(await ask(await connect(), get("/", forged)), "127.0.0.1 http");
    });
    await attacked(tell, { xheaders: true, trustedDownstream: ["10.0.0.0/8"] }, async ({ connect }) => {
      const client = await connect();
      assert.equal(await ask(client, get("/", forged)), "1.2.3.4 https");
      assert.equal(await ask(client, get("/", "X-Forwarded-For: <script>\r\n")), "127.0.0.1 http");
      assert.equal(await ask(client, get("/")), "127.0.0.1 http");
    });
  });

  test("case 18: names of Object.prototype are plain data in headers, cookies, queries, forms and files", () => {
    class Names extends RequestHandler {
      override post() {
        const { headers, cookies, queryArguments, bodyArguments, files } = this.request;
        const found: Record<string, unknown> = Object.create(null);
        for (const name of HOSTILE_NAMES) {
          found[`${name}!`] = [
            headers.get(name),
            cookies[name],
            queryArguments[name]?.map(String),
            bodyArguments[name]?.map(String),
            files[name]?.map((file) => String(file.body)),
          ];
        }
        for (const map of [cookies, queryArguments, bodyArguments, files]) {
          assert.equal(Object.getPrototypeOf(map), null);
        }
        this.write(found);
      }
    }
    return attacked(new Application([["/", Names]]), {}, async ({ connect }) => {
      const client = await connect();
      const parts = HOSTILE_NAMES.flatMap((name) => [
        `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\nform`,
        `--b\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\n\r\nfile`,
      ]);
      const body = `${parts.join("\r\n")}\r\n--b--\r\n`;
      const query = HOSTILE_NAMES.map((name) => `${name}=query`).join("&");
      const cookie = HOSTILE_NAMES.map((name) => `${name}=cookie`).join("; ");
      const headers = HOSTILE_NAMES.map((name) => `${name}: header\r\n`).join("");
      client.send(
        `POST /?${query} HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n${headers}Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      const response = await client.response();
      assert.equal(response.status, 200);
      const found = JSON.parse(response.body.toString()) as Record<string, unknown>;
      for (const name of HOSTILE_NAMES) {
        assert.deepEqual(found[`${name}!`], ["header", "cookie", ["query"], ["form"], ["file"]], name);
      }
      assert.equal(({} as Record<string, unknown>).query, undefined);
    });
  });

  test("case 19: one long line, many bytes and many fields each get 431, which the client reads although it goes on sending", () => {
    const { app } = echo();
    return attacked(app, {}, async (context) => {
      for (const fields of [
        `X: ${"a".repeat(70_000)}\r\n`,
        `${`X: ${"a".repeat(900)}\r\n`.repeat(80)}`,
        "X: a\r\n".repeat(101),
        `X: ${"a".repeat(200_000)}`,
      ]) {
        const client = await context.connect();
        client.send(`GET / HTTP/1.1\r\nHost: a\r\n${fields}`);
        for (let i = 0; i < 20; i++) client.send("x".repeat(1000));
        const response = await client.response();
        assert.equal(response.status, 431);
        assert.equal(field(response, "Connection"), "close");
        await client.whenEnded();
        client.close();
      }
      await assertServes(context);
    });
  });

  test("case 21: of repeated fields that should be single, the framing ones are refused, others are joined with a comma; Set-Cookie never is", () =>
    attacked(
      (request: HTTPServerRequest) => {
        const headers = new HTTPHeaders({ "Content-Length": "0" });
        headers.add("Set-Cookie", "a=1");
        headers.add("Set-Cookie", "b=2");
        headers.add("X-Seen", request.headers.get("Authorization") ?? "");
        void request.connection!.writeHeaders({ version: "HTTP/1.1", code: 200, reason: "OK" }, headers);
        request.connection!.finish();
      },
      {},
      async ({ connect }) => {
        const client = await connect();
        client.send(get("/", "Authorization: a\r\nAuthorization: b\r\n"));
        const response = await client.response();
        assert.equal(field(response, "X-Seen"), "a,b");
        const cookies = response.headers.filter(([name]) => name === "Set-Cookie");
        assert.deepEqual(
          cookies.map(([, value]) => value),
          ["a=1", "b=2"],
        );
      },
    ));
});

describe("bodies", () => {
  const posted = (fields: string, body: string) => `POST /x HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${body}`;

  test("case 23: equal lengths count as one", () => {
    const { app } = echo();
    return attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      assert.equal(await ask(client, posted("Content-Length: 2\r\nContent-Length: 2", "hi")), "POST /x hi");
      assert.equal(await ask(client, posted("Content-Length: 2, 2", "hi")), "POST /x hi");
    });
  });

  test("case 24: 010 is ten and never eight", () => {
    const { app } = echo();
    return attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      assert.equal(await ask(client, posted("Content-Length: 010", "0123456789")), "POST /x 0123456789");
      assert.equal(await ask(client, get("/y")), "GET /y ");
    });
  });

  test("case 28: a body of GET, HEAD, DELETE or OPTIONS is read as body, not as the next request", () => {
    const { app, asked } = echo();
    return attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      const inner = get("/smuggled");
      for (const method of ["GET", "HEAD", "DELETE", "OPTIONS"]) {
        client.send(
          `${method} /x HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n${inner}${get("/next")}`,
        );
        await client.response(method);
        assert.equal((await client.response()).body.toString(), "GET /next ");
      }
      assert.ok(!asked.includes("GET /smuggled"));
    });
  });

  test("case 33: Content_Length and Transfer_Encoding are other fields", () => {
    const { app } = echo();
    return attacked(app, {}, async ({ connect }) => {
      const client = await connect();
      const fields = "Content_Length: 50\r\nTransfer_Encoding: chunked\r\nContent-Length: 2";
      assert.equal(await ask(client, posted(fields, "hi")), "POST /x hi");
      assert.equal(await ask(client, get("/y")), "GET /y ");
    });
  });

  test("case 35: leading zeros of a chunk size change nothing, 400 of them are refused", () => {
    const { app } = echo();
    return attacked(app, {}, async (context) => {
      const client = await context.connect();
      const body = (zeros: number) => `${"0".repeat(zeros)}2\r\nhi\r\n0\r\n\r\n`;
      assert.equal(await ask(client, posted("Transfer-Encoding: chunked", body(8))), "POST /x hi");
      client.send(posted("Transfer-Encoding: chunked", body(400)));
      assert.equal((await client.response()).status, 400);
      await client.whenEnded();
      await assertServes(context);
    });
  });

  test("case 37: well-formed chunk extensions are ignored, and all of a body together are limited", () => {
    const { app } = echo();
    return attacked(app, {}, async (context) => {
      const client = await context.connect();
      const body = '2 ; a ; b="c;\\"d" ;e=f\r\nhi\r\n0;last\r\n\r\n';
      assert.equal(await ask(client, posted("Transfer-Encoding: chunked", body)), "POST /x hi");
      client.send(posted("Transfer-Encoding: chunked", `1;${"e".repeat(1000)}\r\nx\r\n`.repeat(20)));
      assert.equal((await client.response()).status, 413);
      await client.whenEnded();
      await assertServes(context);
    });
  });

  test("case 38: trailers are kept apart from the fields; those that steer are dropped; they are limited", () =>
    attacked(
      (request: HTTPServerRequest) =>
        answer(
          request,
          JSON.stringify([
            [...request.trailers!.entries()].map(([name]) => name),
            request.headers.get("X-Checksum") ?? null,
            request.headers.get("Cookie") ?? null,
          ]),
        ),
      {},
      async ({ connect }) => {
        const client = await connect();
        const trailers =
          "X-Checksum: 1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: evil\r\nAuthorization: x\r\nCookie: a=b\r\n";
        const told = await ask(
          client,
          posted("Transfer-Encoding: chunked", `2\r\nhi\r\n0\r\n${trailers}\r\n`),
        );
        assert.deepEqual(JSON.parse(told), [["X-Checksum"], null, null]);
        client.send(posted("Transfer-Encoding: chunked", `0\r\n${"X: a\r\n".repeat(200)}\r\n`));
        assert.equal((await client.response()).status, 431);
        await client.whenEnded();
      },
    ));

  for (const [what, request] of Object.entries({
    "case 30: a body shorter than its length": posted("Content-Length: 10", "12345"),
    "case 39: a chunked body without its last chunk": posted("Transfer-Encoding: chunked", "5\r\nhello\r\n"),
    "case 39: a chunked body without its last line end": posted(
      "Transfer-Encoding: chunked",
      "5\r\nhello\r\n0\r\n",
    ),
    "case 39: a chunked body that ends inside a chunk": posted("Transfer-Encoding: chunked", "5\r\nhe"),
  })) {
    test(`${what} is never handed over as whole`, () => {
      const { app, asked } = echo();
      return attacked(app, {}, async (context) => {
        const client = await context.connect();
        client.send(request);
        client.end();
        assert.equal((await client.response()).status, 400);
        await client.whenEnded();
        assert.deepEqual(asked, []);
        await assertServes(context);
      });
    });
  }

  test("case 30: a client that goes in the middle of a body is told to the handler once, and its body is let go", () => {
    const told: string[] = [];
    class Upload extends RequestHandler {
      static override readonly streamRequestBody = true;
      override prepare() {
        this.signal.addEventListener("abort", () => told.push("signal"));
      }
      override dataReceived() {}
      override onConnectionClose() {
        told.push("onConnectionClose");
      }
      override post() {
        told.push("post");
      }
    }
    return attacked(new Application([["/", Upload]]), {}, async ({ connect, loop, server }) => {
      for (const leave of ["close", "reset", "end"]) {
        told.length = 0;
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello");
        await pass(loop, 10);
        if (leave === "close") client.close();
        else if (leave === "reset") client.socket.resetAndDestroy();
        else client.end();
        await pass(loop, 10);
        if (leave === "end") {
          await client.whenEnded();
          client.close();
        }
        await pass(loop, 10);
        assert.deepEqual(told, ["signal", "onConnectionClose"], leave);
        assert.equal(server.connections, 0, leave);
      }
    });
  });
});
