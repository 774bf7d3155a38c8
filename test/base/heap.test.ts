import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Heap } from "#room/base/heap";

describe("Heap", () => {
  it("gives equal items in the order in which they were added", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5)), (keys) => {
        const heap = new Heap<[number, number]>((a, b) => a[0] - b[0]);
        const items = keys.map((key, i): [number, number] => [key, i]);
        for (const item of items) heap.push(item);
        const taken: unknown[] = [];
        while (heap.length > 0) {
          assert.equal(heap.peek(), [...heap].sort((a, b) => a[0] - b[0] || a[1] - b[1])[0]);
          taken.push(heap.pop());
        }
        assert.deepEqual(
          taken,
          items.sort((a, b) => a[0] - b[0]),
        );
      }),
    );
  });

  it("remove() takes out any item by its handle and leaves the others in order", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.boolean())), (plan) => {
        const heap = new Heap<number>((a, b) => a - b);
        const entries = plan.map(([key]) => heap.push(key));
        for (const [i, [, gone]] of plan.entries()) {
          if (!gone) continue;
          const entry = entries[i];
          assert.ok(entry !== undefined && heap.remove(entry));
          assert.equal(heap.remove(entry), false);
        }
        const rest = plan.filter(([, gone]) => !gone).map(([key]) => key);
        const taken: (number | undefined)[] = [];
        while (heap.length > 0) taken.push(heap.pop());
        assert.deepEqual(
          taken,
          rest.sort((a, b) => a - b),
        );
      }),
    );
  });

  it("an item that was popped or cleared cannot be removed again", () => {
    const heap = new Heap<number>((a, b) => a - b);
    const one = heap.push(1);
    const two = heap.push(2);
    assert.equal(heap.pop(), 1);
    assert.equal(heap.remove(one), false);
    heap.clear();
    assert.equal(heap.remove(two), false);
    assert.equal(heap.pop(), undefined);
    assert.equal(heap.peek(), undefined);
  });
});
