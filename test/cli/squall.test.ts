/** The command `squall`, in whole processes. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { describe, test } from "node:test";
import { version } from "squall";
import { door, EditedProgram, squall } from "../support/edited-program.js";
import { root } from "../support/root.js";

/** A program that knows nothing of autoreload. */
const SERVER = `
import { createServer } from "node:http";
import { value } from "./value.mjs";
createServer().listen(0, "127.0.0.1", () => console.log("serving", value, process.argv.slice(2).join("+"), process.execArgv.join("+") + "."));
`;
const value = (text: string): string => `export const value = ${JSON.stringify(text)};\n`;

describe("squall", () => {
  test("tells its version, what it can do, and that it does not know a command", async (context) => {
    const program = new EditedProgram(context, {});
    const told = program.node(squall, "--version");
    assert.deepEqual(await told.ended, { code: 0, signal: null });
    assert.equal(told.output, `${version}\n`);
    for (const [args, code, pattern] of [
      [["--help"], 0, /^usage: squall COMMAND/],
      [[], 2, /^usage: squall COMMAND/],
      [["reload"], 2, /^squall has no command "reload"\n\nusage/],
    ] as const) {
      const child = program.node(squall, ...args);
      assert.deepEqual(await child.ended, { code, signal: null });
      assert.match(child.output, pattern);
    }
  });

  test("is the bin of the package, with a first line for shells", () => {
    const { bin } = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
      bin: Record<string, string>;
    };
    const file = `${root}${bin.squall}`;
    assert.ok(statSync(file).isFile());
    assert.match(readFileSync(file, "utf8"), /^#!\/usr\/bin\/env node\n/);
  });
});

describe("squall autoreload", () => {
  test("runs a script and starts it again when a file changes, though it knows nothing of it", async (context) => {
    const program = new EditedProgram(context, { "main.mjs": SERVER, "value.mjs": value("one") });
    const child = program.node(squall, "autoreload", "--node=--no-warnings", "main.mjs", "--port", "x");
    await child.prints(/serving one --port\+x --no-warnings\./);
    program.write("value.mjs", value("two"));
    await child.prints(/value\.mjs modified; restarting[\s\S]*serving two --port\+x --no-warnings\./);
    program.replace("main.mjs", SERVER.replace("serving", "still serving"));
    await child.prints(/still serving two/);
    assert.deepEqual(await child.kill("SIGTERM"), { code: null, signal: "SIGTERM" });
  });

  test("waits for a change after an error and after the end of the program", async (context) => {
    const program = new EditedProgram(context, { "main.mjs": "throw new Error('not yet');\n" });
    const child = program.node(squall, "autoreload", "main.mjs");
    await child.prints(/not yet[\s\S]*main\.mjs ended with status 1; waiting for a change\n/);
    program.write("main.mjs", "const = 1;\n");
    await child.prints(/SyntaxError[\s\S]*status 1; waiting for a change\n/);
    program.write("main.mjs", "console.log('good at last');\n");
    await child.prints(/good at last[\s\S]*ended with status 0; waiting for a change\n/);
    program.write("main.mjs", "process.kill(process.pid, 'SIGKILL');\n");
    await child.prints(/was ended by SIGKILL; waiting for a change\n/);
    program.write("main.mjs", "console.log('good again');\n");
    await child.prints(/good again[\s\S]*ended with status 0; waiting for a change\n/);
    assert.deepEqual(await child.kill("SIGINT"), { code: null, signal: "SIGINT" });
  });

  test("a script that is not there is waited for", async (context) => {
    const program = new EditedProgram(context, {});
    const child = program.node(squall, "autoreload", "--until-success", "main.mjs");
    await child.prints(/waiting for a change/);
    program.write("main.mjs", "console.log('here it is');\n");
    assert.deepEqual(await child.ended, { code: 0, signal: null });
    assert.match(child.output, /here it is/);
  });

  test("--until-success stops after a run with status 0", async (context) => {
    const program = new EditedProgram(context, { "main.mjs": "process.exitCode = 3;\n" });
    const child = program.node(squall, "autoreload", "--until-success", "main.mjs");
    await child.prints(/status 3; waiting/);
    program.write("main.mjs", "console.log('done');\n");
    assert.deepEqual(await child.ended, { code: 0, signal: null });
    assert.match(child.output, /done\n$/);
  });

  test("-m runs a package by its name, found from the current folder", async (context) => {
    const program = new EditedProgram(context, {
      "node_modules/tool/package.json": JSON.stringify({ type: "module", exports: { import: "./tool.js" } }),
      "node_modules/tool/tool.js": "console.log('tool', process.argv.slice(2).join('+'));",
      "package.json": JSON.stringify({ name: "mine", type: "module", exports: "./mine.js" }),
      "mine.js": "console.log('mine', process.argv.slice(2).join('+')); process.exitCode = 1;",
    });
    const tool = program.node(squall, "autoreload", "--until-success", "-m", "tool", "-x", "y");
    assert.deepEqual(await tool.ended, { code: 0, signal: null });
    assert.equal(tool.output, "tool -x+y\n");
    const mine = program.node(squall, "autoreload", "--until-success", "-m", "mine");
    await mine.prints(/mine \n[\s\S]*status 1; waiting/);
    program.write("mine.js", "console.log('mended');");
    assert.deepEqual(await mine.ended, { code: 0, signal: null });
    assert.match(mine.output, /mended/);
  });

  test("is the supervisor of a program that starts autoreload itself: its hooks run", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `${SERVER}
        import { addReloadHook, start } from ${door("autoreload")};
        addReloadHook(() => console.log("hook of", process.ppid + "."));
        start();`,
      "value.mjs": value("one"),
    });
    const child = program.node(squall, "autoreload", "main.mjs");
    await child.prints(/serving one/);
    program.write("value.mjs", value("two"));
    await child.prints(/serving two/);
    assert.match(child.output, new RegExp(`hook of ${child.pid}\\.`));
  });

  test("ends with the program's status when it is told to stop", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `process.on("SIGINT", () => process.exit(5));${SERVER}`,
      "value.mjs": value("one"),
    });
    const child = program.node(squall, "autoreload", "main.mjs");
    await child.prints(/serving one/);
    assert.deepEqual(await child.kill("SIGINT"), { code: 5, signal: null });
  });

  test("prints how it is used when it does not understand", async (context) => {
    const program = new EditedProgram(context, {});
    for (const [args, code] of [
      [["--help"], 0],
      [[], 2],
      [["-m"], 2],
      [["--nonsense", "main.mjs"], 2],
    ] as const) {
      const child = program.node(squall, "autoreload", ...args);
      assert.deepEqual(await child.ended, { code, signal: null });
      assert.match(child.output, /^usage: squall autoreload/);
    }
  });
});
