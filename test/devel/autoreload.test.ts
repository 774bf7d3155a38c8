/** Autoreload in whole processes: programs in a temporary folder, which are edited while they run. */
import assert from "node:assert/strict";
import { get } from "node:http";
import { describe, test } from "node:test";
import type { Child } from "../support/child.js";
import { door, EditedProgram } from "../support/edited-program.js";

/** A program that starts autoreload and says who it is and what it has read. */
const PROGRAM = `
import { start } from ${door("autoreload")};
import { value } from "./value.mjs";
start();
console.log("run", value, process.pid, process.ppid, process.argv.slice(2).join("+"), process.execArgv.join("+"));
setInterval(() => {}, 1000);
`;

const value = (text: string): string => `export const value = ${JSON.stringify(text)};\n`;

interface Run {
  readonly pid: number;
  readonly parent: number;
  readonly args: string;
  readonly nodeArgs: string;
}

/** Waits for the program to say that it runs with that value. */
async function running(child: Child, which: string): Promise<Run> {
  const [, pid, parent, args = "", nodeArgs = ""] = await child.prints(
    new RegExp(`run ${which} (\\d+) (\\d+) (\\S*) (\\S*)\\n`),
  );
  return { pid: Number(pid), parent: Number(parent), args, nodeArgs };
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("start()", () => {
  test("restarts the program with the same arguments when an imported file changes", async (context) => {
    const program = new EditedProgram(context, { "main.mjs": PROGRAM, "value.mjs": value("one") });
    const child = program.node("--no-warnings", "main.mjs", "--port=1", "two words".replace(" ", "_"));
    const first = await running(child, "one");
    assert.equal(first.pid, child.pid);
    program.write("value.mjs", value("two"));
    const second = await running(child, "two");
    assert.notEqual(second.pid, child.pid);
    assert.deepEqual([second.args, second.nodeArgs], [first.args, first.nodeArgs]);
    assert.equal(first.args, "--port=1+two_words");
    assert.equal(first.nodeArgs, "--no-warnings");
    assert.deepEqual(await child.kill("SIGTERM"), { code: null, signal: "SIGTERM" });
    assert.equal(isAlive(second.pid), false);
  });

  test("the chain of processes does not grow: one supervisor does all later restarts", async (context) => {
    const program = new EditedProgram(context, { "main.mjs": PROGRAM, "value.mjs": value("v1") });
    const child = program.node("main.mjs");
    await running(child, "v1");
    const parents = new Set<number>();
    let last: Run | undefined;
    for (const version of ["v2", "v3", "v4"]) {
      program.replace("value.mjs", value(version));
      const run = await running(child, version);
      if (last !== undefined) assert.equal(isAlive(last.pid), false);
      last = run;
      parents.add(run.parent);
    }
    assert.equal(parents.size, 1);
    assert.ok(!parents.has(child.pid), "the supervisor is a process of its own");
  });

  test("hooks run first, promises are waited for, and a hook that fails is logged", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `${PROGRAM}
        import { addReloadHook } from ${door("autoreload")};
        addReloadHook(() => { throw new Error("this hook is broken"); });
        addReloadHook(async () => { await new Promise(setImmediate); console.log("saved", value); });`,
      "value.mjs": value("one"),
    });
    const child = program.node("main.mjs");
    await running(child, "one");
    for (const [before, after] of [
      ["one", "two"],
      ["two", "three"],
    ] as const) {
      program.write("value.mjs", value(after));
      await running(child, after);
      assert.match(
        child.output,
        new RegExp(
          `error in a reload hook[\\s\\S]*this hook is broken[\\s\\S]*saved ${before}\\n[\\s\\S]*run ${after} `,
        ),
      );
    }
  });

  test("an info line names the file that changed", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `import { enablePrettyLogging } from ${door("log")};\nenablePrettyLogging();\n${PROGRAM}`,
      "value.mjs": value("one"),
    });
    const child = program.node("main.mjs");
    await running(child, "one");
    program.write("value.mjs", value("two"));
    await running(child, "two");
    assert.match(child.output, /\[I .*\] \S*value\.mjs modified; restarting\n/);
  });

  test("a restarted server has its port again, also one that squall knows nothing of", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `
        import { existsSync, readFileSync, writeFileSync } from "node:fs";
        import { createServer } from "node:http";
        import { start } from ${door("autoreload")};
        import { TCPServer } from ${door("tcpserver")};
        import { value } from "./value.mjs";
        start();
        const known = existsSync("port") ? JSON.parse(readFileSync("port", "utf8")) : [0, 0];
        class Echo extends TCPServer { handleStream(stream) { stream.close(); } }
        const echo = new Echo();
        await echo.listen(known[0], { address: "127.0.0.1" });
        const plain = createServer((request, response) => response.end(value)).listen(known[1], "127.0.0.1", () => {
          writeFileSync("port", JSON.stringify([echo.port, plain.address().port]));
          console.log("serving", value, plain.address().port + ".");
        });
        plain.on("close", () => process.exit(0)); // not now: another one needs this process`,
      "value.mjs": value("one"),
    });
    const child = program.node("main.mjs");
    const [, port] = await child.prints(/serving one (\d+)\./);
    const ask = (): Promise<string> =>
      new Promise((resolve, reject) => {
        get(`http://127.0.0.1:${port}/`, { agent: false }, (response) => {
          response.setEncoding("utf8").once("data", resolve);
        }).on("error", reject);
      });
    assert.equal(await ask(), "one");
    program.write("value.mjs", value("two"));
    await child.prints(new RegExp(`serving two ${port}\\.`));
    assert.equal(await ask(), "two");
    program.write("value.mjs", value("three"));
    await child.prints(new RegExp(`serving three ${port}\\.`));
    assert.equal(await ask(), "three");
  });

  test("what changes while the program starts is not lost, and files that the program writes itself restart it once", async (context) => {
    // While a start takes its time, the supervisor sees what is written: that is no reason either.
    for (const pause of [0, 150]) {
      const program = new EditedProgram(context, {
        "main.mjs": `
          import { writeFileSync } from "node:fs";
          import { start, addReloadHook } from ${door("autoreload")};
          import { value } from "./value.mjs";
          import { more } from "./more.mjs";
          for (const name of ["value", "more"]) {
            writeFileSync(new URL("./" + name + ".mjs", import.meta.url), "export const " + name + " = 'written';");
          }
          await new Promise((resolve) => setTimeout(resolve, ${pause}));
          start();
          addReloadHook(() => console.log("hook"));
          console.log("run", value, process.pid, process.ppid, more, "y");
          setInterval(() => {}, 1000);`,
        "value.mjs": value("one"),
        "more.mjs": "export const more = 'one';",
      });
      const child = program.node("main.mjs");
      assert.equal((await running(child, "one")).args, "one");
      assert.equal((await running(child, "written")).args, "written");
      program.replace("main.mjs", "console.log('edited');");
      assert.deepEqual(await child.ended, { code: 0, signal: null });
      assert.match(child.output, /^run one .*\nhook\nrun written .*\nhook\n(?:\[I .*\n)?edited\n$/);
    }
  });

  test("a program that writes its own file and has been edited since is started once for the edit", async (context) => {
    const main = (text: string): string => `
      import { writeFileSync } from "node:fs";
      import { start } from ${door("autoreload")};
      import { value } from "./value.mjs";
      writeFileSync(new URL("./value.mjs", import.meta.url), "export const value = 'written';");
      start();
      console.log("run", value, process.pid, process.ppid, ${JSON.stringify(text)}, "y");
      if (${JSON.stringify(text)} === "last") process.exit(0);
      setInterval(() => {}, 1000);`;
    const program = new EditedProgram(context, { "main.mjs": main("first"), "value.mjs": value("one") });
    const child = program.node("main.mjs");
    await running(child, "one");
    await running(child, "written");
    program.replace("main.mjs", main("second"));
    await child.prints(/ second y\n/);
    program.replace("main.mjs", main("last"));
    assert.deepEqual(await child.ended, { code: 0, signal: null });
    assert.deepEqual(
      Array.from(child.output.matchAll(/run (\S+) .* (\S+) y\n/g), ([, is, text]) => `${is} ${text}`),
      ["one first", "written first", "written second", "written last"],
    );
  });

  test("what is saved while a supervised program starts is not lost", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `
        import { start } from ${door("autoreload")};
        import { value } from "./value.mjs";
        console.log("starting", value + ".");
        if (value === "slow") await new Promise((resolve) => setTimeout(resolve, 10_000));
        start();
        console.log("run", value, process.pid, process.ppid, "x", "y");
        setInterval(() => {}, 1000);`,
      "value.mjs": value("one"),
    });
    const child = program.node("main.mjs");
    await running(child, "one");
    program.write("value.mjs", value("slow"));
    await child.prints(/starting slow\./);
    program.write("value.mjs", value("fast"));
    await running(child, "fast");
    assert.doesNotMatch(child.output, /run slow/);
  });

  test("a syntax error is shown and waited out", async (context) => {
    const program = new EditedProgram(context, { "main.mjs": PROGRAM, "value.mjs": value("one") });
    const child = program.node("main.mjs");
    await running(child, "one");
    program.write("value.mjs", "export const value = = 2;\n");
    await child.prints(/SyntaxError[\s\S]*main\.mjs ended with status 1; waiting for a change/);
    program.write("value.mjs", value("three"));
    await running(child, "three");
    program.write("value.mjs", `import "./later.mjs";\n${value("four")}`);
    await child.prints(/ERR_MODULE_NOT_FOUND[\s\S]*ended with status 1; waiting for a change/);
    program.write("later.mjs", "");
    await running(child, "four");
  });

  test("a signal reaches the program, and the first process ends as the program does", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `process.on("SIGTERM", () => { console.log("closing", value); process.exit(value === "one" ? 1 : 7); });${PROGRAM}`,
      "value.mjs": value("one"),
    });
    const child = program.node("main.mjs");
    await running(child, "one");
    program.write("value.mjs", value("two"));
    await running(child, "two");
    void child.kill("SIGTERM");
    await child.prints(/ended with status 7|closing two/);
    assert.deepEqual(await child.ended, { code: 7, signal: null });
    assert.doesNotMatch(child.output, /closing one/);
  });

  test("when the first process is killed, nothing stays behind", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `process.on("SIGTERM", () => { console.log("closing", value); process.exit(); });${PROGRAM}`,
      "value.mjs": value("one"),
    });
    const child = program.node("main.mjs");
    await running(child, "one");
    program.write("value.mjs", value("two"));
    await running(child, "two");
    // `ended` waits for the end of all who hold the outputs.
    assert.deepEqual(await child.kill("SIGKILL"), { code: null, signal: "SIGKILL" });
    assert.match(child.output, /closing two\n$/);
  });

  test("a program that has been restarted and ends with status 0 ends them all", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `${PROGRAM}\nif (value === "last") process.exit(0);`,
      "value.mjs": value("one"),
    });
    const child = program.node("main.mjs");
    await running(child, "one");
    program.write("value.mjs", value("last"));
    assert.deepEqual(await child.ended, { code: 0, signal: null });
  });

  test("watching does not keep a program alive that is through", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `import { start } from ${door("autoreload")}; start();`,
    });
    assert.deepEqual(await program.node("main.mjs").ended, { code: 0, signal: null });
  });

  test("forked cluster workers never reload: their primary does, and they go with it", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `
        import cluster from "node:cluster";
        import { addReloadHook, start } from ${door("autoreload")};
        import { value } from "./value.mjs";
        const who = cluster.isPrimary ? "primary" : "worker";
        start(20);
        addReloadHook(() => console.log("hook of a", who));
        console.log(who, value, process.pid + ".");
        if (cluster.isPrimary) cluster.fork();
        else process.on("SIGTERM", process.exit).on("exit", () => console.log("end of worker", process.pid + "."));
        setInterval(() => {}, 1000);`,
      "value.mjs": value("one"),
    });
    const child = program.node("main.mjs");
    const [, first] = await child.prints(/worker one (\d+)\./);
    program.write("value.mjs", value("two"));
    const [, second] = await child.prints(/worker two (\d+)\./);
    program.write("value.mjs", value("three"));
    await child.prints(/worker three \d+\./);
    assert.match(child.output, /hook of a primary/);
    assert.doesNotMatch(child.output, /hook of a worker/);
    for (const pid of [first, second]) await child.prints(new RegExp(`end of worker ${pid}\\.`));
  });

  test("starting twice is once; for another loop of the process it warns", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `
        import { start } from ${door("autoreload")};
        import { IOLoop } from ${door("ioloop")};
        start();
        start({ checkTime: 100 });
        console.log("twice.");
        IOLoop.clearCurrent();
        start();`,
    });
    const child = program.node("main.mjs");
    assert.deepEqual(await child.ended, { code: 0, signal: null });
    assert.match(child.output, /twice\.[\s\S]*started more than once in the same process/);
    assert.equal(child.output.split("more than once").length, 2);
    assert.doesNotMatch(child.output.split("twice.")[0] as string, /more than once/);
  });

  test("a program without a file is told that it cannot be restarted", async (context) => {
    const program = new EditedProgram(context, {});
    const code = `const { start } = await import(${door("autoreload")}); start();`;
    const child = program.node("--input-type=module", "--eval", code);
    assert.deepEqual(await child.ended, { code: 0, signal: null });
    assert.match(child.output, /needs a program in a file/);
  });

  test("a check time that is none is refused", async () => {
    const { start } = await import("squall/autoreload");
    assert.throws(() => start(0), /checkTime must be/);
    assert.throws(() => start({ checkTime: Number.NaN }), /checkTime must be/);
  });
});

