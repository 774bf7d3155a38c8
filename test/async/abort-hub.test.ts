import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, test } from "node:test";
import { appLog } from "squall/log";
import { ExpectLog } from "squall/testing";
import { unwatchAbort, watchAbort } from "#room/async/abort-hub";
import { onAbort } from "#room/async/cancel";
import "../support/guard.js";

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

describe("watchAbort()", () => {
  test("tells all members in order through one listener, and none twice", () => {
    const controller = new AbortController();
    const { signal } = controller;
    const seen: string[] = [];
    const member = (name: string): { onAbort(reason: unknown): void } => ({
      onAbort: (reason) => seen.push(`${name} ${reason}`),
    });
    const [a, b, c] = [member("a"), member("b"), member("c")] as const;
    for (const each of [a, b, c, a]) watchAbort(signal, each);
    assert.equal(listeners(signal), 1);
    unwatchAbort(signal, b);
    unwatchAbort(signal, b);
    controller.abort("why");
    assert.deepEqual(seen, ["a why", "c why"]);
    assert.equal(listeners(signal), 0);
    unwatchAbort(signal, a);
  });

  test("leaves no listener when the last member has gone, and can begin again", () => {
    const { signal } = new AbortController();
    const member = { onAbort: (): void => {} };
    for (let i = 0; i < 3; i++) {
      watchAbort(signal, member);
      assert.equal(listeners(signal), 1);
      unwatchAbort(signal, member);
      assert.equal(listeners(signal), 0);
    }
  });

  test("does not tell a member that another one took away meanwhile", () => {
    const controller = new AbortController();
    const seen: string[] = [];
    const second = { onAbort: () => seen.push("second") };
    watchAbort(controller.signal, {
      onAbort: () => {
        seen.push("first");
        unwatchAbort(controller.signal, second);
      },
    });
    watchAbort(controller.signal, second);
    controller.abort();
    assert.deepEqual(seen, ["first"]);
  });

  test("logs what a member throws and tells the others", async () => {
    const controller = new AbortController();
    let told = false;
    onAbort(controller.signal, () => {
      throw new Error("bad listener");
    });
    onAbort(controller.signal, () => {
      told = true;
    });
    await new ExpectLog(appLog, "a listener of an AbortSignal failed").run(() => controller.abort());
    assert.equal(told, true);
  });

  test("lets thousands wait for one signal without a warning of Node", async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", warned);
    const { signal } = new AbortController();
    const undo = Array.from({ length: 5000 }, () => onAbort(signal, () => {}));
    await new Promise(setImmediate);
    for (const each of undo) each();
    process.off("warning", warned);
    assert.deepEqual(warnings, []);
    assert.equal(listeners(signal), 0);
  });
});
