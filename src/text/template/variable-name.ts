/**
 * What can name a variable of generated code: an identifier (ECMA-262 §12.7) that is not reserved in strict
 * mode code, nor a name of the engine. For names that stand outside of expressions; those inside are checked
 * by the parser.
 */

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/**
 * ECMA-262 §12.7.2, with the words that strict mode reserves, and what it does not let a variable be called.
 */
const RESERVED: ReadonlySet<string> = new Set([
  ...["arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default"],
  ...["delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally", "for", "function"],
  ...["if", "implements", "import", "in", "instanceof", "interface", "let", "new", "null", "package"],
  ...["private", "protected", "public", "return", "static", "super", "switch", "this", "throw", "true"],
  ...["try", "typeof", "var", "void", "while", "with", "yield"],
]);

/** True for a name without a dot that a member of an object can have. */
export function isIdentifier(name: string): boolean {
  return IDENTIFIER.test(name);
}

/** True for the name of a variable. */
export function isVariableName(name: string): boolean {
  return isIdentifier(name) && !RESERVED.has(name) && !name.startsWith("_tt_");
}

/** True for what can name an escaping function: a variable, or its member, with dots between the names. */
export function isFunctionName(name: string): boolean {
  const [root = "", ...members] = name.split(".");
  return isVariableName(root) && members.every(isIdentifier);
}
