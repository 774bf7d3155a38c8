/**
 * The order of everyday values, for priority queues: numbers, strings, bigints, dates and booleans by size,
 * and arrays element by element, so that `[priority, data]` works as a tuple does in Python. What has no
 * order against each other (a number and a string, two objects) is an error and not a silent disorder, which
 * is what `<` would give.
 */
import { inspect } from "node:util";
import { InvalidArgumentError } from "../../base/errors.js";

/**
 * Compares as `Array.sort` wants it; throws an {@link InvalidArgumentError} for what has no natural order.
 */
export function compareNaturally(a: unknown, b: unknown): number {
  if (Array.isArray(a) && Array.isArray(b)) return compareElements(a, b);
  const left = sortable(a);
  const right = sortable(b);
  const comparable = isNumeric(left) ? isNumeric(right) : typeof left === typeof right;
  if (left === undefined || right === undefined || !comparable) {
    throw new InvalidArgumentError(
      `${shown(a)} and ${shown(b)} have no natural order; give the PriorityQueue a compare function`,
    );
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * The first difference decides; a beginning of the other comes first. Two elements without an order (the jobs
 * behind equal priorities) are a tie, where Python would fail on the day when two priorities are equal.
 */
function compareElements(a: readonly unknown[], b: readonly unknown[]): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const order = hasOrder(a[i]) || hasOrder(b[i]) ? compareNaturally(a[i], b[i]) : 0;
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function hasOrder(value: unknown): boolean {
  return Array.isArray(value) || sortable(value) !== undefined;
}

type Sortable = number | bigint | string;

function sortable(value: unknown): Sortable | undefined {
  switch (typeof value) {
    case "number":
      return Number.isNaN(value) ? undefined : value;
    case "bigint":
    case "string":
      return value;
    case "boolean":
      return Number(value);
    default:
      return value instanceof Date ? sortable(value.getTime()) : undefined;
  }
}

function isNumeric(value: Sortable | undefined): boolean {
  return typeof value === "number" || typeof value === "bigint";
}

function shown(value: unknown): string {
  return inspect(value, { depth: 0, maxStringLength: 40 });
}
