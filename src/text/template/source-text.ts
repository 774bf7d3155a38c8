/** The source of one template: turns offsets into lines, and complaints into errors that show their place. */
import { ParseError, type ParseErrorOptions } from "./errors.js";

const LONGEST_LINE = 500;

/** A template's text with its name. */
export class SourceText {
  /** The name of the template. */
  readonly name: string;
  /** The whole text. */
  readonly text: string;
  /** Where the lines begin; made when the first line number is asked for. */
  #lineStarts: number[] | undefined;

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
  }

  /** The line of an offset, counted from 1; only a line feed ends a line. */
  lineAt(offset: number): number {
    const starts = this.#starts();
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** The text of a line without its end, cut at 500 characters; undefined if there is no such line. */
  line(lineno: number): string | undefined {
    const starts = this.#starts();
    const start = starts[lineno - 1];
    if (start === undefined) return undefined;
    const next = starts[lineno];
    const end = next === undefined ? this.text.length : next - 1;
    const text = this.text.slice(start, Math.min(end, start + LONGEST_LINE));
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  }

  /** The error for something wrong at an offset. */
  errorAt(offset: number, message: string, options: ParseErrorOptions = {}): ParseError {
    return this.errorOn(this.lineAt(offset), message, options);
  }

  /** The error for something wrong on a line. */
  errorOn(lineno: number, message: string, options: ParseErrorOptions = {}): ParseError {
    return new ParseError(message, this.name, lineno, { ...options, sourceLine: this.line(lineno) });
  }

  #starts(): number[] {
    if (this.#lineStarts !== undefined) return this.#lineStarts;
    const starts = [0];
    for (let at = this.text.indexOf("\n"); at >= 0; at = this.text.indexOf("\n", at + 1)) starts.push(at + 1);
    this.#lineStarts = starts;
    return starts;
  }
}
