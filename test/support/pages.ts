/** Reads the fenced blocks of Markdown pages, for the tests that try what the pages say. */

/** A fenced block of a page. */
export interface Block {
  /** `ts`, `output`, `console`, … */
  readonly language: string;
  /** The word after the language. */
  readonly task: string;
  readonly text: string;
  readonly line: number;
}

/** The fenced blocks of a Markdown page. */
export function blocksOf(page: string): Block[] {
  const found: Block[] = [];
  const lines = page.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const open = /^(`{3,})(\w*) ?(\w*)/.exec(lines[i] as string);
    if (open === null) continue;
    const line = i + 1;
    const text: string[] = [];
    for (i++; i < lines.length && lines[i] !== open[1]; i++) text.push(lines[i] as string);
    found.push({ language: open[2] ?? "", task: open[3] ?? "", text: `${text.join("\n")}\n`, line });
  }
  return found;
}

/** What shows what a block does: the next block of output or commands, with shell commands alone in between. */
export function shownBy(blocks: readonly Block[], index: number): Block | undefined {
  const next = blocks.slice(index + 1).find(({ language }) => language !== "sh");
  return next?.language === "output" || next?.language === "console" ? next : undefined;
}

/** The commands of a console block, each with what it shows. */
export function commandsOf(block: Block): { command: string; shown: string }[] {
  return block.text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf("\n");
      return { command: part.slice(0, end), shown: part.slice(end + 1).trim() };
    });
}
