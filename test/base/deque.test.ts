import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Deque } from "#room/base/deque";

describe("Deque", () => {
  it("agrees with an array whatever is done to it", () => {
    const script = fc.array(
      fc.tuple(fc.constantFrom("push", "unshift", "shift", "pop", "remove"), fc.nat(30)),
      {
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(script, (steps) => {
        const deque = new Deque<number>();
        const array: number[] = [];
        for (const [what, value] of steps) {
          if (what === "push") {
            deque.push(value);
            array.push(value);
          } else if (what === "unshift") {
            deque.unshift(value);
            array.unshift(value);
          } else if (what === "shift") assert.equal(deque.shift(), array.shift());
          else if (what === "pop") assert.equal(deque.pop(), array.pop());
          else {
            const at = array.indexOf(value);
            assert.equal(deque.remove(value), at >= 0);
            if (at >= 0) array.splice(at, 1);
          }
          assert.equal(deque.length, array.length);
          assert.equal(deque.first, array[0]);
          assert.equal(deque.last, array.at(-1));
        }
        assert.deepEqual([...deque], array);
      }),
    );
  });

  it("keeps the order through growing to many and shrinking back", () => {
    const deque = new Deque<number>([-1]);
    for (let i = 0; i < 10_000; i++) deque.push(i);
    for (let i = -1; i < 10_000; i++) assert.equal(deque.shift(), i);
    assert.equal(deque.shift(), undefined);
    assert.equal(deque.pop(), undefined);
  });

  it("at() answers undefined beyond the ends; clear() forgets all", () => {
    const deque = new Deque(["a", "b"]);
    assert.deepEqual([deque.at(-1), deque.at(0), deque.at(1), deque.at(2)], [undefined, "a", "b", undefined]);
    deque.clear();
    assert.equal(deque.length, 0);
    deque.unshift("c");
    assert.deepEqual([...deque], ["c"]);
  });
});
