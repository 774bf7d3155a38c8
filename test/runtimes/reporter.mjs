// A reporter of node:test: one line of JSON for each test that ended, with the titles of its suites before its own.

// biome-ignore lint/style/noDefaultExport: node:test asks reporters for it
export default async function* report(source) {
  /** The titles from the outermost suite down to the test that runs; tests may stand in another file than their suite. */
  const stack = [];
  for await (const { type, data } of source) {
    if (type === "test:start") {
      stack.length = data.nesting;
      stack.push(data.name);
    } else if (type === "test:pass" || type === "test:fail") {
      if (data.details?.type === "suite" && type === "test:pass") continue;
      const error = data.details?.error;
      // A suite fails because a test in it did, which has a line of its own.
      if (error?.failureType === "subtestsFailed") continue;
      const outcome =
        type === "test:fail" ? "fail" : data.skip !== undefined || data.todo !== undefined ? "skip" : "pass";
      yield `${JSON.stringify({
        name: [...stack.slice(0, data.nesting), data.name].join(" > "),
        outcome,
        error:
          error === undefined ? undefined : String(error.cause?.stack ?? error.cause ?? error.stack ?? error),
      })}\n`;
    }
  }
}
