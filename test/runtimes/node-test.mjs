// The part of node:test that the suites use, for runtimes whose own node:test cannot run them file by file.
// A file registers its tests while it is imported; run() then runs them in order and reports what becomes of each.
// Titles are joined by " > ", and a test that hangs fails after TIMEOUT milliseconds.

const TIMEOUT = 30_000;

class Suite {
  constructor(title, parent) {
    this.title = title;
    this.parent = parent;
    this.entries = [];
    this.before = [];
    this.after = [];
    this.beforeEach = [];
    this.afterEach = [];
  }
}

const rootSuite = new Suite("", undefined);
let current = rootSuite;

/** node:test takes (title, options, function), and each of the three may be left out. */
function args(all) {
  const title =
    typeof all[0] === "string" ? all[0] : (all.find((arg) => typeof arg === "function")?.name ?? "");
  const options = all.find((arg) => typeof arg === "object" && arg !== null) ?? {};
  return { title, options, fn: all.find((arg) => typeof arg === "function") };
}

export function describe(...all) {
  const { title, options, fn } = args(all);
  if (options.skip || fn === undefined) return;
  const suite = new Suite(title, current);
  current.entries.push(suite);
  const outer = current;
  current = suite;
  try {
    // An asynchronous suite function would need awaiting before the next registration; the suites have none.
    fn();
  } finally {
    current = outer;
  }
}

export function test(...all) {
  current.entries.push(args(all));
  return Promise.resolve();
}

describe.skip = () => {};
test.skip = () => {};
test.todo = () => {};

export const it = test;
export const suite = describe;
export const before = (fn) => void current.before.push(fn);
export const after = (fn) => void current.after.push(fn);
export const beforeEach = (fn) => void current.beforeEach.push(fn);
export const afterEach = (fn) => void current.afterEach.push(fn);

/** mock.method(object, name, implementation): replaces a method and remembers its calls. */
export const mock = {
  mocks: [],
  method(object, name, implementation) {
    const own = Object.getOwnPropertyDescriptor(object, name);
    const original = object[name];
    const calls = [];
    const replacement = function (...parameters) {
      const call = { arguments: parameters, this: this };
      calls.push(call);
      return (implementation ?? original).apply(this, parameters);
    };
    const restore = () => {
      if (own === undefined) delete object[name];
      else Object.defineProperty(object, name, own);
    };
    replacement.mock = {
      calls,
      callCount: () => calls.length,
      restore,
      resetCalls: () => void calls.splice(0),
    };
    Object.defineProperty(object, name, { value: replacement, writable: true, configurable: true });
    mock.mocks.push(restore);
    return replacement;
  },
  restoreAll() {
    for (const restore of mock.mocks.splice(0)) restore();
  },
};

class Skip extends Error {}

async function limited(fn, context, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the test did not end within ${ms} ms`)), ms);
  });
  try {
    await Promise.race([(async () => await fn(context))(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function chain(suiteOf, hook) {
  const hooks = [];
  for (let at = suiteOf; at !== undefined; at = at.parent) hooks.unshift(...at[hook]);
  return hooks;
}

async function runTest({ title, options, fn }, suiteOf, path, report) {
  const name = [...path, title].join(" > ");
  if (options.skip || options.todo || fn === undefined) {
    report({ name, outcome: "skip" });
    return undefined;
  }
  report({ name, begins: true });
  const controller = new AbortController();
  const cleanups = [];
  let failure;
  const step = async (run) => {
    try {
      await run();
    } catch (error) {
      failure ??= error;
    }
  };
  const context = {
    name: title,
    signal: controller.signal,
    after: (cleanup) => void cleanups.push(cleanup),
    before: () => {},
    skip: (reason) => {
      throw new Skip(reason);
    },
    diagnostic: () => {},
    mock,
    test: async (...all) => {
      failure ??= await runTest(args(all), suiteOf, [...path, title], report);
    },
  };
  await step(async () => {
    for (const hook of chain(suiteOf, "beforeEach")) await hook(context);
    await limited(fn, context, options.timeout ?? TIMEOUT);
  });
  controller.abort();
  for (const cleanup of cleanups) await step(() => cleanup(context));
  for (const hook of chain(suiteOf, "afterEach").reverse()) await step(() => hook(context));
  if (failure instanceof Skip) report({ name, outcome: "skip" });
  else if (failure === undefined) report({ name, outcome: "pass" });
  else report({ name, outcome: "fail", error: String(failure?.stack ?? failure) });
  return failure instanceof Skip ? undefined : failure;
}

/** True if a test in the suite is to run; hooks of others would be in vain. */
function hasWanted(suiteOf, path, wanted) {
  return suiteOf.entries.some((entry) =>
    entry instanceof Suite
      ? hasWanted(entry, [...path, entry.title], wanted)
      : wanted([...path, entry.title].join(" > ")),
  );
}

async function runSuite(suiteOf, path, report, wanted) {
  let failed = false;
  if (!hasWanted(suiteOf, path, wanted)) return failed;
  try {
    for (const hook of suiteOf.before) await hook({});
    for (const entry of suiteOf.entries) {
      const below = [...path, entry.title];
      if (entry instanceof Suite) failed = (await runSuite(entry, below, report, wanted)) || failed;
      else if (wanted(below.join(" > ")))
        failed = (await runTest(entry, suiteOf, path, report)) !== undefined || failed;
    }
    for (const hook of suiteOf.after) await hook({});
  } catch (error) {
    failed = true;
    report({ name: [...path, "(hook)"].join(" > "), outcome: "fail", error: String(error?.stack ?? error) });
  }
  return failed;
}

/** Runs what was registered and `wanted(name)` lets pass; `report` gets a line for each test. True if one failed. */
export function run(report, wanted) {
  return runSuite(rootSuite, [], report, wanted);
}
