import assert from "node:assert/strict";
import { rmSync, utimesSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { FileWatcher } from "#room/devel/file-watcher";
import { EditedProgram } from "../support/edited-program.js";
import "../support/guard.js";

/** A folder with files, and a watcher on some of them. `checkTime` is an hour: only the system's notifications count. */
function watching(
  context: TestContext,
  names: readonly string[],
  {
    checkTime = 3_600_000,
    ...options
  }: {
    readonly checkTime?: number;
    readonly moreFiles?: () => Iterable<string>;
    readonly counts?: (path: string) => boolean;
  } = {},
): { program: EditedProgram; watcher: FileWatcher } {
  const program = new EditedProgram(context, { "a.js": "1", "b.js": "1", "folder/deep/c.txt": "1" });
  const paths = names.map((name) => program.path(name));
  const watcher = new FileWatcher(paths, { checkTime, ref: true, ...options });
  context.after(() => watcher.close());
  return { program, watcher };
}

describe("FileWatcher", () => {
  test("tells of a file that is written, replaced, touched or created, at once where the system notifies", async (context) => {
    for (const [name, edit] of [
      ["a.js", (program: EditedProgram) => program.write("a.js", "2")],
      ["a.js", (program: EditedProgram) => program.replace("a.js", "2")],
      ["b.js", (program: EditedProgram) => utimesSync(program.path("b.js"), 1, 1)],
      ["new.js", (program: EditedProgram) => program.write("new.js", "")],
    ] as const) {
      const { program, watcher } = watching(context, ["a.js", "b.js", "new.js"]);
      edit(program);
      assert.deepEqual(await watcher.change, [program.path(name)]);
    }
  });

  test("looks by itself where nobody notifies: in folders of folders", async (context) => {
    const { program, watcher } = watching(context, ["folder"], { checkTime: 10 });
    program.write("folder/deep/c.txt", "22");
    assert.deepEqual(await watcher.change, [program.path("folder")]);
  });

  test("a file that vanishes has not changed; when it comes back otherwise, it has", async (context) => {
    let looks = 0;
    let onThird: (() => void) | undefined;
    const third = new Promise<void>((resolve) => {
      onThird = resolve;
    });
    const { program, watcher } = watching(context, ["a.js"], {
      checkTime: 5,
      moreFiles: () => {
        if (++looks === 3) onThird?.();
        return [];
      },
    });
    rmSync(program.path("a.js"));
    looks = 0;
    assert.equal(await Promise.race([third, watcher.change]), undefined);
    program.write("a.js", "another");
    assert.deepEqual(await watcher.change, [program.path("a.js")]);
  });

  test("tells of a burst of changes once it is over, with all files", async (context) => {
    const { program, watcher } = watching(context, ["a.js", "b.js"], { checkTime: 5 });
    let told = false;
    void watcher.change.then(() => {
      told = true;
    });
    program.write("b.js", "2");
    for (let i = 0; i < 20; i++) {
      program.write("a.js", "2".repeat(i));
      await new Promise(setImmediate);
      assert.equal(told, false);
    }
    assert.deepEqual(await watcher.change, [program.path("a.js"), program.path("b.js")]);
  });

  test("a change that does not count is none, and does not hide the next one", async (context) => {
    const asked: string[] = [];
    let onAsked: (() => void) | undefined;
    const firstQuestion = new Promise<void>((resolve) => {
      onAsked = resolve;
    });
    const { program, watcher } = watching(context, ["a.js", "b.js"], {
      counts: (path) => {
        asked.push(path);
        onAsked?.();
        return path === program.path("b.js");
      },
    });
    program.write("a.js", "2");
    await firstQuestion;
    program.write("b.js", "2");
    program.write("a.js", "33");
    assert.deepEqual(await watcher.change, [program.path("b.js")]);
    assert.deepEqual(asked, [program.path("a.js"), program.path("a.js"), program.path("b.js")]);
  });

  test("a file that is added counts from then on, and a closed watcher says nothing", async (context) => {
    const { program, watcher } = watching(context, ["a.js"], { checkTime: 5 });
    const closed = new FileWatcher([program.path("a.js")], { checkTime: 5, ref: false });
    closed.close();
    closed.add(program.path("b.js"));
    watcher.add(program.path("b.js"));
    watcher.add(program.path("b.js"));
    program.write("b.js", "2");
    const first = await Promise.race([closed.change.then(() => "closed"), watcher.change]);
    assert.deepEqual(first, [program.path("b.js")]);
  });

  test("markChanged() tells of a file as if it had changed", async (context) => {
    const { program, watcher } = watching(context, ["a.js", "b.js"]);
    watcher.markChanged(program.path("b.js"));
    assert.deepEqual(await watcher.change, [program.path("b.js")]);
  });
});
