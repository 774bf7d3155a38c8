/** What is written. An entry keeps its address when its title changes. */
import type { Database } from "./database.js";
import { renderMarkdown } from "./markdown.js";
import { slugOf } from "./slug.js";

/** The languages that entries and pages can be in. */
export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

/** What an author fills in. */
export interface Draft {
  readonly title: string;
  readonly markdown: string;
  readonly language: Language;
}

/** A published entry. */
export interface Entry extends Draft {
  readonly id: number;
  readonly slug: string;
  readonly html: string;
  readonly author: string;
  readonly authorId: number;
  readonly publishedAt: Date;
  readonly updatedAt: Date;
}

/** A line of the archive. */
export type Heading = Pick<Entry, "slug" | "title" | "language" | "publishedAt">;

const SELECT = `
  SELECT entry.id, slug, title, markdown, html, language, author.name AS author, author_id AS "authorId",
         published_at AS "publishedAt", updated_at AS "updatedAt"
  FROM entry JOIN author ON author.id = author_id`;

export class Entries {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The newest entries, at most `count`. */
  latest(count: number): Promise<Entry[]> {
    return this.#database.query<Entry>(`${SELECT} ORDER BY published_at DESC, entry.id DESC LIMIT $1`, [
      count,
    ]);
  }

  /** The headings of all entries, the newest first. */
  headings(): Promise<Heading[]> {
    return this.#database.query<Heading>(
      `SELECT slug, title, language, published_at AS "publishedAt" FROM entry ORDER BY published_at DESC, id DESC`,
    );
  }

  /** The entry with that address, or undefined. */
  async get(slug: string): Promise<Entry | undefined> {
    const [entry] = await this.#database.query<Entry>(`${SELECT} WHERE slug = $1`, [slug]);
    return entry;
  }

  /** Publishes an entry and resolves with its address: made of the title, with a number if another one has it. */
  async add(authorId: number, { title, markdown, language }: Draft): Promise<string> {
    const wanted = slugOf(title);
    const html = renderMarkdown(markdown);
    for (let n = 1; ; n++) {
      const [added] = await this.#database.query<{ slug: string }>(
        `INSERT INTO entry (author_id, slug, title, markdown, html, language) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (slug) DO NOTHING RETURNING slug`,
        [authorId, n === 1 ? wanted : `${wanted}-${n}`, title, markdown, html, language],
      );
      if (added !== undefined) return added.slug;
    }
  }

  /** Changes an entry; only what its author wrote is changed. */
  async update(slug: string, authorId: number, { title, markdown, language }: Draft): Promise<void> {
    await this.#database.query(
      `UPDATE entry SET title = $3, markdown = $4, html = $5, language = $6, updated_at = now()
       WHERE slug = $1 AND author_id = $2`,
      [slug, authorId, title, markdown, renderMarkdown(markdown), language],
    );
  }
}
