// A reporter of node:test: one line of JSON for each test that ended, with the titles of its suites before its own.
import { relative } from "node:path";

// biome-ignore lint/style/noDefaultExport: node:test asks reporters for it
export default async function* report(source) {
  /** The titles from the file down to the test that runs, for each file. */
  const stacks = new Map();
  for await (const { type, data } of source) {
    const file = data?.file ?? "";
    if (type === "test:start") {
      const stack = stacks.get(file) ?? [];
      stack.length = data.nesting;
      stack[data.nesting] = data.name;
      stacks.set(file, stack);
    } else if (type === "test:pass" || type === "test:fail") {
      if (data.details?.type === "suite" && type === "test:pass") continue;
      const stack = (stacks.get(file) ?? []).slice(0, data.nesting);
      const error = data.details?.error;
      // A suite fails because a test in it did, which has a line of its own.
      if (error?.failureType === "subtestsFailed") continue;
      const outcome =
        type === "test:fail" ? "fail" : data.skip !== undefined || data.todo !== undefined ? "skip" : "pass";
      yield `${JSON.stringify({
        // Source maps name the source; the list of known differences names the compiled file, as Bun and Deno run it.
        file: relative(process.cwd(), file)
          .replace(/^(?:build\/)?test\//, "")
          .replace(/\.ts$/, ".js"),
        name: [...stack, data.name].join(" > "),
        outcome,
        error:
          error === undefined ? undefined : String(error.cause?.stack ?? error.cause ?? error.stack ?? error),
      })}\n`;
    }
  }
}
