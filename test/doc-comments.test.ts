/**
 * What users see in their editors is a contract: everything that a door exports says what it promises, every option
 * its default, every error its code; and no signature needs a type that cannot be imported.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Declaration,
  type DeclarationFile,
  lookUp,
  type Member,
  parseDeclarations,
  readDeclarations,
} from "./support/declarations.js";
import { isDoor } from "./support/source-tree.js";

type Files = ReadonlyMap<string, DeclarationFile>;

/** What the doors export, each declaration once. */
function publicDeclarations(files: Files): Set<Declaration> {
  const found = new Set<Declaration>();
  for (const [file, { reexports }] of files) {
    if (!isDoor(file)) continue;
    for (const { file: from, name } of reexports.values()) {
      const declaration = lookUp(files, from, name);
      assert.ok(
        declaration !== undefined,
        `${file} exports ${name} of ${from}, which has no such declaration`,
      );
      found.add(declaration);
    }
  }
  return found;
}

/** A declaration and all that it inherits from, as far as it is the project's own. */
function lineage(
  files: Files,
  declaration: Declaration,
  seen: Set<Declaration> = new Set(),
): Set<Declaration> {
  seen.add(declaration);
  for (const name of declaration.bases) {
    const base = lookUp(files, declaration.file, name);
    if (base !== undefined && !seen.has(base)) lineage(files, base, seen);
  }
  return seen;
}

/** Members whose meaning is that of the language. */
const STANDARD = /^(constructor|toString|toJSON|then|catch|finally|length|size|\[.*\])$/;

/** Members that say nothing, neither here nor where they are inherited from. */
function silentMembers(files: Files, declaration: Declaration): string[] {
  const family = [...lineage(files, declaration)];
  return declaration.members
    .filter(({ name, doc }) => doc === "" && !STANDARD.test(name))
    .filter(
      ({ name }) => !family.some(({ members }) => members.some((one) => one.name === name && one.doc !== "")),
    )
    .map(({ name }) => `${declaration.file}: ${declaration.name}.${name} has no doc comment`);
}

const isOptions = ({ kind, name }: Declaration): boolean =>
  kind === "interface" && /(Options|Config|Settings|Shape|Init)$/.test(name);

/** Optional members of options that do not say what holds without them. */
function withoutDefault(declaration: Declaration): string[] {
  const isSilent = ({ optional, doc }: Member): boolean => optional && !/\bdefault/i.test(doc);
  return declaration.members
    .filter(isSilent)
    .map(({ name }) => `${declaration.file}: ${declaration.name}.${name} does not say its default`);
}

/** Errors of ours, whose comments name no code, nor those of the classes they extend. */
function withoutCode(files: Files, declaration: Declaration): string[] {
  const family = [...lineage(files, declaration)];
  if (declaration.kind !== "class" || !family.some(({ name }) => name === "SquallError")) return [];
  if (declaration.name === "SquallError" || family.some(({ doc }) => /ERR_SQUALL_[A-Z]/.test(doc))) return [];
  return [`${declaration.file}: ${declaration.name} does not name its code`];
}

const isForUsers = ({ doc }: Member): boolean => !doc.includes("@internal");

/** What stays inside although a signature names it. */
const SEAMS: ReadonlyMap<string, string> = new Map([
  ["Handler", "how the files of web/ see a handler; users have RequestHandler itself"],
  ["App", "how the router inside an application sees it"],
  ["ExchangeHost", "how an exchange sees its connection"],
  ["MessageOwner", "how the reader of a connection sees it"],
  ["MemorySocket", "what NetworkSocket promises is all that users of a memory network need"],
  ["Settle", "of protected methods by which plain and TLS streams share their connecting"],
]);

