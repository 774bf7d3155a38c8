/**
 * Rows of a CSV file, as Python's module `csv` reads them by default, because Tornado's catalogues rely on
 * that:
 *
 * - a cell in double quotes may hold commas, line ends and doubled quotes; text after the closing quote
 *   belongs to it;
 * - a quote elsewhere in a cell is an ordinary character, and so are spaces at both ends;
 * - a line ends with LF, CRLF or CR; empty lines are skipped.
 *
 * Python lets an unclosed quote swallow the rest of the file; here it is an error.
 */
import { CatalogueError } from "./errors.js";

/** The cells of one row. */
export interface CSVRow {
  readonly cells: readonly string[];
  /** The line on which the row begins, from 1. */
  readonly line: number;
}

/** The rows of a file's text, in order. Throws a {@link CatalogueError} for a quote that is not closed. */
export function* csvRows(file: string, text: string): Generator<CSVRow> {
  const source = text.replace(/\r\n?/g, "\n");
  let at = 0;
  let line = 1;
  while (at < source.length) {
    const begin = line;
    const cells: string[] = [];
    if (source[at] === "\n") {
      at++;
      line++;
      continue;
    }
    for (let rowEnds = false; !rowEnds; ) {
      let cell = "";
      if (source[at] === '"') {
        const quote = line;
        at++;
        for (;;) {
          const close = source.indexOf('"', at);
          if (close < 0) throw new CatalogueError(file, "a quote is not closed", { line: quote });
          const piece = source.slice(at, close);
          cell += piece;
          line += piece.split("\n").length - 1;
          at = close + 1;
          if (source[at] !== '"') break;
          cell += '"';
          at++;
        }
      }
      const end = endOfCell(source, at);
      cells.push(cell + source.slice(at, end));
      rowEnds = source[end] !== ",";
      at = end + 1;
    }
    line++;
    yield { cells, line: begin };
  }
}

/** Where the cell that goes on at `at` ends: at a comma, a line feed, or the end of the text. */
function endOfCell(source: string, at: number): number {
  let end = at;
  while (end < source.length && source[end] !== "," && source[end] !== "\n") end++;
  return end;
}
