/** What everybody can read: the newest entries, one entry, the archive and the feed. */
import { HTTPError } from "squall/web";
import type { Heading } from "./entries.js";
import { BlogHandler } from "./handlers.js";

/** Entries on the first page, and in the feed. */
const LATEST = 5;
const IN_FEED = 20;

export class HomeHandler extends BlogHandler {
  async get(): Promise<void> {
    await this.render("home.html", { entries: await this.blog.entries.latest(LATEST) });
  }
}

export class EntryHandler extends BlogHandler {
  async get({ slug }: { slug: string }): Promise<void> {
    const entry = await this.blog.entries.get(slug);
    if (entry === undefined) throw new HTTPError(404);
    await this.render("entry.html", { entry });
  }
}

export class ArchiveHandler extends BlogHandler {
  async get(): Promise<void> {
    const years = new Map<number, Heading[]>();
    for (const heading of await this.blog.entries.headings()) {
      const year = heading.publishedAt.getUTCFullYear();
      years.set(year, [...(years.get(year) ?? []), heading]);
    }
    await this.render("archive.html", { years });
  }
}

/** The newest entries for feed readers: Atom, RFC 4287. */
export class FeedHandler extends BlogHandler {
  async get(): Promise<void> {
    const entries = await this.blog.entries.latest(IN_FEED);
    const base = `${this.request.protocol}://${this.request.host}`;
    const updated = new Date(Math.max(0, ...entries.map((entry) => entry.updatedAt.getTime())));
    this.setHeader("Content-Type", "application/atom+xml; charset=UTF-8");
    await this.render("feed.xml", { entries, base, updated });
  }
}

export class NotFoundHandler extends BlogHandler {
  async prepare(): Promise<void> {
    await super.prepare();
    throw new HTTPError(404);
  }
}
