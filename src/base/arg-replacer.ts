/**
 * Replaces one argument of a call, wherever it stands: at its position, or in the object of named arguments
 * that stands for Python's keywords. For decorators that must wrap a callback which a function takes.
 */

/** The names of a function's parameters by its source; undefined for patterns and rest parameters. */
function parameterNames(source: string): (string | undefined)[] {
  const text = source.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
  const single = /^(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>/u.exec(text);
  if (single) return [single[1]];
  const names: (string | undefined)[] = [];
  let depth = 0;
  let begin = text.indexOf("(") + 1;
  let quote = "";
  for (let i = begin; i < text.length; i++) {
    const char = text.charAt(i);
    if (quote !== "") {
      if (char === "\\") i++;
      else if (char === quote) quote = "";
    } else if ("'\"`".includes(char)) {
      quote = char;
    } else if ("([{".includes(char)) {
      depth++;
    } else if (depth > 0 && ")]}".includes(char)) {
      depth--;
    } else if (depth === 0 && (char === "," || char === ")")) {
      const part = text.slice(begin, i).trim();
      if (part !== "") names.push(/^([\p{ID_Start}$_][\p{ID_Continue}$]*)(?:\s*=|$)/u.exec(part)?.[1]);
      if (char === ")") break;
      begin = i + 1;
    }
  }
  return names;
}

/** Named arguments, Python's keywords. */
export type NamedArguments = Readonly<Record<string, unknown>>;

/** Finds and replaces one argument of calls of a function. Tornado `ArgReplacer`. */
export class ArgReplacer {
  /** The argument's name. */
  readonly name: string;
  /** Its position among the parameters; undefined if the function names no such parameter. */
  readonly argPos: number | undefined;

  /** The position is found in the function's source, by the parameter's name. */
  constructor(func: (...args: never[]) => unknown, name: string) {
    const position = parameterNames(Function.prototype.toString.call(func)).indexOf(name);
    this.name = name;
    this.argPos = position < 0 ? undefined : position;
  }

  /** The argument's value in a call, or `otherwise` if it was not given. */
  getOldValue(args: readonly unknown[], named: NamedArguments = {}, otherwise?: unknown): unknown {
    if (this.argPos !== undefined && args.length > this.argPos) return args[this.argPos];
    return Object.hasOwn(named, this.name) ? named[this.name] : otherwise;
  }

  /**
   * The old value (undefined if it was not given), and the arguments with `value` in its place; the originals
   * stay as they are.
   */
  replace(
    value: unknown,
    args: readonly unknown[],
    named: NamedArguments = {},
  ): [old: unknown, args: unknown[], named: Record<string, unknown>] {
    const old = this.getOldValue(args, named);
    if (this.argPos !== undefined && args.length > this.argPos)
      return [old, args.with(this.argPos, value), { ...named }];
    return [old, [...args], { ...named, [this.name]: value }];
  }
}
