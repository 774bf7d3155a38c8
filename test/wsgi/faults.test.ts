/**
 * What a WSGIContainer does with applications that fail, break the rules, die or never end; and with mistakes
 * at start.
 */
import "../support/guard.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ExpectLog } from "squall/testing";
import { WSGIContainer, type WSGIContainerOptions, WSGIStartError } from "squall/wsgi";
import { InvalidArgumentError, InvalidStateError } from "#room/base/errors";
import { appLog, genLog } from "#room/base/log";
import { needs } from "../support/programs.js";
import { applications, withWSGI } from "../support/wsgi-server.js";

const python = needs("python3");

/** The log lines of a request that failed. */
function expectFailure(status: number, pattern: RegExp): Disposable & { readonly logged: ExpectLog } {
  const logged = new ExpectLog(appLog, pattern, { level: "error" });
  const access = new ExpectLog("squall.access", new RegExp(`^${status} `), { required: false });
  return {
    logged,
    [Symbol.dispose]() {
      access[Symbol.dispose]();
      logged[Symbol.dispose]();
    },
  };
}

describe("an application that fails", python, () => {
  test("before its response is answered with 500, and the traceback is logged", async () => {
    await withWSGI("faults", {}, async ({ ask }) => {
      using failure = expectFailure(500, /^Uncaught exception from shapes:faults for GET \/raise$/);
      const got = await ask("/raise");
      assert.deepEqual([got.status, got.body.length], [500, 0]);
      assert.ok(failure.logged.loggedStack);
      assert.equal((await ask("/")).status, 200);
    });
  });

  test("in mid-response is broken off, never ended, and its iterable is closed", async () => {
    await withWSGI("faults", {}, async ({ ask }) => {
      using _failure = expectFailure(500, /^Uncaught exception from shapes:faults for GET \/raise-late/);
      using closed = new ExpectLog(appLog, /: closed$/);
      const got = await ask("/raise-late");
      assert.deepEqual([got.status, got.body.toString(), got.truncated], [200, "some", true]);
      assert.equal(closed.matched, 1);
    });
  });

  test("with exc_info may replace its head, until it has been sent", async () => {
    await withWSGI("faults", {}, async ({ ask }) => {
      using _access = new ExpectLog("squall.access", /^503 /);
      const replaced = await ask("/replace");
      assert.deepEqual([replaced.status, replaced.reason, replaced.body.toString()], [503, "Sorry", "sorry"]);
      using _failure = expectFailure(500, /^Uncaught exception from shapes:faults for GET \/replace-late/);
      assert.equal((await ask("/replace-late")).truncated, true);
    });
  });

  test("by sys.exit() ends its request and not its worker", async () => {
    await withWSGI("faults", {}, async ({ ask, container }) => {
      const { pids } = container;
      using _failure = expectFailure(500, /^Uncaught exception from shapes:faults for GET \/exit/);
      assert.equal((await ask("/exit")).status, 500);
      assert.equal((await ask("/")).body.toString(), `pid ${pids[0]}`);
    });
  });

  for (const path of [
    "/twice",
    "/never-started",
    "/text",
    "/injection",
    "/injection-status",
    "/injection-name",
    "/hop",
    "/interim",
    "/lengths",
  ]) {
    test(`against the rules of WSGI (${path.slice(1)}) is answered with 500, and nothing that it gave is sent`, async () => {
      await withWSGI("faults", {}, async ({ ask }) => {
        using failure = expectFailure(500, /^Uncaught exception/);
        const got = await ask(path);
        assert.deepEqual([got.status, got.body.length], [500, 0]);
        assert.deepEqual(
          got.headers.map(([name]) => name),
          ["Server", "Date", "Content-Length"],
        );
        assert.ok(failure.logged.loggedStack);
        assert.equal((await ask("/")).status, 200);
      });
    });
  }

  test("with less than its Content-Length is broken off; with more, the rest is not sent", async () => {
    await withWSGI("faults", {}, async ({ ask }) => {
      using closed = new ExpectLog(appLog, /: closed$/);
      {
        using _failure = expectFailure(500, /^Uncaught exception from shapes:faults for GET \/short/);
        const short = await ask("/short");
        assert.deepEqual([short.body.toString(), short.truncated], ["12345", true]);
      }
      const long = await ask("/long");
      assert.deepEqual([long.status, long.body.toString(), long.truncated], [200, "12345", false]);
      using _written = expectFailure(500, /^Uncaught exception from shapes:faults for GET \/long-write/);
      assert.equal((await ask("/long-write")).body.toString(), "12345");
      assert.equal((await ask("/")).status, 200);
      assert.equal(closed.matched, 2);
    });
  });
});

