/** curl against a squall server. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { run } from "../support/child.js";
import { needs, pathOf } from "../support/programs.js";
import { root } from "../support/root.js";
import { type Echo, startWireServer } from "../support/wire-app.js";

/** Runs curl to its end; what it prints, line ends as \n. */
async function curl(context: TestContext, args: readonly string[], input = ""): Promise<string> {
  const done = await run(
    context,
    pathOf("curl"),
    ["--silent", "--show-error", "--max-time", "20", ...args],
    input,
  );
  assert.equal(done.code, 0, done.output);
  return done.output.replaceAll("\r\n", "\n");
}

describe("curl", needs("curl"), () => {
  test("gets a page over one connection as often as it asks", async (context) => {
    const { base } = await startWireServer(context);
    const url = `${base}/hello`;
    const output = await curl(context, ["-w", " %{http_code} %{num_connects}\n", url, url, url]);
    assert.deepEqual(output.trim().split("\n"), [
      "Hello, world 200 1",
      "Hello, world 200 0",
      "Hello, world 200 0",
    ]);
  });

  test("sees head and headers of a HEAD request, and no body", async (context) => {
    const { base } = await startWireServer(context);
    const output = await curl(context, ["--head", `${base}/hello`]);
    assert.match(output, /^HTTP\/1\.1 200 OK\n/);
    assert.match(output, /^content-length: 12$/im);
    assert.match(output, /^date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/im);
    assert.match(output, /^server: squall\/\d+\.\d+\.\d+/im);
  });

  test("with HTTP/1.0 gets an answer that ends with the connection", async (context) => {
    const { base } = await startWireServer(context);
    assert.equal(await curl(context, ["--http1.0", `${base}/pieces`]), "one\ntwo\nthree\n");
    const output = await curl(context, ["--http1.0", "-i", `${base}/pieces`]);
    assert.doesNotMatch(output, /transfer-encoding/i);
  });

  test("gets pieces chunked, and keeps the connection", async (context) => {
    const { base } = await startWireServer(context);
    const output = await curl(context, ["-i", "-w", "%{num_connects}\n", `${base}/pieces`, `${base}/pieces`]);
    assert.equal(output.match(/^transfer-encoding: chunked$/gim)?.length, 2);
    assert.match(output, /one\ntwo\nthree\n0\n$/);
  });

  test("uploads a body of unknown length, chunked", async (context) => {
    const { base } = await startWireServer(context);
    const body = "0123456789".repeat(100_000);
    const output = await curl(
      context,
      ["-T", "-", "-H", "Transfer-Encoding: chunked", "-H", "Expect:", `${base}/echo`],
      body,
    );
    const echo = JSON.parse(output) as Echo;
    assert.equal(echo.method, "PUT");
    assert.equal(echo.length, body.length);
    assert.equal(echo.sha1, createHash("sha1").update(body).digest("hex"));
  });

  test("that expects 100-continue is told to go on, and sends its body then", async (context) => {
    const { base } = await startWireServer(context);
    const args = [
      "-v",
      "--expect100-timeout",
      "15",
      "-H",
      "Expect: 100-continue",
      "--data-binary",
      "@-",
      `${base}/echo`,
    ];
    const output = await curl(context, args, "x".repeat(100_000));
    assert.match(output, /^< HTTP\/1\.1 100 Continue$/m);
    assert.match(output, /"length": ?100000/);
  });

  test("that announces too large a body reads 413, whether it waits or sends at once", async (context) => {
    const { base } = await startWireServer(context);
    const body = "x".repeat(5 * 2 ** 20);
    for (const expect of ["Expect: 100-continue", "Expect:"]) {
      const args = [
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-H",
        expect,
        "--data-binary",
        "@-",
        `${base}/echo`,
      ];
      assert.equal(await curl(context, args, body), "413", expect);
    }
  });

  test("sends forms: urlencoded and multipart", async (context) => {
    const { base } = await startWireServer(context);
    const plain = await curl(context, [
      "-d",
      "name=Ada&name=Gr%C3%BCn",
      "--data-urlencode",
      "text=a&b=c",
      `${base}/echo?q=1`,
    ]);
    assert.deepEqual((JSON.parse(plain) as Echo).arguments, {
      q: ["1"],
      name: ["Ada", "Grün"],
      text: ["a&b=c"],
    });
    const parts = await curl(
      context,
      ["-F", "name=Ada", "-F", "file=@-;filename=a.txt", `${base}/echo`],
      "content",
    );
    assert.deepEqual((JSON.parse(parts) as Echo).arguments, { name: ["Ada"] });
  });

  test("follows a redirect, and gets 304 for an entity tag it knows", async (context) => {
    const { base } = await startWireServer(context);
    assert.equal(await curl(context, ["-L", `${base}/away`]), "Hello, world");
    const head = await curl(context, ["-i", `${base}/hello`]);
    const etag = /^etag: (.*)$/im.exec(head)?.[1];
    assert.ok(etag !== undefined, head);
    const args = ["-o", "/dev/null", "-w", "%{http_code}", "-H", `If-None-Match: ${etag}`, `${base}/hello`];
    assert.equal(await curl(context, args), "304");
  });

  test("gets a status and its phrase for what fails, and the connection goes on", async (context) => {
    const { base } = await startWireServer(context);
    const format = ["-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n"];
    const urls = ["/none", "/status/418", "/status/503", "/hello"].map((path) => base + path);
    const output = await curl(
      context,
      urls.flatMap((url) => [...format, url]),
    );
    assert.deepEqual(output.trim().split("\n"), ["404 1", "418 0", "503 0", "200 0"]);
    assert.equal(await curl(context, ["-X", "DELETE", ...format, `${base}/hello`]), "405 1\n");
    assert.equal(await curl(context, ["-X", "BREW", ...format, `${base}/hello`]), "501 1\n");
  });

  test("gets ranges of a file, goes on where it stopped, and reads 416 beyond the end", async (context) => {
    const { base } = await startWireServer(context);
    const url = `${base}/docs/errors.md`;
    const file = readFileSync(`${root}docs/errors.md`);
    assert.equal(await curl(context, [url]), file.toString());
    for (const [range, expected] of [
      ["0-4", file.subarray(0, 5)],
      ["7-7", file.subarray(7, 8)],
      ["100-", file.subarray(100)],
      ["-20", file.subarray(-20)],
      ["50-99999999", file.subarray(50)],
    ] as const) {
      const output = await curl(context, ["-w", "%{http_code}", "-r", range, url]);
      assert.equal(output, `${expected.toString()}206`, range);
    }
    const head = await curl(context, ["-o", "/dev/null", "-D", "-", "-r", "2-3", url]);
    assert.match(head, new RegExp(`^content-range: bytes 2-3/${file.length}$`, "im"));
    assert.match(head, /^content-length: 2$/im);
    assert.equal(await curl(context, ["-C", String(file.length - 9), url]), file.subarray(-9).toString());
    const beyond = await curl(context, [
      "-o",
      "/dev/null",
      "-w",
      "%{http_code}",
      "-r",
      `${file.length}-`,
      url,
    ]);
    assert.equal(beyond, "416");
  });

  test("asks for a file that has not changed, by time and by tag", async (context) => {
    const { base } = await startWireServer(context);
    const url = `${base}/docs/errors.md`;
    const head = await curl(context, ["--head", url]);
    const modified = /^last-modified: (.*)$/im.exec(head)?.[1] ?? "";
    const etag = /^etag: (.*)$/im.exec(head)?.[1] ?? "";
    for (const field of [
      `If-Modified-Since: ${modified}`,
      `If-None-Match: ${etag}`,
      `If-None-Match: "x", W/${etag}`,
    ]) {
      assert.equal(
        await curl(context, ["-o", "/dev/null", "-w", "%{http_code}", "-H", field, url]),
        "304",
        field,
      );
    }
    const stale = ["-o", "/dev/null", "-w", "%{http_code}", "-r", "0-1", "-H", 'If-Range: "another"', url];
    assert.equal(await curl(context, stale), "200");
  });

  test("gets a large body whole", async (context) => {
    const { base } = await startWireServer(context);
    const size = 20 * 2 ** 20;
    const output = await curl(context, [
      "-o",
      "/dev/null",
      "-w",
      "%{size_download}",
      `${base}/large?size=${size}`,
    ]);
    assert.equal(output, String(size));
  });
});