describe("watch()", () => {
  test("also restarts for other files, folders and what is not there yet", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `
        import { watch } from ${door("autoreload")};
        watch("templates");
        ${PROGRAM}
        watch(import.meta.dirname + "/later.conf");
        console.log("watching", process.pid + ".");`,
      "value.mjs": value("one"),
      "templates/deep/page.html": "1",
    });
    const child = program.node("main.mjs");
    const pids = new Set([(await child.prints(/watching (\d+)\./))[1]]);
    for (const [name, text] of [
      ["templates/deep/page.html", "two"],
      ["later.conf", "x"],
      ["templates/new.html", "3"],
    ] as const) {
      program.write(name, text);
      const others = [...pids].map((pid) => `(?!${pid}\\.)`).join("");
      pids.add((await child.prints(new RegExp(`watching ${others}(\\d+)\\.`)))[1]);
    }
    assert.equal(pids.size, 4);
  });
});

describe("wait()", () => {
  test("keeps a program that is through alive until a file changes", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `
        import { wait } from ${door("autoreload")};
        import { value } from "./value.mjs";
        console.log("tests passed with", value);
        if (value === "last") process.exit(0);
        await wait();`,
      "value.mjs": value("one"),
    });
    const child = program.node("main.mjs");
    await child.prints(/with one/);
    program.replace("value.mjs", value("two"));
    await child.prints(/with two/);
    program.replace("value.mjs", value("last"));
    assert.deepEqual(await child.ended, { code: 0, signal: null });
    assert.match(child.output, /with last/);
  });
});

