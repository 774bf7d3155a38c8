/**
 * Finds the rules that may match a path without asking each.
 *
 * Rules keep their order: the first that matches wins, whatever this index does. A rule is filed under the
 * literal text that its paths must begin with, in a radix tree; a path collects the rules of the nodes it
 * passes, in the order of the rules. Rules without such text (hosts, custom matchers, expressions that begin
 * with a group) sit at the root and are always asked. The candidates of a path which some rule spells out
 * whole are worked out once and kept in a map, so that a fixed path costs one lookup.
 *
 * The plain twin is a loop over all rules; a property test holds the two together.
 */

/** What the index must know of a rule. */
export interface IndexedRule {
  /** Text that every matching path begins with; empty if unknown. */
  readonly prefix: string;
  /** True if only `prefix` itself matches. */
  readonly exact: boolean;
}

class Node {
  /** The rest of the text on the edge from the parent. */
  label: string;
  /** Numbers of the rules filed here, ascending. */
  rules: number[] = [];
  /** By the first character code of the child's label. */
  readonly children: Map<number, Node> = new Map();

  constructor(label: string) {
    this.label = label;
  }
}

function commonLength(label: string, text: string, from: number): number {
  const limit = Math.min(label.length, text.length - from);
  let length = 0;
  while (length < limit && label.charCodeAt(length) === text.charCodeAt(from + length)) length++;
  return length;
}

const NONE: readonly number[] = [];

/** Candidates by path, for rules that are added at the end. */
export class RouteIndex {
  readonly #root = new Node("");
  readonly #exact = new Map<string, number[]>();

  constructor(rules: readonly IndexedRule[]) {
    const paths = new Map<string, number[]>();
    rules.forEach((rule, number) => {
      if (!rule.exact) {
        this.#insert(rule.prefix, number);
        return;
      }
      const same = paths.get(rule.prefix);
      if (same === undefined) paths.set(rule.prefix, [number]);
      else same.push(number);
    });
    for (const [path, numbers] of paths) {
      this.#exact.set(
        path,
        [...numbers, ...this.#walk(path)].sort((a, b) => a - b),
      );
    }
  }

  #insert(prefix: string, number: number): void {
    let node = this.#root;
    let at = 0;
    while (at < prefix.length) {
      const code = prefix.charCodeAt(at);
      const child = node.children.get(code);
      if (child === undefined) {
        const leaf = new Node(prefix.slice(at));
        node.children.set(code, leaf);
        node = leaf;
        break;
      }
      const length = commonLength(child.label, prefix, at);
      at += length;
      if (length === child.label.length) {
        node = child;
        continue;
      }
      const middle = new Node(child.label.slice(0, length));
      child.label = child.label.slice(length);
      middle.children.set(child.label.charCodeAt(0), child);
      node.children.set(code, middle);
      node = middle;
    }
    node.rules.push(number);
  }

  #walk(path: string): readonly number[] {
    let node = this.#root;
    let found: readonly number[] = node.rules;
    let at = 0;
    for (;;) {
      const child = node.children.get(path.charCodeAt(at));
      if (child === undefined || !path.startsWith(child.label, at)) return found;
      at += child.label.length;
      node = child;
      if (node.rules.length === 0) continue;
      found = found.length === 0 ? node.rules : merge(found, node.rules);
    }
  }

  /** The numbers of the rules that may match the path, ascending. Not to be changed by the caller. */
  candidates(path: string): readonly number[] {
    return this.#exact.get(path) ?? this.#walk(path);
  }
}

/** Two ascending lists as one. */
function merge(left: readonly number[], right: readonly number[]): readonly number[] {
  if (left.length === 0 && right.length === 0) return NONE;
  const both: number[] = [];
  let l = 0;
  let r = 0;
  while (l < left.length && r < right.length) {
    const a = left[l] as number;
    const b = right[r] as number;
    if (a < b) {
      both.push(a);
      l++;
    } else {
      both.push(b);
      r++;
    }
  }
  while (l < left.length) both.push(left[l++] as number);
  while (r < right.length) both.push(right[r++] as number);
  return both;
}