describe("a worker", python, () => {
  test("that is killed in mid-response leaves it broken, and the next request is served", async () => {
    await withWSGI("faults", {}, async ({ ask, container }) => {
      const { pids } = container;
      using _replaced = new ExpectLog(genLog, /was killed by signal 9, restarting$/);
      using _access = new ExpectLog("squall.access", /^502 /);
      const got = await ask("/die");
      assert.deepEqual([got.status, got.body.toString(), got.truncated], [200, "some", true]);
      const next = await ask("/");
      assert.equal(next.status, 200);
      assert.notEqual(next.body.toString(), `pid ${pids[0]}`);
    });
  });

  test("that is killed before the response is a 502", async () => {
    await withWSGI("faults", {}, async ({ ask }) => {
      using _replaced = new ExpectLog(genLog, /was killed by signal 9, restarting$/);
      using _access = new ExpectLog("squall.access", /^502 /);
      assert.equal((await ask("/die-before")).status, 502);
      assert.equal((await ask("/")).status, 200);
    });
  });

  test("that dies more often than maxRestarts says is not replaced: requests get 503", async () => {
    await withWSGI("faults", { maxRestarts: 1 }, async ({ ask }) => {
      using _replaced = new ExpectLog(genLog, /restarting$|answers no more requests$/);
      using _access = new ExpectLog("squall.access", /^50[23] /);
      assert.equal((await ask("/die-before")).status, 502);
      assert.equal((await ask("/die-before")).status, 502);
      assert.equal((await ask("/")).status, 503);
    });
  });

  test("whose client leaves stops the iteration of its response and closes the iterable", async () => {
    await withWSGI("faults", {}, async ({ ask, connect }) => {
      using closed = new ExpectLog(appLog, /: closed$/);
      const client = await connect();
      client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.until("xxxx");
      client.close();
      assert.equal((await ask("/")).status, 200);
      assert.equal(closed.matched, 1);
    });
  });

  test("whose client leaves while it sends its body gets an error from wsgi.input, and serves the next", async () => {
    await withWSGI("echo", {}, async ({ ask, connect }) => {
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome");
      client.close();
      assert.equal((await ask("/")).status, 200);
    });
  });

  test("waits for a client that reads slowly, without keeping the response in memory", async () => {
    await withWSGI("faults", { requestTimeout: 60_000 }, async ({ connect, ask, container }) => {
      using _closed = new ExpectLog(appLog, /: closed$/, { required: false });
      const client = await connect();
      client.socket.pause();
      client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
      // As soon as the sockets on the way are full nothing moves any more, and others wait.
      const before = process.memoryUsage.rss();
      const waits = ask("/").catch(() => undefined);
      while (container.waiting === 0) await new Promise(setImmediate);
      for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
      assert.ok(process.memoryUsage.rss() - before < 100_000_000);
      client.close();
      assert.equal((await waits)?.status, 200);
    });
  });
});

