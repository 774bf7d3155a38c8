import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { runModule } from "../support/module-program.js";
import "../support/guard.js";
import { root } from "../support/root.js";

test("without the package jose, the error says how to install it", () => {
  const folder = mkdtempSync(join(tmpdir(), "squall-jose-"));
  try {
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    for (const layer of ["auth", "base", "protocol", "web"])
      cpSync(join(root, "dist", layer), join(folder, layer), { recursive: true });
    const program = `
      import { importJose } from ${JSON.stringify(pathToFileURL(join(folder, "auth/jose.js")).href)};
      await importJose().catch((error) => console.log(error.code, error.message, error.cause.code));`;
    const { stdout, stderr } = runModule(folder, program);
    assert.match(
      stdout,
      /^ERR_SQUALL_AUTH_LIBRARY .*"jose": npm install jose ERR_MODULE_NOT_FOUND\n$/,
      stderr,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
