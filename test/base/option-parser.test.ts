import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, mock } from "node:test";
import {
  Duration,
  define,
  formatDuration,
  Integer,
  Error as OptionError,
  OptionParser,
  options,
} from "squall/options";

declare module "squall/options" {
  interface DefinedOptions {
    squallTestOption: number;
  }
}

const optionError = { name: "OptionError", code: "ERR_SQUALL_OPTION" };
const nowhere = { write: () => true };

/** What `action` makes the process print on stderr. */
function stderrOf(action: () => void): string {
  let printed = "";
  const write = mock.method(process.stderr, "write", (text: string) => {
    printed += text;
    return true;
  });
  try {
    action();
  } finally {
    write.mock.restore();
  }
  return printed;
}

/** Typed access by property, which a program would declare. */
function properties(parser: OptionParser): Record<string, unknown> {
  return parser as unknown as Record<string, unknown>;
}

describe("OptionParser", () => {
  it("define() gives an option whose value has the type of the default, for the compiler too", () => {
    const parser = new OptionParser();
    const port = parser.define("port", { default: 8888 });
    port.value satisfies number;
    const name = parser.define("name");
    name.value satisfies string | undefined;
    const hosts = parser.define("hosts", { multiple: true });
    hosts.value satisfies string[];
    const ids = parser.define("ids", { multiple: true, type: Integer });
    ids.value satisfies number[];
    const when = parser.define("when", { type: Date });
    when.value satisfies Date | undefined;
    const wait = parser.define("wait", { type: Duration, default: 1500 });
    wait.value satisfies number;
    const url = parser.define("url", { type: (text) => new URL(text) });
    url.value satisfies URL | undefined;
    const debug = parser.define("debug", { default: false });
    debug.value satisfies boolean;
    const rest = parser.parseCommandLine([
      "prog",
      "--port=80",
      "--hosts=a,b",
      "--ids=1:3,7",
      "--when=2026-01-31 12:34",
      "--wait=1h 30m",
      "--url=http://a/b",
      "-debug",
      "file",
    ]);
    assert.deepEqual(rest, ["file"]);
    assert.deepEqual(
      [port.value, name.value, hosts.value, ids.value, wait.value, url.value?.pathname, debug.value],
      [80, undefined, ["a", "b"], [1, 2, 3, 7], 5_400_000, "/b", true],
    );
    assert.deepEqual(when.value, new Date(2026, 0, 31, 12, 34));
  });

  it("define() gives the callback the same type, and no other passes the compiler", () => {
    const parser = new OptionParser();
    const seen: number[] = [];
    parser.define("a", { default: 1, callback: (value) => seen.push(value.valueOf()) });
    parser.define("b", { type: Integer, multiple: true, callback: (values) => seen.push(...values) });
    const b = parser.define("c", { type: String });
    // @ts-expect-error: an option without default may have no value
    b.value satisfies string;
    parser.parseCommandLine(["prog", "--a=2", "--b=3:4"]);
    assert.deepEqual(seen, [2, 3, 4]);
    assert.equal(b.value, undefined);
  });

  it("takes log_file, log-file and logFile for the same name, on the command line and in code", () => {
    const parser = new OptionParser();
    parser.define("log_file", { default: "a" });
    parser.parseCommandLine(["prog", "--log-file=b"]);
    assert.deepEqual(
      [parser.get("logFile"), properties(parser)["log-file"], properties(parser).log_file],
      ["b", "b", "b"],
    );
    properties(parser).logFile = "c";
    assert.ok(parser.has("log-file") && "logFile" in parser);
    assert.equal(parser.get("log_file"), "c");
    assert.throws(() => parser.define("log-file"), optionError);
  });

  it("define() refuses a name for the second time and says which file had it first", () => {
    const parser = new OptionParser();
    parser.define("port");
    assert.throws(
      () => parser.define("port"),
      (error: Error) => error instanceof OptionError && error.message.includes("option-parser.test"),
    );
  });

  it("define() refuses a default that is not of the type, and a type that is none", () => {
    const parser = new OptionParser();
    // @ts-expect-error: the compiler refuses it, too
    assert.throws(() => parser.define("a", { type: Integer, default: "five" }), optionError);
    // @ts-expect-error: the same for a list
    assert.throws(() => parser.define("b", { multiple: true, default: 80 }), optionError);
    // @ts-expect-error: the same for dates and for a type of one's own
    assert.throws(() => parser.define("b", { type: Date, default: "2026-01-31" }), optionError);
    // @ts-expect-error
    parser.define("url", { type: (text) => new URL(text), default: "http://a/" });
    assert.throws(() => parser.define("c", { type: "int" as unknown as typeof String }), {
      code: "ERR_SQUALL_INVALID_ARGUMENT",
    });
    assert.deepEqual([...parser], ["help", "url"]);
  });

  it("parseCommandLine() stops at -- and at the first argument that is no option", () => {
    const parser = new OptionParser();
    const debug = parser.define("debug", { default: false });
    assert.deepEqual(parser.parseCommandLine(["prog", "--", "--debug"]), ["--debug"]);
    assert.deepEqual(parser.parseCommandLine({ args: ["prog", "a", "--debug"] }), ["a", "--debug"]);
    assert.equal(debug.value, false);
  });

  it("parseCommandLine() takes a value behind its option, --port 9000, a negative number included", () => {
    const parser = new OptionParser();
    const port = parser.define("port", { default: 1 });
    const debug = parser.define("debug", { default: false });
    const rest = parser.parseCommandLine(["prog", "--port", "9000", "--debug", "file", "--port", "1"]);
    assert.deepEqual([port.value, debug.value, rest], [9000, true, ["file", "--port", "1"]]);
    parser.parseCommandLine(["prog", "-port", "-5"]);
    assert.equal(port.value, -5);
    assert.throws(() => parser.parseCommandLine(["prog", "--port", "--debug"]), /--port needs a value/);
  });

  it("parseCommandLine() refuses unknown options, missing values and wrong ones, and prints nothing", () => {
    const parser = new OptionParser();
    parser.define("port", { default: 1 });
    parser.define("wait", { type: Duration });
    parser.define("ids", { type: Integer, multiple: true });
    const printed = stderrOf(() => {
      for (const [arg, message] of [
        ["--no-such=1", /^there is no command line option --no-such$/],
        ["--prot=1", /^there is no command line option --prot; did you mean --port\?$/],
        ["--port", /^option --port needs a value, as in --port=VALUE$/],
        ["--port=", /^option port: expected an integer/],
        ["--port=x", /^option port: expected an integer/],
        ["--port=1.5", /^option port: expected an integer/],
        ["--port=9007199254740993", /^option port: expected an integer/],
        ["--wait=1h30m", /^option wait: expected a length of time/],
        ["--wait=1e999", /^option wait: expected a length of time of at most/],
        ["--wait=1e12 days", /^option wait: expected a length of time of at most/],
        ["--ids=1:9999999999", /^option ids: the range/],
      ] as const) {
        assert.throws(() => parser.parseCommandLine(["prog", arg]), { ...optionError, message }, arg);
      }
    });
    assert.equal(printed, "");
  });

  it("an unknown option is refused before any other takes effect", () => {
    const parser = new OptionParser();
    const port = parser.define("port", { default: 1 });
    assert.throws(() => parser.parseCommandLine(["prog", "--port=2", "--prot=3"]), optionError);
    assert.equal(port.value, 1);
  });

  it("a mistake in the arguments of the process ends it with one line on stderr and status 2", () => {
    const parser = new OptionParser();
    parser.define("port", { default: 1 });
    const { argv } = process;
    const exit = mock.method(process, "exit", (code: number) => {
      throw new Error(`exit ${code}`);
    });
    try {
      for (const [args, line] of [
        [
          ["--prot=1"],
          "app.js: there is no command line option --prot; did you mean --port? (--help lists the options)\n",
        ],
        [["--port"], "app.js: option --port needs a value, as in --port=VALUE (--help lists the options)\n"],
        [["--port=x"], "app.js: option port: expected an integer, got 'x' (--help lists the options)\n"],
      ] as const) {
        process.argv = ["node", "/srv/app.js", ...args];
        const printed = stderrOf(() => assert.throws(() => parser.parseCommandLine(), /exit 2/));
        assert.equal(printed, line);
      }
      process.argv = ["node", "/srv/app.js", "--prot=1"];
      assert.throws(() => parser.parseCommandLine({ exit: false }), optionError);
    } finally {
      process.argv = argv;
      exit.mock.restore();
    }
  });

  it("set() and properties refuse values of another type, and names that are not defined", () => {
    const parser = new OptionParser();
    parser.define("port", { default: 80 });
    parser.define("hosts", { multiple: true });
    assert.throws(() => parser.set("port", "80"), optionError);
    assert.throws(() => parser.set("hosts", "a"), optionError);
    assert.throws(() => parser.set("hosts", [1]), optionError);
    assert.throws(() => parser.get("prot"), { ...optionError, message: /"prot"/ });
    assert.throws(() => properties(parser).prot, optionError);
    assert.throws(() => {
      properties(parser).prot = 1;
    }, optionError);
    parser.set("port", null);
    assert.equal(parser.get("port"), undefined);
  });

  it("callbacks of options get each new value, parse callbacks run once after the final parse", () => {
    const parser = new OptionParser();
    const calls: unknown[] = [];
    parser.define("port", { default: 80, callback: (value: number) => calls.push(value) });
    parser.addParseCallback(() => calls.push("parsed"));
    parser.parseCommandLine(["prog", "--port=1", "--port=2"], { final: false });
    parser.parseConfig({ port: 3 });
    assert.deepEqual(calls, [1, 2, 3, "parsed"]);
  });

  it("--help prints all groups to stderr and exits with 0", () => {
    const parser = new OptionParser();
    parser.define("port", { default: 80, help: "where to listen", group: "net" });
    let printed = "";
    const write = mock.method(process.stderr, "write", (text: string) => {
      printed += text;
      return true;
    });
    const exit = mock.method(process, "exit", (code: number) => assert.equal(code, 0));
    try {
      parser.parseCommandLine(["prog", "--help"]);
    } finally {
      write.mock.restore();
      exit.mock.restore();
    }
    assert.equal(exit.mock.callCount(), 1);
    assert.match(printed, /net options:\n\n {2}--port {27}where to listen \(default 80\)\n/);
  });

  it("printHelp() groups options by the file that defines them, unless they name a group", () => {
    const parser = new OptionParser();
    parser.define("mine");
    parser.define("wait", { type: Duration, default: 90_000, group: "b" });
    let text = "";
    parser.printHelp({
      program: "prog",
      file: {
        write(part) {
          text += part;
        },
      },
    });
    assert.match(text, /^Usage: prog \[OPTIONS\]\n/);
    assert.match(text, /option-parser\.test\.[jt]s options:\n\n {2}--mine/);
    assert.match(text, /b options:\n\n {2}--wait {28}\(default 1m 30s\)/);
  });

  it("groups(), groupDict(), asDict() and items() show what there is", () => {
    const parser = new OptionParser();
    parser.define("a", { default: 1, group: "g" });
    parser.define("b_c", { default: 2, group: "h" });
    assert.deepEqual([...parser], ["help", "a", "b_c"]);
    assert.deepEqual(parser.groups(), new Set(["", "g", "h"]));
    assert.deepEqual(parser.groupDict("h"), { b_c: 2 });
    assert.deepEqual(parser.asDict(), { help: undefined, a: 1, b_c: 2 });
    assert.deepEqual([...parser.items()].at(-1), ["b_c", 2]);
  });

  it("mockable() replaces values until they are deleted or the mock is disposed, and each only once", () => {
    const parser = new OptionParser();
    const port = parser.define("port", { default: 80 });
    parser.parseCommandLine(["prog", "--port=81"]);
    const mockable = parser.mockable();
    mockable.port = 5;
    assert.equal(port.value, 5);
    assert.equal(mockable.port, 5);
    assert.throws(() => {
      mockable.port = 6;
    }, optionError);
    delete mockable.port;
    assert.equal(port.value, 81);
    {
      using again = parser.mockable();
      again.port = 7;
      assert.equal(port.value, 7);
    }
    assert.equal(port.value, 81);
  });

  it("is no promise: await gives the parser itself", async () => {
    const parser = new OptionParser();
    assert.equal(await parser, parser);
  });

  it("an option that is named like what objects inherit is a property, one like a method is reached by get()", () => {
    const parser = new OptionParser();
    for (const name of ["constructor", "toString", "__proto__", "define", "get"]) {
      parser.define(name, { default: name.toUpperCase() });
    }
    const own = properties(parser);
    assert.deepEqual(
      [own.constructor, own.toString, Reflect.get(parser, "__proto__")],
      ["CONSTRUCTOR", "TOSTRING", "__PROTO__"],
    );
    assert.equal(typeof own.define, "function");
    assert.deepEqual([parser.get("define"), parser.get("get")], ["DEFINE", "GET"]);
    assert.ok(Reflect.set(parser, "constructor", "set"));
    assert.equal(parser.get("constructor"), "set");
  });

  it("methods of the parser are no options", () => {
    const parser = new OptionParser();
    for (const name of ["define", "parseCommandLine", "parse_command_line", "constructor"]) {
      assert.equal(parser.has(name), false);
      assert.throws(() => parser.get(name), optionError, name);
      assert.throws(() => parser.set(name, 1), optionError, name);
      assert.throws(() => parser.parseCommandLine(["prog", `--${name}=1`]), optionError, name);
    }
    assert.equal(typeof parser.define, "function");
  });

  it("names the nearest option for a misspelt one, in code as well", () => {
    const parser = new OptionParser();
    parser.define("log_file", { default: "a" });
    assert.throws(() => parser.get("logfile"), {
      message: 'there is no option "logfile"; did you mean log_file?',
    });
    assert.throws(() => properties(parser).logFil, /did you mean log_file\?$/);
    assert.throws(() => parser.get("other"), /define it first$/);
  });

  it("printHelp() shows (default []) for an option that takes several values and has no default", () => {
    const parser = new OptionParser();
    parser.define("hosts", { multiple: true, help: "hosts to serve", group: "g" });
    let text = "";
    parser.printHelp({ file: { write: (part) => (text += part) } });
    assert.match(text, /--hosts {26}hosts to serve \(default \[\]\)\n/);
  });

  it("an option may be named like anything that objects have", () => {
    const parser = new OptionParser();
    for (const name of ["__proto__", "constructor", "toString", "define"])
      parser.define(name, { default: "x" });
    parser.parseCommandLine(["prog", "--__proto__=y", "--constructor=z"]);
    assert.deepEqual(
      [parser.get("__proto__"), parser.get("constructor"), parser.get("define")],
      ["y", "z", "x"],
    );
  });
});

