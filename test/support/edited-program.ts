/** Programs in a folder of their own, which tests run and edit. */
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { Child } from "./child.js";
import { root } from "./root.js";

/** The compiled command `squall`. */
export const squall: string = join(root, "dist", "cli", "squall.js");

/** Imports of a door that work in a folder without packages. */
export function door(name: string): string {
  return JSON.stringify(`file://${root}dist/${name}.js`);
}

export class EditedProgram {
  readonly folder: string = realpathSync(mkdtempSync(join(tmpdir(), "squall-reload-")));
  readonly #context: TestContext;

  constructor(context: TestContext, files: Readonly<Record<string, string>>) {
    this.#context = context;
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    context.after(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file as simple editors do. */
  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** Writes a file as careful editors do: beside the old one, which it then replaces. */
  replace(name: string, text: string): void {
    this.write(`${name}~`, text);
    renameSync(this.path(`${name}~`), this.path(name));
  }

  /** Starts `node` with these arguments in the folder. It is asked to end when the test is over, since it has children. */
  node(...args: string[]): Child {
    const env = { NODE_TEST_CONTEXT: undefined };
    const child = new Child(process.execPath, args, env, this.folder);
    this.#context.after(() => child.kill("SIGTERM"));
    return child;
  }
}
