/** `HTTPHeaders` beside a plain model: a list of lines, searched from the front. */
import assert from "node:assert/strict";
import { HTTPHeaders } from "squall/httputil";
import { fuzz } from "./support/fuzz.js";
import type { Random } from "./support/random.js";

function normal(name: string): string {
  return name
    .split("-")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase())
    .join("-");
}

class Model {
  lines: [string, string][] = [];

  add(name: string, value: string): void {
    this.lines.push([normal(name), value]);
  }

  set(name: string, value: string): void {
    const at = this.lines.findIndex(([other]) => other === normal(name));
    if (at === -1) {
      this.add(name, value);
      return;
    }
    this.lines[at] = [normal(name), value];
    this.lines = this.lines.filter(([other], i) => i <= at || other !== normal(name));
  }

  delete(name: string): boolean {
    const before = this.lines.length;
    this.lines = this.lines.filter(([other]) => other !== normal(name));
    return this.lines.length < before;
  }

  list(name: string): string[] {
    return this.lines.filter(([other]) => other === normal(name)).map(([, value]) => value);
  }

  get(name: string): string | undefined {
    const values = this.list(name);
    return values.length === 0 ? undefined : values.join(",");
  }

  names(): string[] {
    return [...new Set(this.lines.map(([name]) => name))];
  }

  grouped(): [string, string][] {
    return this.names().flatMap((name) => this.list(name).map((value): [string, string] => [name, value]));
  }
}

const NAMES = [
  "a",
  "A",
  "host",
  "Host",
  "x-y-z",
  "X-Y-Z",
  "set-cookie",
  "content-length",
  "a--b",
  "-",
  "x_1",
  "ETag",
  "__proto__",
  "constructor",
];

function compare(headers: HTTPHeaders, model: Model): void {
  assert.deepEqual([...headers.toRaw()], model.lines.flat());
  assert.deepEqual([...headers.keys()], model.names());
  assert.deepEqual([...headers.getAll()], model.grouped());
  assert.equal(headers.size, model.names().length);
  assert.equal(
    headers.toString(),
    model
      .grouped()
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(""),
  );
  assert.deepEqual(
    [...headers.entries()],
    model.names().map((name) => [name, model.get(name)]),
  );
}

function step(random: Random, headers: HTTPHeaders, model: Model, names: readonly string[]): void {
  const name = random.pick(names);
  const value = random.text("abc,; \u00e9", random.below(5)).trim();
  const action = random.weighted({
    add: 5,
    set: 4,
    delete: 2,
    get: 3,
    update: 1,
    line: 2,
    fold: 2,
    pop: 1,
    setDefault: 1,
    compare: 1,
    clear: 0.05,
  });
  switch (action) {
    case "add":
      headers.add(name, value);
      model.add(name, value);
      break;
    case "set":
      headers.set(name, ` ${value}\t`);
      model.set(name, value);
      break;
    case "delete":
      assert.equal(headers.delete(name), model.delete(name));
      break;
    case "update": {
      const values = [value, "second"];
      headers.update({ [name]: random.chance(0.5) ? values : value });
      // Which of both it was, the model learns from the object.
      const isList = headers.getList(name).length === 2;
      model.set(name, value);
      if (isList) model.add(name, "second");
      break;
    }
    case "line":
      headers.parseLine(`${name}: ${value} \r\n`);
      model.add(name, value);
      break;
    case "fold": {
      headers.parseLine(`${name}: ${value}`);
      headers.parseLine(`\t more ${value}`);
      const more = `more ${value}`.trim();
      model.add(name, `${value} ${more}`);
      break;
    }
    case "pop":
      assert.equal(headers.pop(name), model.get(name));
      model.delete(name);
      break;
    case "setDefault":
      if (model.get(name) === undefined) model.set(name, value);
      assert.equal(headers.setDefault(name, value), model.get(name));
      break;
    case "compare":
      compare(headers, model);
      break;
    case "clear":
      headers.clear();
      model.lines = [];
      break;
    default:
  }
  assert.equal(headers.get(name), model.get(name));
  assert.deepEqual(headers.getList(name), model.list(name));
  assert.equal(headers.has(name), model.get(name) !== undefined);
  assert.equal(headers.rawGet(name.toLowerCase()), model.list(name)[0]);
}

fuzz("HTTPHeaders answers as a plain list of lines does", { runs: 2000 }, (random) => {
  const start = random.list(
    random.pick([0, 0, 3, 40]),
    () => [random.pick(NAMES), random.text("ab", 2)] as [string, string],
  );
  const raw = start.flat();
  const untouched = [...raw];
  const headers = random.chance(0.5) ? HTTPHeaders.fromRaw(raw) : new HTTPHeaders();
  const model = new Model();
  if (headers.has(raw[0] ?? "-none-")) for (const [name, value] of start) model.add(name, value);
  const names = random.list(random.between(1, NAMES.length), () => random.pick(NAMES));
  const steps = random.pick([3, 10, 100]);
  let copied: [HTTPHeaders, string[]] | undefined;
  for (let i = 0; i < steps; i++) {
    if (random.chance(0.05)) copied = [headers.copy(), model.lines.flat()];
    step(random, headers, model, names);
  }
  compare(headers, model);
  // Nobody's array was written into, no copy changed.
  assert.deepEqual(raw, untouched);
  if (copied !== undefined) assert.deepEqual([...copied[0].toRaw()], copied[1]);
});
