/** WSGIContainer with real Python: every shape of request and response, under `wsgiref.validate`. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ExpectLog } from "squall/testing";
import { Application, FallbackHandler, RequestHandler } from "squall/web";
import { WSGIContainer } from "squall/wsgi";
import { appLog } from "#room/base/log";
import { withContainer } from "../support/container-server.js";
import { needs } from "../support/programs.js";
import { field } from "../support/raw-client.js";
import { applications, withWSGI } from "../support/wsgi-server.js";

const python = needs("python3");

describe("a request reaches the application", python, () => {
  test("with an environment that wsgiref.validate accepts, whatever its shape", async () => {
    await withWSGI("checked", {}, async ({ ask, connect }) => {
      const got = await ask("/echo", { head: "X-Two: a\r\nx-two: b\r\nAccept: */*\r\n" });
      const text = got.body.toString("latin1");
      assert.equal(got.status, 200);
      for (const line of [
        "REQUEST_METHOD='GET'",
        "SCRIPT_NAME=''",
        "PATH_INFO='/echo'",
        "QUERY_STRING=''",
        "SERVER_NAME='example.com'",
        "SERVER_PORT='81'",
        "SERVER_PROTOCOL='HTTP/1.1'",
        "REMOTE_ADDR='127.0.0.1'",
        "HTTP_X_TWO='a,b'",
        "HTTP_HOST='example.com:81'",
        "wsgi.url_scheme='http'",
        "wsgi.version=(1, 0)",
        "wsgi.multithread=False",
        "wsgi.multiprocess=False",
        "wsgi.run_once=False",
        "wsgi.input_terminated=True",
      ]) {
        assert.ok(text.split("\n").includes(line), line);
      }
      assert.equal((await ask("/echo", { method: "PUT", body: "abc" })).body.toString().slice(-5), "\n\nabc");
      assert.equal((await ask("/echo", { method: "DELETE" })).status, 200);
      assert.equal((await ask("/echo", { method: "HEAD" })).status, 200);
      assert.equal((await ask("/echo", { method: "OPTIONS" })).status, 200);
      const chunked = await connect();
      chunked.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
      chunked.send("2\r\nde\r\n0\r\n\r\n");
      const response = await chunked.response();
      assert.match(response.body.toString(), /\n\nabcde$/);
      assert.doesNotMatch(response.body.toString(), /CONTENT_LENGTH|TRANSFER/);
      const old = await connect();
      old.send("GET /echo HTTP/1.0\r\n\r\n");
      assert.match((await old.response()).body.toString(), /SERVER_PROTOCOL='HTTP\/1\.0'/);
    });
  });

  for (const scriptName of ["", "/mounted"]) {
    test(`by any target and for any host, mounted at "${scriptName}"`, async () => {
      await withWSGI("checked_anywhere", { scriptName }, async ({ connect }) => {
        const seen: string[] = [];
        for (const [line, head, body = ""] of [
          [`GET ${scriptName} HTTP/1.1`.replace("  ", " / "), "Host: a\r\n"],
          [`GET ${scriptName}//a?b?c HTTP/1.1`, "Host: [::1]:81\r\n"],
          [`GET ${scriptName}/%00%ff%C3%A9 HTTP/1.1`, "Host:\r\n"],
          [`GET http://b:81${scriptName}/?q HTTP/1.1`, "Host: a\r\n"],
          [`TRACE ${scriptName}/ HTTP/1.1`, "Host: a:\r\n"],
          [
            `PATCH ${scriptName}/ HTTP/1.1`,
            "Host: a\r\nContent-Length: 3\r\nContent-Length: 3, 3\r\n",
            "abc",
          ],
          [`POST ${scriptName}/ HTTP/1.0`, "Content-Type:\r\nContent_Length: 9\r\nContent-Length: 0\r\n"],
          [
            `GET ${scriptName}/ HTTP/1.1`,
            "Host: a\r\nCookie: a=1\r\nCookie: b=2\r\nUpgrade: x\r\nConnection: upgrade\r\n",
          ],
        ] as const) {
          const client = await connect();
          client.send(`${line}\r\n${head}\r\n${body}`);
          const { status, body: echoed } = await client.response();
          const text = echoed.toString("latin1");
          const value = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
          assert.equal(value("SCRIPT_NAME"), `'${scriptName}'`);
          seen.push(
            `${status} ${value("SERVER_NAME")}:${value("SERVER_PORT")} ${value("PATH_INFO")} ${text.split("\n\n")[1]}`,
          );
        }
        assert.deepEqual(seen, [
          `200 'a':'80' '${scriptName === "" ? "/" : ""}' `,
          "200 '[::1]':'81' '//a' ",
          "200 '127.0.0.1':'80' '/\\x00ÿÃ©' ",
          "200 'b':'81' '/' ",
          "200 'a':'80' '/' ",
          "200 'a':'80' '/' abc",
          "200 '127.0.0.1':'80' '/' ",
          "200 'a':'80' '/' ",
        ]);
      });
    });
  }

  test("for no path, as OPTIONS * asks", async () => {
    await withWSGI("checked_anywhere", {}, async ({ ask }) => {
      assert.match((await ask("*", { method: "OPTIONS" })).body.toString(), /^PATH_INFO=''$/m);
    });
  });

  for (const [how, seen] of [
    ["lines", "one\n|two\n|"],
    ["readlines", "one\n|two\n"],
    ["iter", "one\n|two\n|three"],
    ["pieces", "one\ntwo|\nthree|"],
  ] as const) {
    test(`whose body can be read in ${how}, however it was cut on its way`, async () => {
      await withWSGI("checked", {}, async ({ connect }) => {
        const client = await connect();
        const body = how === "lines" ? "one\ntwo\n" : "one\ntwo\nthree";
        client.send(`POST /echo?${how} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`);
        for (const letter of body) {
          client.send(letter);
          await new Promise(setImmediate);
        }
        assert.equal((await client.response()).body.toString().split("\n\n").slice(1).join("\n\n"), seen);
      });
    });
  }

  test("whose body is larger than every buffer on the way", async () => {
    await withWSGI("checked_echo", {}, async ({ ask }) => {
      const body = Buffer.alloc(9_000_000, "0123456789");
      const got = await ask("/", { method: "POST", body });
      assert.equal(field(got, "X-Length"), "9000000");
      assert.ok(got.body.subarray(-9_000_000).equals(body));
    });
  });

  test("before its body is whole: the response may begin at once", async () => {
    await withWSGI("early", {}, async ({ connect }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      await client.until("ready\n");
      client.send("4\r\none\n\r\n");
      await client.until("got one\n");
      client.send("4\r\ntwo\n\r\n0\r\n\r\n");
      assert.equal((await client.response()).body.toString(), "ready\ngot one\ngot two\n");
    });
  });

  test("and a client that asks first is told to go on", async () => {
    await withWSGI("checked_echo", {}, async ({ connect }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
      await client.until("100 Continue");
      client.send("body");
      assert.equal((await client.response()).status, 100);
      assert.match((await client.response()).body.toString(), /\n\nbody$/);
    });
  });

  test("and an application that leaves the body alone costs nothing: the connection goes on", async () => {
    await withWSGI("checked_echo", {}, async ({ connect }) => {
      const client = await connect();
      const body = "x".repeat(200_000);
      client.send(`POST /?unread HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      client.send("GET /?second HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.equal((await client.response()).status, 200);
      assert.match((await client.response()).body.toString(), /QUERY_STRING='second'/);
    });
  });

  test("and several at once, with as many workers and threads", async () => {
    await withWSGI("pair", { threads: 2 }, async ({ ask }) => {
      const answers = await Promise.all([ask("/"), ask("/")]);
      assert.deepEqual(answers.map(({ body }) => body.toString()).toSorted(), [
        "squall-wsgi-0",
        "squall-wsgi-1",
      ]);
    });
    await withWSGI("faults", { workers: 2, threads: 2 }, async ({ ask, container }) => {
      assert.equal(container.pids.length, 2);
      assert.ok(container.pids.includes(Number((await ask("/")).body.toString().slice(4))));
    });
    await withWSGI("echo", { workers: 2, threads: 2 }, async ({ ask }) => {
      assert.match((await ask("/")).body.toString(), /wsgi\.multiprocess=True\nwsgi\.multithread=True/);
    });
  });
});

describe("a response reaches the client", python, () => {
  test("in every shape that wsgiref.validate accepts", async () => {
    await withWSGI("checked", {}, async ({ ask }) => {
      const plain = await ask("/plain");
      assert.equal(plain.body.toString(), "plain");
      assert.match(field(plain, "Server")!, /^squall\//);
      assert.ok(field(plain, "Date"));
      assert.equal((await ask("/written")).body.toString(), "one two three");
      const streamed = await ask("/streamed");
      assert.deepEqual(streamed.chunks?.length, 2);
      assert.equal(streamed.body.toString(), "one two");
      assert.equal((await ask("/nothing")).status, 204);
      const unchanged = await ask("/unchanged");
      assert.deepEqual([unchanged.status, field(unchanged, "ETag")], [304, '"a"']);
      assert.equal((await ask("/plain", { method: "HEAD" })).status, 200);
    });
  });

  test("with the length of a body that is known to be one block", async () => {
    await withWSGI("plain", {}, async ({ ask }) => {
      const whole = await ask("/");
      assert.deepEqual([field(whole, "Content-Length"), whole.body.toString()], ["5", "plain"]);
      const head = await ask("/", { method: "HEAD" });
      assert.deepEqual([head.status, field(head, "Content-Length"), head.body.length], [200, "5", 0]);
    });
  });

  test("with repeated fields, and those of the application in the place of ours", async () => {
    await withWSGI("checked", {}, async ({ ask }) => {
      const got = await ask("/cookies", { head: "Cookie: a=1\r\nCookie: b=2\r\n" });
      assert.deepEqual(
        got.headers.filter(([name]) => /set-cookie|server/i.test(name)),
        [
          ["Server", "mine"],
          ["Set-Cookie", "a=1"],
          ["Set-Cookie", "b=2"],
        ],
      );
      assert.equal(got.body.toString(), "a=1; b=2");
    });
  });

  test("by wsgi.file_wrapper", async () => {
    await withWSGI("files", {}, async ({ ask }) => {
      assert.match((await ask("/")).body.toString(), /^"""WSGI applications for tests.*not_callable = 5\n$/s);
    });
  });

  test("also a client that has ended its side, which may still read", async () => {
    await withWSGI("echo", {}, async ({ connect }) => {
      const client = await connect();
      client.send("GET /half HTTP/1.1\r\nHost: a\r\n\r\n");
      client.end();
      assert.match((await client.response()).body.toString(), /PATH_INFO='\/half'/);
    });
  });

  test("and wsgi.errors our log", async () => {
    await withWSGI("faults", {}, async ({ ask }) => {
      using first = new ExpectLog(appLog, /^shapes:faults: (a line|and another|half)$/);
      await ask("/errors");
      assert.equal(first.matched, 3);
    });
  });
});

describe("the options of the workers", python, () => {
  test("python, pythonPath, env and cwd are those that the application runs with", async () => {
    const folder = mkdtempSync(join(tmpdir(), "squall-wsgi-"));
    try {
      const options = {
        cwd: folder,
        pythonPath: [applications],
        env: { SQUALL_TEST: "here", HOME: undefined },
      };
      await withWSGI("surroundings", options, async ({ ask }) => {
        const told = JSON.parse((await ask("/")).body.toString()) as Record<string, unknown>;
        assert.deepEqual(told.path, [applications, realpathSync(folder)]);
        assert.deepEqual([told.cwd, told.env, told.home], [realpathSync(folder), "here", null]);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("virtualenv names the environment whose interpreter and packages are used", async () => {
    const folder = mkdtempSync(join(tmpdir(), "squall-wsgi-"));
    try {
      const virtualenv = join(folder, "venv");
      const made = spawnSync("python3", ["-m", "venv", "--without-pip", virtualenv], { encoding: "utf8" });
      assert.equal(made.status, 0, made.stderr);
      await withWSGI("surroundings", { virtualenv }, async ({ ask }) => {
        const told = JSON.parse((await ask("/")).body.toString()) as Record<string, unknown>;
        assert.equal(realpathSync(told.prefix as string), realpathSync(virtualenv));
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("a container can be mounted", python, () => {
  test("at a prefix, as the target of a rule", async () => {
    const container = new WSGIContainer("shapes:echo", {
      cwd: applications,
      workers: 1,
      scriptName: "/caf\u00e9",
    });
    class Hello extends RequestHandler {
      override get(): void {
        this.write("hello");
      }
    }
    const application = new Application([
      ["/", Hello],
      [".*", container],
    ]);
    const server = await application.listen(0, "127.0.0.1");
    try {
      const ask = async (path: string): Promise<string> =>
        await (await fetch(`http://127.0.0.1:${server.port}${path}`)).text();
      assert.equal(await ask("/"), "hello");
      assert.match(await ask("/caf%C3%A9/a%20b"), /PATH_INFO='\/a b'\n.*SCRIPT_NAME='\/caf\u00e9'\n/su);
      assert.match(await ask("/caf%C3%A9"), /PATH_INFO=''\n/);
      using refused = new ExpectLog("squall.access", /^404 GET \/(other|caf%C3%A9s)/);
      assert.equal(await ask("/other"), "");
      assert.equal(await ask("/caf%C3%A9s"), "");
      assert.equal(refused.matched, 2);
    } finally {
      await server.stop();
      await server.closeAllConnections({ timeout: 0 });
      await container.stop();
    }
  });

  test("behind a FallbackHandler, which passes the body on as it comes", async () => {
    const container = new WSGIContainer("shapes:early", { cwd: applications, workers: 1 });
    await container.start();
    try {
      const application = new Application([[".*", FallbackHandler, { fallback: container }]]);
      await withContainer(application, async ({ connect }) => {
        const client = await connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
        await client.until("ready\n");
        client.send("one\n");
        await client.until("got one\n");
        client.send("two\n");
        assert.equal((await client.response()).body.toString(), "ready\ngot one\ngot two\n");
      });
    } finally {
      await container.stop();
    }
  });

  for (const name of ["Holder.application", "make()"]) {
    test(`with a callable that is named ${name}`, async () => {
      await withWSGI(name, {}, async ({ ask }) => {
        assert.equal((await ask("/")).body.toString(), "plain");
      });
    });
  }
});
