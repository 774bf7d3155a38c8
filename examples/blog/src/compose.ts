/** Writing: a new entry, a change of one's own, and a preview of either, which nothing is kept of. */
import { authenticated, HTTPError } from "squall/web";
import { type Draft, type Entry, LANGUAGES, type Language } from "./entries.js";
import { hasLength, line, type Problems, text } from "./forms.js";
import { BlogHandler } from "./handlers.js";
import { renderMarkdown } from "./markdown.js";

const LONGEST = { title: 120, markdown: 50_000 } as const;

/** The form, for a new entry and for one that is there. */
class EditorHandler extends BlogHandler {
  protected show(action: string, draft: Draft, problems: Problems = {}, preview = ""): Promise<void> {
    return this.render("compose.html", { action, draft, problems, preview, languages: LANGUAGES });
  }

  protected get draft(): Draft {
    const choice = line(this, "language");
    const language: Language = LANGUAGES.find((known) => known === choice) ?? this.readersLanguage;
    return { title: line(this, "title"), markdown: text(this, "markdown"), language };
  }

  protected get readersLanguage(): Language {
    return this.locale.code.startsWith("de") ? "de" : "en";
  }

  /** The draft if it is to be published; otherwise the form is shown again, with the preview or with what is wrong. */
  protected async publishable(action: string): Promise<Draft | undefined> {
    const { draft } = this;
    const problems: Record<string, string> = {};
    if (!hasLength(draft.title, { max: LONGEST.title })) problems.title = "title.rules";
    if (!hasLength(draft.markdown, { max: LONGEST.markdown })) problems.markdown = "markdown.rules";
    const wrong = Object.keys(problems).length > 0;
    if (!wrong && this.getBodyArgument("do", "publish") === "publish") return draft;
    if (wrong) this.setStatus(422);
    await this.show(action, draft, problems, renderMarkdown(draft.markdown.slice(0, LONGEST.markdown)));
    return undefined;
  }
}

export class ComposeHandler extends EditorHandler {
  @authenticated
  async get(): Promise<void> {
    await this.show("/compose", { title: "", markdown: "", language: this.readersLanguage });
  }

  @authenticated
  async post(): Promise<void> {
    const draft = await this.publishable("/compose");
    if (draft === undefined) return;
    const slug = await this.blog.entries.add(this.currentUser!.id, draft);
    this.redirect(this.reverseUrl("entry", slug), { status: 303 });
  }
}

export class EditHandler extends EditorHandler {
  @authenticated
  async get({ slug }: { slug: string }): Promise<void> {
    await this.show(this.reverseUrl("edit", slug), await this.own(slug));
  }

  @authenticated
  async post({ slug }: { slug: string }): Promise<void> {
    await this.own(slug);
    const draft = await this.publishable(this.reverseUrl("edit", slug));
    if (draft === undefined) return;
    await this.blog.entries.update(slug, this.currentUser!.id, draft);
    this.redirect(this.reverseUrl("entry", slug), { status: 303 });
  }

  /** The entry, if it is the reader's own. */
  private async own(slug: string): Promise<Entry> {
    const entry = await this.blog.entries.get(slug);
    if (entry === undefined) throw new HTTPError(404);
    if (entry.authorId !== this.currentUser?.id)
      throw new HTTPError(403, "%s is not the author of %s", this.currentUser?.id, slug);
    return entry;
  }
}
