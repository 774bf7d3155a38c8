// Which part of the declarations a package needs. The compiler writes one declaration file for each module, with all that the
// module exports to others; users can name only what the doors lead to. This walks from the doors' exports over the names in
// each declaration, and keeps those statements with their comments. A comment that opens a file is for those who read the
// sources. What is kept of the rooms is written as one file for each layer, since a tenth of so many small files would be
// what they import from each other.
//
// The compiler's output is regular, which is all that is relied on: a statement at the top level begins in the first column,
// and ends with the first line that closes all its brackets and ends in `;` or `}`.
import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

const IDENTIFIER = /[A-Za-z_$][\w$]*/g;
const COMMENT = /\/\*[\s\S]*?\*\//g;

/** Cuts a file into statements: `{ comment, code }`. */
function statementsOf(text) {
  const statements = [];
  let comment = "";
  let code = "";
  let depth = 0;
  let inComment = false;
  for (const line of text.split("\n")) {
    if (code === "" && (inComment || /^\/[*/]/.test(line))) {
      if (!/^\/\/# sourceMappingURL/.test(line)) comment += `${line}\n`;
      inComment = line.startsWith("//") ? false : !line.includes("*/");
      continue;
    }
    if (code === "" && line === "") continue;
    // A union goes on behind a closing brace.
    if (code === "" && /^\s/.test(line)) ({ comment, code } = statements.pop());
    code += `${line}\n`;
    const bare = inComment ? "" : line.replace(/"(?:[^"\\]|\\.)*"/g, "").replace(/\/\*.*?\*\//g, "");
    if (inComment) inComment = !line.includes("*/");
    else if (/^\s*\/\*/.test(bare)) inComment = true;
    else {
      for (const character of bare) {
        if ("{([".includes(character)) depth++;
        else if ("})]".includes(character)) depth--;
      }
      if (depth === 0 && /[;}]$/.test(line)) {
        statements.push({ comment, code });
        comment = "";
        code = "";
      }
    }
  }
  if (code !== "" || depth !== 0) throw new Error(`a declaration does not end: ${code.slice(0, 200)}`);
  return statements;
}

/** `{ a, b as c, type d }` as pairs of the name outside and the name inside. */
const namesIn = (list) =>
  list
    .split(",")
    .map((part) => part.trim().replace(/^type /, ""))
    .filter((part) => part !== "")
    .map((part) => part.split(" as "))
    .map(([from, to]) => ({ from, to: to ?? from }));

/** What stands in a file: imports, what it exports from elsewhere, and declarations by name. */
function parse(path, text) {
  const file = {
    path,
    statements: statementsOf(text),
    imports: new Map(),
    declared: new Map(),
    exported: new Map(),
    stars: [],
  };
  const place = (target) =>
    target.startsWith(".") ? posix.join(posix.dirname(path), target.replace(/\.js$/, ".d.ts")) : undefined;
  for (const statement of file.statements) {
    const { code } = statement;
    let found =
      /^(import|export)\s+(?:type\s+)?(?:([\w$]+)\s*,?\s*)?(?:\{([^}]*)\}|\*\s+as\s+([\w$]+)|(\*))?\s*from\s*"([^"]+)";$/.exec(
        code.trim(),
      );
    if (found !== null) {
      const [, verb, byDefault, list, namespace, star, target] = found;
      statement.from = {
        verb,
        byDefault,
        names: namesIn(list ?? ""),
        namespace,
        star,
        target,
        place: place(target),
        type: /^\w+\s+type\b/.test(code),
      };
      for (const { from, to } of statement.from.names)
        (verb === "import" ? file.imports : file.exported).set(to, { statement, from });
      if (byDefault !== undefined) file.imports.set(byDefault, { statement, from: "default" });
      if (namespace !== undefined)
        (verb === "import" ? file.imports : file.exported).set(namespace, { statement, from: "*" });
      if (star !== undefined) file.stars.push(statement);
      continue;
    }
    found = /^export\s+(?:type\s+)?\{([^}]*)\};$/.exec(code.trim());
    if (found !== null) {
      statement.list = namesIn(found[1]);
      for (const { from, to } of statement.list) file.exported.set(to, { statement, local: from });
      continue;
    }
    if (/^import\s*"/.test(code) || /^export default|^export =/.test(code))
      throw new Error(`${path}: ${code}`);
    if (/^declare (?:module|global)\b/.test(code)) statement.always = true;
    const head =
      /^(?:export\s+)?(?:declare\s+)?(?:abstract\s+)?(?:class|interface|type|function|const|let|var|enum|namespace)\s+([\w$]+)/.exec(
        code,
      );
    if (head === null && !statement.always)
      throw new Error(`${path}: what is declared here? ${code.slice(0, 100)}`);
    if (head !== null) {
      if (!file.declared.has(head[1])) file.declared.set(head[1], []);
      file.declared.get(head[1]).push(statement);
    }
  }
  return file;
}

