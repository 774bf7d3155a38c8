/** nginx in front of a squall server, with keep-alive to it, as it is deployed. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, type TestContext, test } from "node:test";
import { Child } from "../support/child.js";
import { needs, pathOf } from "../support/programs.js";
import { type Echo, startWireServer } from "../support/wire-app.js";

/** Starts nginx on a unix socket in a folder of its own, in front of `port`. */
async function startNginx(context: TestContext, port: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "squall-nginx-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const socket = join(folder, "nginx.sock");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr notice;
events { worker_connections 512; }
http {
  access_log off; ${temporary.join(" ")}
  client_max_body_size 16m;
  upstream squall { server 127.0.0.1:${port}; keepalive 4; }
  server {
    listen unix:${socket};
    location / {
      proxy_pass http://squall;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Real-Ip 203.0.113.7;
      proxy_set_header X-Scheme https;
    }
    location /unbuffered/ {
      proxy_pass http://squall/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_buffering off;
    }
  }
}
`,
  );
  const nginx = Child.start(context, pathOf("nginx"), [
    "-p",
    folder,
    "-c",
    join(folder, "nginx.conf"),
    "-e",
    "stderr",
  ]);
  await nginx.prints(/using the "\w+" event method/);
  return socket;
}

/** One request through nginx. */
async function ask(
  socketPath: string,
  path: string,
  { method = "GET", body }: { method?: string; body?: Iterable<string> } = {},
): Promise<{ status: number; text: string }> {
  const sending = request({ socketPath, path, method, headers: { Host: "example.org" } });
  const answered = new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    sending.once("response", resolve).once("error", reject);
  });
  for (const piece of body ?? []) sending.write(piece);
  sending.end();
  const response = await answered;
  return { status: response.statusCode ?? 0, text: await text(response) };
}

describe("nginx in front", needs("nginx"), () => {
  test("keeps few connections for many requests, and passes every answer on", async (context) => {
    const { port, server } = await startWireServer(context);
    const socket = await startNginx(context, port);
    for (let i = 0; i < 200; i++)
      assert.deepEqual(await ask(socket, `/number/${i}`), { status: 200, text: String(i) });
    assert.ok(server.connections <= 4, `${server.connections} connections`);
    const together = await Promise.all(Array.from({ length: 100 }, (_, i) => ask(socket, `/number/${i}`)));
    assert.deepEqual(
      together.map((answer) => answer.text),
      Array.from({ length: 100 }, (_, i) => String(i)),
    );
  });

  test("tells who asked and how, and a server with xheaders believes it", async (context) => {
    for (const xheaders of [true, false]) {
      const { port } = await startWireServer(context, { xheaders });
      const socket = await startNginx(context, port);
      const echo = JSON.parse((await ask(socket, "/echo")).text) as Echo;
      assert.equal(echo.remoteIp, xheaders ? "203.0.113.7" : "127.0.0.1");
      assert.equal(echo.protocol, xheaders ? "https" : "http");
      assert.equal(echo.host, "example.org");
    }
  });

  test("passes uploads on, collected and as they come", async (context) => {
    const { port } = await startWireServer(context);
    const socket = await startNginx(context, port);
    const pieces = Array.from({ length: 200 }, () => "x".repeat(10_000));
    for (const path of ["/echo", "/unbuffered/echo"]) {
      const echo = JSON.parse((await ask(socket, path, { method: "POST", body: pieces })).text) as Echo;
      assert.equal(echo.length, 2_000_000, path);
    }
  });

  test("passes large answers, pieces and errors on", async (context) => {
    const { port } = await startWireServer(context);
    const socket = await startNginx(context, port);
    assert.equal((await ask(socket, "/large?size=5000000")).text.length, 5_000_000);
    assert.equal((await ask(socket, "/unbuffered/pieces")).text, "one\ntwo\nthree\n");
    assert.equal((await ask(socket, "/status/503")).status, 503);
    const large = Array.from({ length: 50 }, () => "x".repeat(100_000));
    assert.equal((await ask(socket, "/echo", { method: "POST", body: large })).status, 413);
  });
});