describe("an application", () => {
  for (const [title, settings] of [
    ["with { debug: true } restarts its process when a file changes", "{ debug: true }"],
    ["with { autoreload: true } restarts its process when a file changes", "{ autoreload: true }"],
  ] as const) {
    test(title, async (context) => {
      const program = new EditedProgram(context, {
        "main.mjs": `
          import { Application } from ${door("web")};
          import { value } from "./value.mjs";
          const server = await new Application([], ${settings}).listen(0, "127.0.0.1");
          console.log("open", value);`,
        "value.mjs": value("one"),
      });
      const child = program.node("main.mjs");
      await child.prints(/open one/);
      program.write("value.mjs", value("two"));
      await child.prints(/open two/);
    });
  }

  test("with { debug: true, autoreload: false } does not watch its files", async (context) => {
    const program = new EditedProgram(context, {
      "main.mjs": `
        import { Application } from ${door("web")};
        import { start } from ${door("autoreload")};
        import { IOLoop } from ${door("ioloop")};
        new Application([], { debug: true, autoreload: false });
        IOLoop.clearCurrent();
        start(); // it would complain, were this the second start
        console.log("through.");`,
    });
    const child = program.node("main.mjs");
    assert.deepEqual(await child.ended, { code: 0, signal: null });
    assert.equal(child.output, "through.\n");
  });
});