/**
 * Takes those interfaces out of `implements` that no door exports: they are between rooms, their members may be internal, and
 * a class without them is the same type.
 */
function withoutInternalInterfaces(file, nameable) {
  for (const statement of file.statements) {
    statement.code = statement.code.replace(/(\bclass [^{]*?) implements ([^{]+) \{/, (_, head, list) => {
      const isPublic = (type) => {
        const name = /[\w$]+/.exec(type)[0];
        return nameable.has(name) || !(file.declared.has(name) || file.imports.has(name));
      };
      const kept = list.split(/, (?![^<]*>)/).filter(isPublic);
      return kept.length === 0 ? `${head} {` : `${head} implements ${kept.join(", ")} {`;
    });
  }
}

/** The declaration files that a package needs, as a map from path to text. */
export function declarationsOf(folder, doors) {
  const files = new Map();
  const nameable = new Set();
  const load = (path) => {
    if (!files.has(path)) {
      const file = parse(path, readFileSync(join(folder, path), "utf8"));
      files.set(path, file);
      withoutInternalInterfaces(file, nameable);
    }
    return files.get(path);
  };
  for (const door of doors) for (const name of load(door).exported.keys()) nameable.add(name);
  const kept = new Set();
  const used = new Set();
  const keep = (file, statement) => {
    if (kept.has(statement)) return;
    kept.add(statement);
    for (const [, target] of statement.code.matchAll(/import\("(\.[^"]+)\.js"\)/g))
      all(`${posix.join(posix.dirname(file.path), target)}.d.ts`);
    for (const [name] of statement.code.replace(COMMENT, " ").matchAll(IDENTIFIER)) local(file, name);
  };
  const local = (file, name) => {
    for (const statement of file.declared.get(name) ?? []) keep(file, statement);
    const from = file.imports.get(name);
    if (from !== undefined) through(from, name);
  };
  const through = ({ statement, from }, to) => {
    const key = `${to} ${from}`;
    statement.used ??= new Set();
    if (statement.used.has(key)) return;
    statement.used.add(key);
    kept.add(statement);
    const { place } = statement.from;
    if (place === undefined) return;
    if (from === "*") all(place);
    else exported(place, from);
  };
  /** Follows an export of a file; true if the file has it. */
  const exported = (path, name) => {
    if (!existsSync(join(folder, path))) throw new Error(`there is no ${path}`);
    const key = `${path} ${name}`;
    if (used.has(key)) return true;
    const file = load(path);
    const elsewhere = file.exported.get(name);
    if (elsewhere !== undefined) {
      used.add(key);
      if (elsewhere.local === undefined) through(elsewhere, name);
      else {
        kept.add(elsewhere.statement);
        elsewhere.statement.used ??= new Set();
        elsewhere.statement.used.add(name);
        local(file, elsewhere.local);
      }
      return true;
    }
    if (file.declared.has(name)) {
      used.add(key);
      local(file, name);
      return true;
    }
    for (const star of file.stars) {
      if (star.from.place !== undefined && exported(star.from.place, name)) {
        kept.add(star);
        return true;
      }
    }
    return false;
  };
  const all = (path) => {
    const file = load(path);
    for (const name of file.exported.keys()) exported(path, name);
    for (const [name, statements] of file.declared)
      if (statements.some(({ code }) => code.startsWith("export"))) exported(path, name);
    for (const star of file.stars) {
      kept.add(star);
      if (star.from.place !== undefined) all(star.from.place);
    }
  };
  for (const door of doors) all(door);
  for (let size = -1; size !== kept.size; ) {
    size = kept.size;
    for (const file of [...files.values()])
      if (file.statements.some((statement) => kept.has(statement)))
        for (const statement of file.statements) if (statement.always) keep(file, statement);
  }
  for (const file of files.values())
    file.statements = file.statements.filter((statement) => kept.has(statement));
  return textsOf([...files.values()].filter((file) => file.statements.length > 0));
}

/** The layer of a room is the first folder on its path; doors have none. */
const layerOf = (path) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : undefined);
const layerFile = (layer) => `declarations/${layer}`;

/** One text for each door and for each layer, by path. */
function textsOf(files) {
  const texts = new Map();
  for (const door of files.filter((file) => layerOf(file.path) === undefined))
    texts.set(door.path, withTabs(door.statements.map(write).join("")));
  for (const layer of new Set(files.map((file) => layerOf(file.path)))) {
    if (layer === undefined) continue;
    const rooms = files.filter((file) => layerOf(file.path) === layer);
    texts.set(`${layerFile(layer)}.d.ts`, withTabs(merged(layer, rooms)));
  }
  return texts;
}

/** The rooms of a layer in one module: what they import from elsewhere, once, and what they declare. */
function merged(layer, rooms) {
  const declaredIn = new Map();
  for (const room of rooms) {
    for (const [name, statements] of room.declared) {
      if (!statements.some((statement) => room.statements.includes(statement))) continue;
      if (declaredIn.has(name))
        throw new Error(`${layer}: ${declaredIn.get(name)} and ${room.path} both declare ${name}`);
      declaredIn.set(name, room.path);
    }
  }
  const links = new Map();
  const link = (verb, target, { from, to }) => {
    const key = `${verb} ${target}`;
    if (!links.has(key)) links.set(key, { verb, target, names: new Set() });
    links.get(key).names.add(from === to ? from : `${from} as ${to}`);
  };
  const isHere = (place) => place !== undefined && layerOf(place) === layer;
  const elsewhere = ({ place, target }) => (place === undefined ? target : `./${layerOf(place)}.js`);
  let body = "";
  for (const room of rooms) {
    for (const statement of room.statements) {
      const { from, list } = statement;
      if (from === undefined && list === undefined) {
        checkCaptures(room, statement, declaredIn);
        body += write(statement);
        continue;
      }
      if (from !== undefined && from.names.length === 0) throw new Error(`${room.path}: ${statement.code}`);
      for (const pair of namesUsed(statement)) {
        const imported = from ?? room.imports.get(pair.from)?.statement.from;
        if (imported === undefined) link("export", undefined, pair);
        else if (!isHere(imported.place)) link(from?.verb ?? "export", elsewhere(imported), pair);
        // What the same file declares is exported there already.
        else if (pair.from !== pair.to) throw new Error(`${room.path}: ${statement.code}`);
      }
    }
  }
  const heads = [...links.values()].map(({ verb, target, names }) => {
    const origin = target === undefined ? "" : ` from ${JSON.stringify(target)}`;
    return `${verb} { ${[...names].join(", ")} }${origin};\n`;
  });
  return heads.join("") + body + (body.includes("export") ? "" : "export {};\n");
}

/** A global name, such as `Event`, would mean something else where another room of the layer declares it. */
function checkCaptures(room, { code }, declaredIn) {
  const types = code.replace(COMMENT, " ").replace(/"(?:[^"\\]|\\.)*"/g, '""');
  for (const [name] of types.matchAll(/(?<![.\w$])[A-Za-z_$][\w$]*(?!\??:|[\w$(])/g)) {
    if (!(name in globalThis && declaredIn.has(name))) continue;
    if (room.declared.has(name) || room.imports.has(name)) continue;
    throw new Error(`${room.path}: ${name} would mean the one of ${declaredIn.get(name)}`);
  }
}

/** Four blanks for each level, of which a twentieth of the declarations would be. */
const withTabs = (text) => text.replace(/^(?: {4})+/gm, (blanks) => "\t".repeat(blanks.length / 4));

/** The last comment in front of a statement is its own; those before it open the file. */
function ownComment(comment) {
  const comments = comment.match(COMMENT) ?? [];
  return comments.length === 0 ? "" : `${comments.at(-1)}\n`;
}

/** Those names of an import, or of an export from elsewhere, that something leads to. */
const namesUsed = ({ from, list, used }) =>
  (from?.names ?? list).filter((pair) => used?.has(`${pair.to} ${pair.from}`) || used?.has(pair.to));

/** A statement of a door, or a declaration. */
function write(statement) {
  const { comment, code, from, list } = statement;
  if (from === undefined && list === undefined) return ownComment(comment) + code;
  if (from === undefined || from.place === undefined || from.names.length === 0)
    throw new Error(`a door exports what no room declares: ${code}`);
  const inside = namesUsed(statement)
    .map((pair) => (pair.from === pair.to ? pair.from : `${pair.from} as ${pair.to}`))
    .join(", ");
  const type = from.type ? " type" : "";
  return `${from.verb}${type} { ${inside} } from "./${layerFile(layerOf(from.place))}.js";\n`;
}
