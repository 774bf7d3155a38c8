/**
 * Markdown to HTML that is safe to show. Two locks: markdown-it writes HTML of an author as text and lets no
 * `javascript:` into links, and what it makes goes through a list of allowed elements and attributes all the same, so
 * that neither a bug nor a plugin of tomorrow opens the page to scripts.
 */
import MarkdownIt from "markdown-it";
import sanitizeHtml from "sanitize-html";

const markdownIt = new MarkdownIt({ html: false, linkify: true, typographer: true });

const ALLOWED: sanitizeHtml.IOptions = {
  allowedTags: [
    ...["h2", "h3", "h4", "p", "ul", "ol", "li", "blockquote", "pre", "code", "hr", "br"],
    ...["em", "strong", "s", "a", "table", "thead", "tbody", "tr", "th", "td"],
  ],
  // Pictures are left out: those of other sites would tell them who reads here.
  allowedAttributes: { a: ["href", "title", "rel"], ol: ["start"] },
  allowedSchemes: ["https", "http", "mailto"],
  allowProtocolRelative: false,
  transformTags: {
    // The title of the entry is the only heading of the first level.
    h1: "h2",
    h5: "h4",
    h6: "h4",
    a: sanitizeHtml.simpleTransform("a", { rel: "nofollow noopener" }),
  },
};

/** The HTML of a text in Markdown (CommonMark, with tables, strike-through and links that are recognised). */
export function renderMarkdown(markdown: string): string {
  return sanitizeHtml(markdownIt.render(markdown), ALLOWED);
}
