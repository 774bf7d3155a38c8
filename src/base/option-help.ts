/** The text of `--help`: options by group, names at the left, explanations wrapped at the right. */
import { isAbsolute, relative } from "node:path";
import type { Option } from "./option.js";

const WIDTH = 79;
const COLUMN = 35;

/** Breaks text into lines of at most `width`, between words where that is possible. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(/\s+/).filter((part) => part !== "")) {
    if (line !== "" && line.length + 1 + word.length <= width) {
      line += ` ${word}`;
      continue;
    }
    // A word that is longer than a line begins where it can and is cut.
    if (word.length > width && line !== "" && line.length + 1 < width) {
      const room = width - line.length - 1;
      line += ` ${word.slice(0, room)}`;
      word = word.slice(room);
    }
    if (line !== "") lines.push(line);
    while (word.length > width) {
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
    line = word;
  }
  if (line !== "") lines.push(line);
  return lines;
}

function describe(name: string, option: Option): string {
  const left = option.metavar === undefined ? name : `${name}=${option.metavar}`;
  const { default: preset, help } = option;
  const isNone = preset === undefined || preset === null || preset === "";
  // As in Tornado: with nothing behind "default" an empty list would look like a mistake.
  const shown = Array.isArray(preset) && preset.length === 0 ? "[]" : option.show(preset);
  const lines = wrap(isNone ? help : `${help} (default ${shown})`, WIDTH - COLUMN);
  // As in Tornado: without an explanation the default stands one column further right.
  if (help === "" && lines[0] !== undefined) lines[0] = ` ${lines[0]}`;
  if (left.length > 30 || lines.length === 0) lines.unshift("");
  const [first, ...rest] = lines;
  return [`  --${left.padEnd(30)} ${first}`, ...rest.map((line) => " ".repeat(COLUMN) + line)].join("\n");
}

function groupTitle(group: string): string {
  if (!isAbsolute(group)) return group;
  const path = relative(process.cwd(), group);
  return path.startsWith("..") ? group : path;
}

/** The whole text; `options` by the names under which they are shown. */
export function helpText(program: string, options: ReadonlyMap<string, Option>): string {
  const groups = new Map<string, [string, Option][]>();
  for (const entry of options) {
    const { group } = entry[1];
    const list = groups.get(group);
    if (list === undefined) groups.set(group, [entry]);
    else list.push(entry);
  }
  const byName = (a: readonly [string, unknown], b: readonly [string, unknown]) => (a[0] < b[0] ? -1 : 1);
  let text = `Usage: ${program} [OPTIONS]\n\nOptions:\n\n`;
  for (const [group, list] of [...groups].sort(byName)) {
    if (group !== "") text += `\n${groupTitle(group)} options:\n\n`;
    for (const [name, option] of list.sort(byName)) text += `${describe(name, option)}\n`;
  }
  return `${text}\n`;
}
