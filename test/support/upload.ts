/** The example of uploads as a process of its own, with a folder that is gone after the test. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Child } from "./child.js";
import { root } from "./root.js";

/** The limits that {@link startShelf} sets, in bytes. */
export const LIMITS = { file: 1_000_000, total: 2_000_000 } as const;

/** A running shelf. */
export interface Shelf {
  readonly base: string;
  readonly child: Child;
  readonly folder: string;
  /** What lies in the folder: the names of contents, without notes; and what is spooled. */
  kept(): Promise<string[]>;
  spooled(): Promise<string[]>;
  /** Resolves when the folder for spooled uploads is empty: it is swept when the response is on its way. */
  nothingSpooled(): Promise<void>;
}

/** Starts the shelf on a free port and resolves when it says its address. */
export async function startShelf(context: TestContext, given?: string): Promise<Shelf> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), "squall-shelf-")));
  const child = Child.start(context, process.execPath, [
    `${root}build/examples/upload/server.js`,
    ...["--port", "0", "--address", "127.0.0.1", "--folder", folder],
    ...["--file-limit", "1", "--total-limit", "2"],
  ]);
  context.after(async () => {
    await child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  const [, port] = await child.prints(/http:\/\/localhost:(\d+)/);
  const spooled = (): Promise<string[]> => readdir(join(folder, ".spool"));
  return {
    base: `http://127.0.0.1:${port}`,
    child,
    folder,
    kept: async () =>
      (await readdir(folder)).filter((name) => !name.startsWith(".") && !name.endsWith(".json")),
    spooled,
    nothingSpooled: async () => {
      while ((await spooled()).length > 0) await new Promise(setImmediate);
    },
  };
}
