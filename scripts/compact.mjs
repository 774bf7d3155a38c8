// Writes compiled code with fewer blanks: one tab for each level, no blank that the language does not need, and the only
// statement of an `if` or a loop behind its condition where there is room; a brace that closes stands behind the last
// statement of its block. Each statement keeps a line of its own and each name stays, which is what a stack trace shows.
import { parse } from "acorn";

const SYNTAX = { ecmaVersion: "latest", sourceType: "module", allowHashBang: true };
const COMPILED_INDENT = 4;
const ROOM = 110;
const WORD = /[\p{ID_Continue}$\\]/u;

/** Calls `visit` with each node below `node`. */
function walk(node, visit) {
  if (Array.isArray(node)) for (const one of node) walk(one, visit);
  else if (typeof node?.type === "string") {
    visit(node);
    for (const child of Object.values(node)) if (typeof child === "object") walk(child, visit);
  }
}

/** The positions of tokens that go on the line of the token before, each with the end of what must fit there as well. */
function joinedIn(program, code) {
  const joined = new Map();
  walk(program, (node) => {
    const body = node.type === "IfStatement" ? node.consequent : node.body;
    if (/^(If|For|ForOf|ForIn|While)Statement$/.test(node.type) && body.type !== "BlockStatement")
      joined.set(body.start, body.end);
    const after = [
      node.type === "IfStatement" && node.alternate && [node.consequent, "else"],
      node.type === "TryStatement" && node.handler && [node.block, "catch"],
      node.type === "TryStatement" && node.finalizer && [node.handler ?? node.block, "finally"],
    ];
    for (const [before, word] of after.filter(Boolean)) {
      const at = code.indexOf(word, before.end);
      if (code[before.end - 1] === "}") joined.set(at, at + word.length);
    }
    if (node.alternate?.type === "IfStatement" || node.alternate?.type === "ReturnStatement")
      joined.set(node.alternate.start, node.alternate.end);
  });
  return joined;
}

/** Whether two tokens would become others without a blank between them. */
function needsBlank(before, after) {
  const last = before.at(-1);
  const first = after[0];
  return (
    (WORD.test(last) && WORD.test(first)) ||
    (last === first && "+-/".includes(last)) ||
    (last === "/" && "*=".includes(first)) ||
    (/\d/.test(last) && first === ".")
  );
}

function read(code) {
  const tokens = [];
  const program = parse(code, { ...SYNTAX, onToken: tokens });
  return { program, tokens, texts: tokens.map((token) => code.slice(token.start, token.end)) };
}

/** @throws Error if the code that comes out would not be the same tokens */
export function compact(code) {
  const { program, tokens, texts } = read(code);
  const joined = joinedIn(program, code);
  let written = /^#!.*/.exec(code)?.[0] ?? "";
  let lineStart = 0;
  let end = 0;
  for (const token of tokens) {
    const gap = code.slice(end, token.start);
    const text = code.slice(token.start, token.end);
    const fits = () => {
      const rest = code.slice(token.start, joined.get(token.start));
      return !rest.includes("\n") && written.length - lineStart + rest.length < ROOM;
    };
    if (gap.includes("\n") && text !== "}" && !(joined.has(token.start) && fits())) {
      lineStart = written.length + 1;
      const blanks = gap.length - gap.lastIndexOf("\n") - 1;
      written += `\n${"\t".repeat(blanks / COMPILED_INDENT)}${" ".repeat(blanks % COMPILED_INDENT)}`;
    } else if (gap !== "" && needsBlank(written, text)) written += " ";
    written += text;
    end = token.end;
  }
  const now = read(written).texts;
  if (now.length !== texts.length || now.some((text, i) => text !== texts[i]))
    throw new Error(`without blanks the code reads otherwise: ${code.slice(0, 100)}`);
  return written;
}