/** Names that a public declaration needs and no door exports. Helpers that their own file keeps need no name outside. */
function hiddenNames(files: Files, open: ReadonlySet<Declaration>, declaration: Declaration): string[] {
  const text = [declaration.text, ...declaration.members.filter(isForUsers).map(({ text }) => text)].join(
    "\n",
  );
  const names = new Set([...text.matchAll(/(?<![\w.$"'#])[A-Z]\w*/g)].map(([name]) => name));
  return [...names].flatMap((name) => {
    const found = lookUp(files, declaration.file, name);
    if (found === undefined || open.has(found) || found === declaration) return [];
    if (!found.exported || SEAMS.has(name)) return [];
    return [`${declaration.file}: ${declaration.name} needs ${name}`];
  });
}

describe("the public surface", () => {
  const files = readDeclarations();
  const open = publicDeclarations(files);
  const all = [...files.values()].flatMap(({ declarations }) => [...declarations.values()]);

  test("everything that a door exports has a doc comment", () => {
    assert.ok(open.size > 200);
    assert.deepEqual(
      [...open].filter(({ doc }) => doc === "").map(({ file, name }) => `${file}: ${name}`),
      [],
    );
  });

  test("every member of an exported class or interface has a doc comment, its own or an inherited one", () => {
    assert.deepEqual(
      [...open].flatMap((declaration) => silentMembers(files, declaration)),
      [],
    );
  });

  test("every optional member of options says its default", () => {
    assert.deepEqual(
      all
        .filter(({ exported }) => exported)
        .filter(isOptions)
        .flatMap(withoutDefault),
      [],
    );
  });

  test("every exported error class names its code, or its base does", () => {
    assert.deepEqual(
      [...open].flatMap((declaration) => withoutCode(files, declaration)),
      [],
    );
  });

  test("no public signature needs a type that no door exports", () => {
    assert.deepEqual(
      [...open].flatMap((declaration) => hiddenNames(files, open, declaration)),
      [],
    );
  });
});

describe("the checks bite", () => {
  const source = `/** The file. */
import type { Hidden } from "./hidden.js";
import { type Base as Root } from "./base.js";
/** Something. */
export interface SomeOptions extends Root {
    /** How many; default 3. */
    readonly many?: number | undefined;
    /** How few. */
    readonly few?: {
        readonly inner?: number;
    };
    readonly needed: string;
}
export declare class BadError extends SquallError {
    #private;
    private secret;
    /** Known. */
    get code(): string;
    silent(hidden: Hidden, options?: {
        /** Not a member of the class. */
        x?: number;
    }): void;
}
/** Says ERR_SQUALL_GOOD. */
export declare class GoodError extends BadError {
    silent(): void;
    inherited(): void;
}
export declare function twice(a: string): void;
/** At the second. */
export declare function twice(a: number): void;
type Local = [
    Hidden
];
export {};
`;
  const files: Files = new Map([
    ["net/x.ts", parseDeclarations("net/x.ts", source)],
    [
      "net/base.ts",
      parseDeclarations("net/base.ts", "export declare class SquallError {\n}\nexport interface Base {\n}\n"),
    ],
    ["net/hidden.ts", parseDeclarations("net/hidden.ts", "export type Hidden = 1;\n")],
    [
      "x.ts",
      parseDeclarations("x.ts", 'export { type SomeOptions, BadError as Error } from "./net/x.js";\n'),
    ],
  ]);
  const of = (name: string): Declaration => {
    const found = lookUp(files, "net/x.ts", name);
    assert.ok(found !== undefined);
    return found;
  };

  test("declarations are found with their comments, members, bases and overloads", () => {
    assert.deepEqual(
      [...(files.get("net/x.ts") as DeclarationFile).declarations.values()].map(
        ({ name, kind, exported, doc, bases }) => [name, kind, exported, doc, bases.join()],
      ),
      [
        ["SomeOptions", "interface", true, "/** Something. */", "Root"],
        ["BadError", "class", true, "", "SquallError"],
        ["GoodError", "class", true, "/** Says ERR_SQUALL_GOOD. */", "BadError"],
        ["twice", "function", true, "/** At the second. */", ""],
        ["Local", "type", false, "", ""],
      ],
    );
    assert.deepEqual(
      of("BadError").members.map(({ name }) => name),
      ["code", "silent"],
    );
    assert.equal(of("Root").name, "Base");
    assert.deepEqual(
      [...publicDeclarations(files)].map(({ name }) => name),
      ["SomeOptions", "BadError"],
    );
  });

  test("missing comments, defaults and codes, and hidden names are found", () => {
    const open = publicDeclarations(files);
    assert.deepEqual(withoutDefault(of("SomeOptions")), [
      "net/x.ts: SomeOptions.few does not say its default",
    ]);
    assert.deepEqual(silentMembers(files, of("SomeOptions")), [
      "net/x.ts: SomeOptions.needed has no doc comment",
    ]);
    assert.deepEqual(silentMembers(files, of("GoodError")), [
      "net/x.ts: GoodError.silent has no doc comment",
      "net/x.ts: GoodError.inherited has no doc comment",
    ]);
    assert.deepEqual(withoutCode(files, of("GoodError")), []);
    assert.deepEqual(hiddenNames(files, open, of("BadError")), ["net/x.ts: BadError needs Hidden"]);
    assert.deepEqual(hiddenNames(files, open, of("SomeOptions")), ["net/x.ts: SomeOptions needs Root"]);
  });

  test("an error whose class and bases name no code is found", () => {
    const bare = parseDeclarations(
      "net/x.ts",
      'import { SquallError } from "./base.js";\n/** Bad. */\nexport declare class Bad extends SquallError {\n}\n',
    );
    const tree: Files = new Map([...files, ["net/x.ts", bare]]);
    const declaration = lookUp(tree, "net/x.ts", "Bad") as Declaration;
    assert.deepEqual(withoutCode(tree, declaration), ["net/x.ts: Bad does not name its code"]);
  });
});