describe("what takes too long", python, () => {
  test("is answered with 504 at requestTimeout, and its worker is replaced", async () => {
    // Long enough for a busy machine to answer the second request in.
    await withWSGI("faults", { requestTimeout: 1000 }, async ({ ask, container }) => {
      const { pids } = container;
      using _replaced = new ExpectLog(genLog, /took longer than 1000 ms for a request/);
      using _access = new ExpectLog("squall.access", /^504 /);
      assert.equal((await ask("/asleep")).status, 504);
      const next = await ask("/");
      assert.equal(next.status, 200);
      assert.notEqual(next.body.toString(), `pid ${pids[0]}`);
    });
  });

  test("is broken off when it has begun to answer", async () => {
    await withWSGI("faults", { requestTimeout: 1000 }, async ({ ask }) => {
      using _replaced = new ExpectLog(genLog, /took longer than 1000 ms for a request/);
      using _access = new ExpectLog("squall.access", /^504 /);
      // The worker is killed, or sees the end of its socket first and closes the iterable.
      using _closed = new ExpectLog(appLog, /: closed$/, { required: false });
      assert.equal((await ask("/endless")).truncated, true);
    });
  });

  test("because the application never reads its body is cut as well", async () => {
    await withWSGI("faults", { requestTimeout: 100 }, async ({ ask }) => {
      using _replaced = new ExpectLog(genLog, /took longer than 100 ms for a request/);
      using _access = new ExpectLog("squall.access", /^504 /);
      assert.equal((await ask("/asleep", { method: "POST", body: "x".repeat(5_000_000) })).status, 504);
    });
  });
});

describe("stop()", python, () => {
  test("lets requests finish, refuses new ones, and resolves when the processes are gone", async () => {
    await withWSGI("early", { threads: 2 }, async ({ connect, ask, container }) => {
      const [pid] = container.pids;
      const client = await connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n");
      await client.until("ready\n");
      const stopped = container.stop();
      using _access = new ExpectLog("squall.access", /^503 /);
      assert.equal((await ask("/")).status, 503);
      client.send("end\n");
      assert.equal((await client.response()).body.toString(), "ready\ngot end\n");
      await stopped;
      assert.deepEqual(container.pids, []);
      assert.throws(() => process.kill(pid!, 0), { code: "ESRCH" });
      await assert.rejects(container.start(), InvalidStateError);
    });
  });

  test("kills what runs at the end of its time", async () => {
    await withWSGI("faults", {}, async ({ connect, container }) => {
      using _access = new ExpectLog("squall.access", /^502 GET \/endless /);
      using _closed = new ExpectLog(appLog, /: closed$/, { required: false });
      const client = await connect();
      client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.until("xxxx");
      await container.stop({ timeout: 0 });
      assert.deepEqual(container.pids, []);
      assert.equal((await client.response()).truncated, true);
    });
  });

  test("before start, and twice, is fine", async () => {
    const container = new WSGIContainer("shapes:plain", { cwd: applications });
    await container.stop();
    await container.stop();
  });

  test("workers end when squall is killed", async () => {
    const { Subprocess } = await import("squall/process");
    const script = `
      import { WSGIContainer } from "squall/wsgi";
      const container = new WSGIContainer("shapes:plain", { cwd: ${JSON.stringify(applications)}, workers: 1 });
      await container.start();
      console.log("the worker is ready");
    `;
    const child = new Subprocess([process.execPath, "--input-type=module", "--eval", script], {
      stdin: "ignore",
      stdout: Subprocess.STREAM,
      cwd: applications,
    });
    const stdout = child.stdout as import("squall/iostream").PipeIOStream;
    await stdout.readUntil(" is ready");
    child.proc.kill("SIGKILL");
    await once(child.proc, "exit");
    // The pipe ends when the worker, which has inherited it, is gone as well.
    await stdout.readUntilClose({ timeout: 20_000 });
  });
});

