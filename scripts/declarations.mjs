// Which part of the declarations a package needs. The compiler writes one declaration file for each module, with all that the
// module exports to others; users can name only what the doors lead to. This walks from the doors' exports over the names in
// each declaration, and keeps those statements with their comments. A comment that opens a file is for those who read the
// sources.
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

/** The declaration files that a package needs, as a map from path to text. */
export function declarationsOf(folder, doors) {
  const files = new Map();
  const load = (path) => {
    if (!files.has(path)) files.set(path, parse(path, readFileSync(join(folder, path), "utf8")));
    return files.get(path);
  };
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
  const texts = new Map();
  for (const file of files.values()) {
    let text = "";
    for (const statement of file.statements) {
      if (!kept.has(statement)) continue;
      text += write(statement);
    }
    if (text !== "") texts.set(file.path, text.includes("export") ? text : `${text}export {};\n`);
  }
  return texts;
}

/** The last comment in front of a statement is its own; those before it open the file. */
function ownComment(comment) {
  const comments = comment.match(COMMENT) ?? [];
  return comments.length === 0 ? "" : `${comments.at(-1)}\n`;
}

function write({ comment, code, from, list, used }) {
  if (from === undefined && list === undefined) return ownComment(comment) + code;
  const names = (from?.names ?? list).filter(
    (pair) => used?.has(`${pair.to} ${pair.from}`) || used?.has(pair.to),
  );
  if (from !== undefined && from.names.length === 0) return code;
  const inside = names
    .map((pair) => (pair.from === pair.to ? pair.from : `${pair.from} as ${pair.to}`))
    .join(", ");
  const verb = from?.verb ?? "export";
  const type = from?.type || /^export type/.test(code) ? " type" : "";
  const byDefault = from?.byDefault === undefined ? "" : `${from.byDefault}, `;
  return `${verb}${type} ${byDefault}{ ${inside} }${from === undefined ? "" : ` from "${from.target}"`};\n`;
}
