/**
 * Brings a database up to date: runs the scripts of a folder that it has not seen, in the order of their names, all in
 * one transaction. Scripts are never changed once they are out; what comes later is a new one.
 */
import { readdir, readFile } from "node:fs/promises";
import type { Database } from "./database.js";

/** Any number that nothing else locks: of several processes that start at once, one migrates and the others wait. */
const LOCK = 7_285_501;

/** Resolves with the names of the scripts that ran. */
export async function migrate(database: Database, folder: URL): Promise<string[]> {
  const scripts = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return await database.transaction(async ({ query, run }) => {
    await query("SELECT pg_advisory_xact_lock($1)", [LOCK]);
    await run(
      "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const done = new Set(
      (await query<{ name: string }>("SELECT name FROM migration")).map(({ name }) => name),
    );
    const missing = scripts.filter((name) => !done.has(name));
    for (const name of missing) {
      await run(await readFile(new URL(name, folder), "utf8"));
      await query("INSERT INTO migration (name) VALUES ($1)", [name]);
    }
    return missing;
  });
}