describe("a mistake at start names the thing and the option", python, () => {
  const cases: readonly (readonly [string, string, WSGIContainerOptions, string | undefined, RegExp])[] = [
    ["no interpreter", "shapes:plain", { python: "python9" }, "python", /python9: ENOENT \(option python\)$/],
    [
      "no virtual environment",
      "shapes:plain",
      { virtualenv: "/nowhere" },
      "virtualenv",
      /\/nowhere\/bin\/python: ENOENT/,
    ],
    ["no folder", "shapes:plain", { cwd: "/nowhere" }, "cwd", /no folder \/nowhere \(option cwd\)/],
    [
      "no folder for modules",
      "shapes:plain",
      { pythonPath: ["/nowhere"] },
      "pythonPath",
      /no folder \/nowhere \(option pythonPath\)/,
    ],
    [
      "no module",
      "nothing_here:plain",
      {},
      "application",
      /no Python module 'nothing_here'; looked in .*support\/wsgi/,
    ],
    [
      "no module of a package",
      "wsgiref.nothing:plain",
      {},
      "application",
      /no Python module 'wsgiref.nothing'/,
    ],
    [
      "a module that needs another",
      "broken:app",
      {},
      "application",
      /'broken' cannot be imported\n.*a_module_that_is_missing/s,
    ],
    ["no callable", "shapes:nobody", {}, "application", /module 'shapes' has no 'nobody'/],
    [
      "what cannot be called",
      "shapes:not_callable",
      {},
      "application",
      /'not_callable' of the module 'shapes' cannot be called/,
    ],
    [
      "a factory that fails",
      "shapes:echo()",
      {},
      "application",
      /echo\(\) of the module 'shapes' has failed\n/,
    ],
  ];
  for (const [what, application, options, option, message] of cases) {
    test(what, async () => {
      const container = new WSGIContainer(application, { cwd: applications, workers: 2, ...options });
      await assert.rejects(container.start(), (error) => {
        assert.ok(error instanceof WSGIStartError);
        assert.equal(error.option, option);
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual(container.pids, []);
      await container.stop();
    });
  }

  test("and the first request starts the workers, but a mistake is a 503 and a line in the log then", async () => {
    const folder = mkdtempSync(join(tmpdir(), "squall-wsgi-"));
    try {
      const { HTTPServer } = await import("squall/httpserver");
      const container = new WSGIContainer("shapes:plain", { cwd: folder, pythonPath: [applications] });
      const server = new HTTPServer(container);
      await server.listen(0, "127.0.0.1");
      assert.equal(await (await fetch(`http://127.0.0.1:${server.port}/`)).text(), "plain");
      await container.stop();
      const other = new WSGIContainer("shapes:nobody", { cwd: applications, workers: 1 });
      const broken = new HTTPServer(other);
      await broken.listen(0, "127.0.0.1");
      using log = new ExpectLog(genLog, /^shapes:nobody cannot be started$/);
      using _access = new ExpectLog("squall.access", /^503 /);
      assert.equal((await fetch(`http://127.0.0.1:${broken.port}/`)).status, 503);
      assert.equal((await fetch(`http://127.0.0.1:${broken.port}/`)).status, 503);
      assert.equal(log.matched, 1);
      for (const one of [server, broken]) {
        await one.stop();
        await one.closeAllConnections({ timeout: 0 });
      }
      await other.stop();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("and options are checked by the constructor", () => {
    for (const options of [
      { workers: 0 },
      { threads: 1.5 },
      { maxQueue: -1 },
      { scriptName: "legacy" },
      { scriptName: "/legacy/" },
      { scriptName: "/a%20b" },
      { pythonPath: "a:b" },
      { python: "python3", virtualenv: "venv" },
      { python_path: [] },
      { queueTimeout: "1s" },
    ]) {
      assert.throws(
        () => new WSGIContainer("shapes:plain", options as WSGIContainerOptions),
        InvalidArgumentError,
        JSON.stringify(options),
      );
    }
    for (const name of ["shapes", "shapes:", ":app", "shapes/app:app", "shapes:app(1)"]) {
      assert.throws(() => new WSGIContainer(name), InvalidArgumentError, name);
    }
  });
});
