/** The page on the architecture speaks of files, classes and methods that are there. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { readDeclarations } from "./support/declarations.js";
import { root } from "./support/root.js";
import { readSources } from "./support/source-tree.js";

const page = readFileSync(`${root}docs/ARCHITECTURE.md`, "utf8");
const declarations = [...readDeclarations().values()].flatMap((file) => [...file.declarations.values()]);
const sources = [...readSources()];

test("every file and folder that is named exists", () => {
  const named = [...page.matchAll(/`((?:[\w-]+\/)+(?:[\w.-]+\.(?:ts|tsv))?|[\w-]+\.ts)`/g)].map(
    ([, path = ""]) => path,
  );
  assert.ok(named.length > 40);
  const exists = (path: string): boolean =>
    existsSync(`${root}src/${path}`) ||
    existsSync(root + path) ||
    (!path.includes("/") && sources.some(([file]) => file.endsWith(`/${path}`)));
  assert.deepEqual(
    named.filter((path) => !exists(path)),
    [],
  );
});

/** The members that a block of code shows, by class; `stream.x()` is one of `BaseIOStream`. */
function shownMembers(text: string): [owner: string, member: string][] {
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  return blocks.flatMap((block) => {
    const owner = /^class (\w+)/m.exec(block)?.[1];
    const inClass = owner === undefined ? [] : [...block.matchAll(/^ {2}(?:readonly )?(\w+)\??[(:]/gm)];
    const onStream = [...block.matchAll(/\bstream\.(\w+)/g)];
    return [
      ...inClass.map(([, name = ""]): [string, string] => [owner ?? "", name]),
      ...onStream.map(([, name = ""]): [string, string] => ["BaseIOStream", name]),
    ];
  });
}

const hasMember = (owner: string, member: string): boolean =>
  declarations.some(({ name, members }) => name === owner && members.some((one) => one.name === member));

test("the classes shown have the members that are shown, and the receiver and the sender no others", () => {
  const shown = shownMembers(page);
  assert.ok(shown.length > 30);
  assert.deepEqual(
    shown.filter(([owner, member]) => member !== "constructor" && !hasMember(owner, member)),
    [],
  );
  for (const owner of ["HTTP1Receiver", "HTTP1Sender"]) {
    const declared = declarations.find(({ name }) => name === owner)?.members.map(({ name }) => name);
    const told = new Set(shown.filter(([name]) => name === owner).map(([, member]) => member));
    assert.deepEqual(
      declared?.filter((name) => !told.has(name)),
      [],
      owner,
    );
  }
});

test("every `Class.method` that is named exists", () => {
  const named = [...page.matchAll(/`([A-Z]\w+)\.(#?\w+)(?:\(\))?`/g)].map(([, owner = "", member = ""]) => ({
    owner,
    member,
  }));
  assert.ok(named.length > 10);
  const exists = ({ owner, member }: { owner: string; member: string }): boolean =>
    hasMember(owner, member) ||
    sources.some(([, text]) => text.includes(`class ${owner}`) && new RegExp(`${member}[(:]`).test(text)) ||
    declarations.some(({ name, bases }) => name === owner && bases.some((base) => hasMember(base, member)));
  assert.deepEqual(
    named.filter((one) => !exists(one)),
    [],
  );
});
