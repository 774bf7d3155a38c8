/**
 * `node:cluster`, at first use: it brings `node:child_process` and `node:dgram` with it, which a program that
 * only imports squall does not need.
 */
import type { Cluster } from "node:cluster";

export function nodeCluster(): Cluster {
  // The types are those of an ES module, whose default export Node itself answers here.
  const module: { readonly default?: Cluster } = process.getBuiltinModule("node:cluster");
  return module.default ?? (module as Cluster);
}
