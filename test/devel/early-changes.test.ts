import assert from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { describe, test } from "node:test";
import { EarlyChanges, timeOfWriting } from "#room/devel/early-changes";
import { EditedProgram } from "../support/edited-program.js";
import "../support/guard.js";

describe("EarlyChanges", () => {
  test("know a file by its content, in the next process, too", (context) => {
    const program = new EditedProgram(context, { "a.js": "1", "b c:d.js": "1" });
    const changes = new EarlyChanges(undefined);
    for (const name of ["a.js", "b c:d.js"]) {
      assert.equal(changes.isAsListed(program.path(name)), false);
      changes.add(program.path(name));
    }
    const next = new EarlyChanges(String(changes));
    assert.equal(String(next), String(changes));
    program.replace("a.js", "1");
    assert.equal(next.isAsListed(program.path("a.js")), true);
    program.write("a.js", "2");
    assert.equal(next.isAsListed(program.path("a.js")), false);
    assert.equal(next.isAsListed(program.path("b c:d.js")), true);
    next.delete(program.path("b c:d.js"));
    assert.equal(next.isAsListed(program.path("b c:d.js")), false);
  });

  test("hold one content for each file, the last", (context) => {
    const program = new EditedProgram(context, { "a.js": "1" });
    const changes = new EarlyChanges("");
    assert.equal(String(changes), "");
    changes.add(program.path("a.js"));
    program.write("a.js", "2");
    changes.add(program.path("a.js"));
    assert.equal(changes.isAsListed(program.path("a.js")), true);
    program.write("a.js", "1");
    assert.equal(changes.isAsListed(program.path("a.js")), false);
    assert.equal(String(changes).split(" ").length, 1);
  });

  test("a file that is gone, or is a folder, is never as listed", (context) => {
    const program = new EditedProgram(context, { "a.js": "1" });
    const changes = new EarlyChanges(undefined);
    changes.add(program.path("a.js"));
    rmSync(program.path("a.js"));
    assert.equal(changes.isAsListed(program.path("a.js")), false);
    assert.equal(timeOfWriting(program.path("a.js")), undefined);
    mkdirSync(program.path("a.js"));
    assert.equal(changes.isAsListed(program.path("a.js")), false);
    assert.equal(timeOfWriting(program.path("a.js")), undefined);
    changes.add(program.path("a.js"));
    assert.equal(String(changes), "");
  });

  test("a variable of the environment has room for as many as are kept: the newest thousand", (context) => {
    const names = Array.from({ length: 1010 }, (_, index) => `${index}.js`);
    const program = new EditedProgram(context, Object.fromEntries(names.map((name) => [name, name])));
    const changes = new EarlyChanges(undefined);
    for (const name of names) changes.add(program.path(name));
    const next = new EarlyChanges(String(changes));
    assert.ok(String(changes).length < 40_000);
    assert.equal(next.isAsListed(program.path("9.js")), false);
    assert.equal(next.isAsListed(program.path("10.js")), true);
    assert.equal(next.isAsListed(program.path("1009.js")), true);
  });
});
