/** fetchHandler() under Node, Bun and Deno: the same program, which runs without any socket, prints the same. */
import "../support/guard.js";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { needsPackages } from "../support/interop.js";
import { root } from "../support/root.js";

const door = (name: string): string => pathToFileURL(join(root, "dist", `${name}.js`)).href;
const modules = join(root, "test", "interop", "node_modules");

const PROGRAM = `
  import { fetchHandler } from "${door("fetch")}";
  import { Application, RequestHandler } from "${door("web")}";

  class Main extends RequestHandler {
    get() {
      this.addHeader("Set-Cookie", "a=1");
      this.addHeader("Set-Cookie", "b=2");
      this.write("Hello from " + this.request.remoteIp);
    }
    post() {
      this.write(this.request.body);
    }
    async put() {
      for (const piece of ["one", "two"]) {
        this.write(piece);
        await this.flush();
      }
    }
  }
  const handle = fetchHandler(new Application([["/", Main]]));
  const ask = (init) => handle(new Request("http://localhost/", init), { remoteIp: "203.0.113.9" });
  const got = await ask();
  console.log(got.status, await got.text(), got.headers.getSetCookie().join(" "));
  console.log(await (await ask({ method: "POST", body: "x".repeat(300000) })).text().then((text) => text.length));
  console.log(await (await ask({ method: "PUT" })).text());
  console.log((await ask({ method: "HEAD" })).status);
  process.exit();
`;
const OUTPUT = "200 Hello from 203.0.113.9 a=1 b=2\n300000\nonetwo\n405\n";

// Below the package, whose dependencies Deno looks up from the place of the program.
const folder = mkdtempSync(join(root, "build", "fetch-runtimes-"));
const program = join(folder, "program.mjs");
writeFileSync(program, PROGRAM);
after(() => rmSync(folder, { recursive: true }));

async function output(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, [...args, program], { timeout: 60_000 });
  return stdout;
}

describe("a squall application answers without a socket", () => {
  test("under Node", async () => {
    assert.equal(await output(process.execPath, []), OUTPUT);
  });

  test("under Bun", needsPackages("bun"), async () => {
    assert.equal(await output(join(modules, "@oven", "bun-linux-x64", "bin", "bun"), ["run"]), OUTPUT);
  });

  test("under Deno", needsPackages("deno"), async () => {
    const deno = join(modules, "@deno", "linux-x64-glibc", "deno");
    assert.equal(
      await output(deno, ["run", "--allow-all", "--no-lock", "--node-modules-dir=manual"]),
      OUTPUT,
    );
  });
});
