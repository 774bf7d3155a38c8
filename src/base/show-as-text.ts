/**
 * Makes `console.log` show an object as its `toString` does: a debug text instead of a dump of private
 * fields.
 */
import { inspect } from "node:util";

/** To be called from a class's static block with its prototype. */
export function showAsText(prototype: { toString(): string }): void {
  Object.defineProperty(prototype, inspect.custom, {
    configurable: true,
    writable: true,
    value(this: { toString(): string }): string {
      return this.toString();
    },
  });
}