describe("parseConfigFile()", () => {
  const folder = mkdtempSync(join(tmpdir(), "squall-options-"));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  it("reads JSON: names that are defined are set, others passed over, text is parsed by type", async () => {
    const parser = new OptionParser();
    parser.define("port", { default: 80 });
    parser.define("wait", { type: Duration });
    parser.define("hosts", { multiple: true });
    let parsed = 0;
    parser.addParseCallback(() => parsed++);
    await parser.parseConfigFile(file("a.json", '{"port": "81", "wait": "2m", "hosts": "a,b", "other": 1}'), {
      final: false,
    });
    assert.deepEqual(
      [parser.get("port"), parser.get("wait"), parser.get("hosts"), parsed],
      [81, 120_000, ["a", "b"], 0],
    );
  });

  it("refuses a name that resembles one that is defined, with file and line; others are somebody else's", async () => {
    const parser = new OptionParser();
    parser.define("port", { default: 80 });
    parser.define("max_size", { default: 1 });
    for (const [name, text, said] of [
      [
        "prot.json",
        '{\n  "name": "x",\n  "prot": 9\n}',
        /prot\.json:3: there is no option "prot"; did you mean port\?$/,
      ],
      ["size.json", '{"maxSiez": 9}', /size\.json:1: there is no option "maxSiez"; did you mean max_size\?$/],
      ["prot.mjs", "export const prot = 9;", /prot\.mjs: there is no option "prot"; did you mean port\?$/],
    ] as const) {
      await assert.rejects(parser.parseConfigFile(file(name, text)), {
        code: "ERR_SQUALL_OPTION",
        message: said,
      });
    }
    assert.throws(() => parser.parseConfig({ prot: 9 }), { code: "ERR_SQUALL_OPTION" });
    await parser.parseConfigFile(file("other.json", '{"max-size": 2, "database": "x", "workers": 3}'));
    await parser.parseConfigFile(file("constants.mjs", "export const PORT = 5, MAX_SIZ = 3;"));
    assert.deepEqual([parser.get("port"), parser.get("max_size")], [80, 2]);
  });

  it("imports a module: its exports or its default export, again after the file has changed", async () => {
    const parser = new OptionParser();
    parser.define("port", { default: 80 });
    parser.define("where", { type: String });
    const path = file("b.mjs", "export const port = 1 + 1; export const where = import.meta.url;");
    await parser.parseConfigFile(path);
    assert.equal(parser.get("port"), 2);
    assert.match(String(parser.get("where")), /b\.mjs/);
    await parser.parseConfigFile(file("c.mjs", "export default { port: 3 };"));
    assert.equal(parser.get("port"), 3);
  });

  it("--config in a callback works: values of JSON are set before the options behind it, and before the call returns", () => {
    const parser = new OptionParser();
    const port = parser.define("port", { default: 80 });
    const name = parser.define("name", { default: "" });
    parser.define("config", {
      type: String,
      callback: (path) => parser.parseConfigFile(path, { final: false }),
    });
    let parsed = 0;
    parser.addParseCallback(() => parsed++);
    const path = file("first.json", '{"port": 81, "name": "from the file"}');
    parser.parseCommandLine(["prog", "--name=before", `--config=${path}`, "--port=82"]);
    assert.deepEqual([port.value, name.value, parsed], [81 + 1, "from the file", 1]);
  });

  it("--config with a module: the options behind it wait, no value can be read before, and ready() resolves", async () => {
    const parser = new OptionParser();
    const port = parser.define("port", { default: 80 });
    const name = parser.define("name", { default: "" });
    parser.define("config", {
      type: String,
      callback: (path) => parser.parseConfigFile(path, { final: false }),
    });
    let parsed = 0;
    parser.addParseCallback(() => parsed++);
    const path = file("first.mjs", "export const port = 81; export const name = 'from the file';");
    assert.deepEqual(parser.parseCommandLine(["prog", `--config=${path}`, "--port=82", "rest"]), ["rest"]);
    assert.equal(parsed, 0);
    assert.throws(() => port.value, { ...optionError, message: /await ready\(\)/ });
    assert.throws(() => parser.asDict(), optionError);
    await parser.ready();
    assert.deepEqual([port.value, name.value, parsed], [82, "from the file", 1]);
    await parser.ready();
  });

  it("ready() rejects with the mistake of the configuration, or of an option behind it", async () => {
    for (const [text, arg, message] of [
      ["export const port = 'x';", "--port=1", /broken\.mjs: option port: expected an integer/],
      ["export const port = 1;", "--port=x", /option port: expected an integer/],
    ] as const) {
      const parser = new OptionParser();
      parser.define("port", { default: 80 });
      parser.define("config", {
        type: String,
        callback: (path) => parser.parseConfigFile(path, { final: false }),
      });
      parser.parseCommandLine(["prog", `--config=${file("broken.mjs", text)}`, arg]);
      await assert.rejects(parser.ready(), { ...optionError, message });
      assert.throws(() => parser.get("port"), optionError);
      rmSync(join(folder, "broken.mjs"));
    }
  });

  it("says file and line of an invalid value, and of JSON that cannot be read", async () => {
    const parser = new OptionParser();
    parser.define("port", { default: 80 });
    const bad = file("lines.json", '{\n  "host": "a",\n  "port": "eighty"\n}');
    await assert.rejects(parser.parseConfigFile(bad), {
      ...optionError,
      message: `${bad}:3: option port: expected an integer, got 'eighty'`,
    });
    const cut = file("cut.json", '{\n  "port": 80,\n');
    await assert.rejects(parser.parseConfigFile(cut), (error: Error) => error.message.includes(`${cut}:3: `));
  });

  it("a mistake in a JSON file named by --config is thrown by parseCommandLine(), with file and line", () => {
    const parser = new OptionParser();
    parser.define("port", { default: 80 });
    parser.define("config", { type: String, callback: (path) => parser.parseConfigFile(path) });
    const bad = file("bad.json", '{\n  "port": "eighty"\n}');
    assert.throws(() => parser.parseCommandLine(["prog", "--config", bad]), {
      ...optionError,
      message: `${bad}:2: option port: expected an integer, got 'eighty'`,
    });
    assert.equal(parser.get("port"), 80);
  });

  it("reads a file that begins with a byte order mark", async () => {
    const parser = new OptionParser();
    parser.define("port", { default: 80 });
    await parser.parseConfigFile(file("bom.json", '\ufeff{"port": 81}'));
    assert.equal(parser.get("port"), 81);
  });

  it("takes a length of time as text or by its units, and refuses a bare number, which has none", () => {
    const parser = new OptionParser();
    const wait = parser.define("wait", { type: Duration });
    parser.parseConfig({ wait: "1m 30s" });
    assert.equal(wait.value, 90_000);
    parser.parseConfig({ wait: { minutes: 2 } });
    assert.equal(wait.value, 120_000);
    parser.parseConfig({ wait: null });
    assert.equal(wait.value, undefined);
    for (const value of [30, [1], true, { days: 1e12 }, { parsecs: 1 }]) {
      assert.throws(() => parser.parseConfig({ wait: value }), optionError, String(value));
    }
    const waits = parser.define("waits", { type: Duration, multiple: true });
    parser.parseConfig({ waits: ["1m", { seconds: 1 }] });
    assert.deepEqual(waits.value, [60_000, 1000]);
    assert.throws(() => parser.parseConfig({ wait: 30 }), /option wait: .*"30 s" or "30 ms"/);
  });

  it("refuses files of other kinds, that cannot be read, and values of a wrong type", async () => {
    const parser = new OptionParser();
    parser.define("port", { default: 80 });
    for (const path of [
      file("x.ini", "port=1"),
      join(folder, "missing.json"),
      file("broken.json", "{"),
      file("list.json", "[]"),
      file("throws.mjs", "throw new Error('no')"),
      file("type.json", '{"port": [1]}'),
    ]) {
      await assert.rejects(parser.parseConfigFile(path), optionError, path);
    }
    rmSync(folder, { recursive: true });
  });
});

describe("Duration and formatDuration()", () => {
  it("read and write the same lengths of time", () => {
    for (const text of ["1d 2h 3m 4s 5.5ms", "90s", "-1h -30m", "0s", "1w", ".5h", "1e3 ms"]) {
      assert.equal(Duration(formatDuration(Duration(text))), Duration(text));
    }
    assert.equal(formatDuration(Duration("1h 30m")), "1h 30m");
  });

  it("takes a number without unit for seconds", () => {
    assert.equal(Duration("30"), 30_000);
  });
});

describe("the options of the program", () => {
  it("know the options of logging, and define() adds to them", () => {
    const option = define("squallTestOption", { default: 1 });
    assert.equal(options.get("squall-test-option"), 1);
    const declared: number = options.squallTestOption;
    assert.equal(declared, 1);
    // @ts-expect-error: the compiler knows what type it has
    const mistaken: string = options.squallTestOption;
    assert.equal(mistaken, 1);
    assert.match(option.file, /option-parser\.test/);
    assert.equal(options.logging, "info");
    options.printHelp({ file: nowhere });
  });
});
