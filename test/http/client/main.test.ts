/** squall fetch: what it prints, where, and how it ends. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import { main } from "squall/httpclient";
import { SSLIOStream } from "squall/iostream";
import { progressLine } from "#room/http/client/main";
import "../../support/guard.js";
import { certificate } from "../../support/certs.js";
import { answering, head, ok, withClient } from "./world.js";

class Text extends Writable {
  text = "";
  isTTY = false;
  columns = 60;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

async function run(answer: string | ((request: string) => string), ...args: string[]) {
  const output = new Text();
  const errors = new Text();
  let status = -1;
  const asked: string[] = [];
  errors.isTTY = args.includes("tty");
  await withClient({}, async ({ listen }) => {
    const port = await listen(
      answering((request) => {
        asked.push(request);
        return typeof answer === "string" ? answer : answer(request);
      }),
    );
    const words = args
      .filter((word) => word !== "tty")
      .map((word) => word.replace("URL", `http://127.0.0.1:${port}/`));
    status = await main({ args: words.map((word) => word.replace("PORT", String(port))), output, errors });
  });
  return { status, output: output.text, errors: errors.text, asked };
}

describe("squall fetch", () => {
  test("prints the body of each URL", async () => {
    assert.deepEqual((await run(ok("hello\n"), "URL", "URL")).output, "hello\nhello\n");
  });

  test("--print-headers prints the fields, --print-body=false leaves the body out", async () => {
    const { output, status } = await run(
      ok("hello", "X-A: 1\r\n"),
      "--print-headers",
      "--print-body=false",
      "URL",
    );
    assert.equal(status, 0);
    assert.match(output, /^Content-Length: 5\nX-A: 1\n\n$/);
  });

  test("--follow-redirects=false prints the redirect, and the status is 1", async () => {
    const answer = (request: string) =>
      request.startsWith("GET /2") ? ok("there") : head("302 R", "Location: /2\r\n");
    assert.equal((await run(answer, "URL")).output, "there");
    const { status, errors } = await run(answer, "--follow-redirects=false", "URL");
    assert.equal(status, 1);
    assert.match(errors, /HTTP 302/);
  });

  test("--proxy-host and --proxy-port ask a proxy", async () => {
    const { asked } = await run(ok(), "--proxy-host=127.0.0.1", "--proxy-port=PORT", "http://a.test/x");
    assert.match(asked[0]!, /^GET http:\/\/a\.test\/x /);
  });

  test("--validate-cert=false takes a certificate that cannot be verified", () =>
    withClient({}, async ({ listen }) => {
      const port = await listen(async (peer) => {
        peer.socket.removeAllListeners("data");
        peer.socket.removeAllListeners("end");
        const stream = new SSLIOStream(peer.socket, { serverSide: true, sslOptions: certificate("server") });
        try {
          await stream.waitForHandshake();
          await stream.readUntil("\r\n\r\n");
          await stream.write(ok("secret"));
        } catch {
          stream.close();
        }
      });
      const output = new Text();
      const errors = new Text();
      const url = `https://localhost:${port}/`;
      assert.equal(await main({ args: [url], output, errors }), 1);
      assert.match(errors.text, /certificate/);
      assert.equal(await main({ args: ["--validate-cert=false", url], output, errors }), 0);
      assert.equal(output.text, "secret");
    }));

  test("an error goes to stderr and makes the status 1, a wrong command line 2", async () => {
    assert.deepEqual(await run(head("404 Nope"), "URL"), {
      ...(await run(head("404 Nope"), "URL")),
      status: 1,
    });
    assert.equal((await run(ok(), "http://127.0.0.1:1/")).status, 1);
    assert.equal((await run(ok())).status, 2);
    assert.equal((await run(ok(), "--bogus", "URL")).status, 2);
    assert.equal((await run(ok(), "--output=x", "URL", "URL")).status, 2);
  });

  test("--output writes a file, with a progress bar on a terminal", async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "squall-fetch-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "out");
    const quiet = await run(ok("x".repeat(1000)), `--output=${file}`, "URL");
    assert.deepEqual([quiet.status, quiet.output, quiet.errors], [0, "", ""]);
    assert.equal(readFileSync(file, "utf8"), "x".repeat(1000));
    const shown = await run(ok("y".repeat(1000)), `--output=${file}`, "URL", "tty");
    assert.match(shown.errors, /\[#+\] 100 % 0\.0 MiB\n$/);
    assert.equal(readFileSync(file, "utf8"), "y".repeat(1000));
  });

  test("progressLine() fits the terminal, and shows no bar without a length", () => {
    assert.equal(progressLine(5_242_880, undefined, 80), "5.0 MiB");
    assert.equal(progressLine(512, 1024, 30), "[#######      ]  50 % 0.0 MiB");
    for (const columns of [10, 20, 40, 200]) {
      const line = progressLine(1, 3, columns);
      assert.ok(line.length < Math.max(columns, 18), `${line.length} of ${columns}`);
    }
  });
});
