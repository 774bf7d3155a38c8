/**
 * Lines of generated JavaScript, each with the place in a template that it was made from. The places appear
 * as comments in the code, and map the lines of a stack trace to the template (stack-trace.ts).
 */

/** A line of a template, and the line that included that template or holds the block it replaces. */
export interface TemplatePlace {
  /** The name of the template. */
  readonly filename: string;
  /** The line, counted from 1. */
  readonly lineno: number;
  /** Where the file was included; undefined for the file that is rendered. */
  readonly includedFrom: TemplatePlace | undefined;
}

/** Characters that would end a comment or garble a stack trace. */
const CONTROL = /[\0-\x1f\x7f\u2028\u2029]/g;

/** A place as people read it: `row.html:2 (via page.html:7)`. */
export function showPlace({ filename, lineno, includedFrom }: TemplatePlace): string {
  const chain: string[] = [];
  for (let one = includedFrom; one !== undefined; one = one.includedFrom)
    chain.push(`${one.filename}:${one.lineno}`);
  const via = chain.length === 0 ? "" : ` (via ${chain.join(", ")})`;
  return `${filename}:${lineno}${via}`.replace(CONTROL, "?");
}

/** A value as a literal of JavaScript, on one line. */
export function literalOf(value: unknown): string {
  return JSON.stringify(value).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}

/** What ends a line of JavaScript (ECMA-262 §12.3). A template's lines end with a line feed alone. */
const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;

/** Gathers lines. */
export class CodeWriter {
  /** Each a line, or several with line ends between them. */
  readonly #chunks: string[] = [];
  readonly #places: (TemplatePlace | undefined)[] = [];
  #indent: string;

  constructor(indent = "") {
    this.#indent = indent;
  }

  /** Adds a line of code, which may hold line ends of its own; `place` is where it comes from. */
  line(code: string, place?: TemplatePlace): void {
    this.#chunks.push(`${this.#indent}${code}${place === undefined ? "" : ` // ${showPlace(place)}`}`);
    this.#places.push(place);
    let lines = 0;
    // The lines of an expression stay lines, so that each leads to its own line of the template.
    for (const [end] of code.matchAll(LINE_END)) {
      if (end.endsWith("\n")) lines++;
      this.#places.push(place === undefined ? undefined : { ...place, lineno: place.lineno + lines });
    }
  }

  /** Adds a line, and indents what follows. */
  open(code: string, place?: TemplatePlace): void {
    this.line(code, place);
    this.#indent += "  ";
  }

  /** Ends the indentation, and adds a line. */
  close(code: string): void {
    this.#indent = this.#indent.slice(2);
    this.line(code);
  }

  /** Ends the indentation for one line, as `} else {` does. */
  between(code: string, place?: TemplatePlace): void {
    this.#indent = this.#indent.slice(2);
    this.open(code, place);
  }

  /** Adds another writer's lines as they are. */
  append(other: CodeWriter): void {
    for (const chunk of other.#chunks) this.#chunks.push(chunk);
    for (const place of other.#places) this.#places.push(place);
  }

  /** The spaces before the next line. */
  get indent(): string {
    return this.#indent;
  }

  /** All lines, with line feeds between them. */
  toString(): string {
    return this.#chunks.join("\n");
  }

  /** For each line, counted from 0, where it comes from. */
  get places(): readonly (TemplatePlace | undefined)[] {
    return this.#places;
  }
}
