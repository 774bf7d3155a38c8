/**
 * The conversation on the page. Text from people only ever becomes text nodes, so markup in it stays text.
 */

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
/** Messages by one person within this time share one name. */
const TOGETHER = 5 * 60_000;
/** Links in running text, without the punctuation that ends the sentence. */
const LINK = /\bhttps?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']/g;

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A colour for each name, the same on every page: a hue from 0 to 359. */
export function hueOf(name) {
  let hash = 0;
  for (const c of name) hash = (hash * 31 + c.codePointAt(0)) % 9973;
  return (hash * 47) % 360;
}

/** Splits text into plain pieces and links: `[{ text, href? }]`. */
export function pieces(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    if (match.index > end) found.push({ text: text.slice(end, match.index) });
    found.push({ text: match[0], href: match[0] });
    end = match.index + match[0].length;
  }
  if (end < text.length) found.push({ text: text.slice(end) });
  return found;
}

export class Conversation {
  #log;
  #scroller;
  #quiet;
  #newer;
  /** The messages on the page by id: `{ message, item, pending }`. */
  #shown = new Map();
  /** Messages and notes from before this item are never moved (see note()). */
  #floor = null;

  constructor({ log, scroller, quiet, newer }) {
    this.#log = log;
    this.#scroller = scroller;
    this.#quiet = quiet;
    this.#newer = newer;
    newer.addEventListener("click", () => this.#toEnd());
    scroller.addEventListener("scroll", () => this.#atEnd() && this.#hideNewer());
    new ResizeObserver(() => this.#newer.hidden && this.#toEnd("instant")).observe(scroller);
  }

  /** Shows messages of the server, each once, in the server's order. `mine(id)` tells which are one's own. */
  add(messages, mine) {
    const stay = !this.#atEnd();
    const first = this.#shown.size === 0;
    let news = false;
    for (const message of messages) {
      const known = this.#shown.get(message.id);
      if (known !== undefined && !known.pending) continue;
      known?.item.remove();
      const item = this.#item(message, mine(message.id));
      if (known === undefined && !first) item.classList.add("fresh");
      this.#shown.set(message.id, { message, item, pending: false });
      this.#log.insertBefore(item, this.#placeFor(message));
      news ||= known === undefined && !mine(message.id);
    }
    this.#arrange();
    if (!stay) this.#toEnd(first ? "instant" : undefined);
    else if (news) this.#newer.hidden = false;
  }

  /** Shows one's own message before the server has it. */
  addPending(message) {
    const item = this.#item(message, true);
    item.classList.add("pending", "fresh");
    this.#shown.set(message.id, { message, item, pending: true });
    this.#log.append(item);
    this.#arrange();
    this.#toEnd();
  }

  /** Says beside a pending message that it was not sent; `again` is called when the reader asks for it. */
  fail(id, again) {
    const entry = this.#shown.get(id);
    if (!entry?.pending) return;
    const state = element("p", "state", "Not sent. ");
    const button = element("button", "plain", "Try again");
    button.type = "button";
    button.addEventListener("click", () => {
      state.remove();
      entry.item.classList.remove("failed");
      again();
    });
    state.append(button);
    entry.item.querySelector(".state")?.remove();
    entry.item.classList.add("failed");
    entry.item.append(state);
    if (this.#atEnd()) this.#toEnd();
  }

  /** A line of the page itself. What stands above it stays where it is: numbers begin anew below. */
  note(text) {
    const item = element("li", "divider note");
    item.append(element("span", "", text));
    const pending = [...this.#shown.values()].find((entry) => entry.pending)?.item ?? null;
    this.#log.insertBefore(item, pending);
    this.#floor = item;
    this.#arrange();
  }

  #item(message, mine) {
    const item = element("li", mine ? "message mine" : "message");
    item.dataset.id = message.id;
    item.style.setProperty("--hue", hueOf(message.name));
    const face = element("span", "face", [...message.name.trim()][0]?.toLocaleUpperCase() ?? "?");
    face.setAttribute("aria-hidden", "true");
    const byline = element("p", "byline");
    const time = element("time", "", TIME.format(message.at));
    time.dateTime = new Date(message.at).toISOString();
    byline.append(element("span", "author", message.name), time);
    const text = element("p", "text");
    for (const piece of pieces(message.text)) {
      if (piece.href === undefined) {
        text.append(piece.text);
        continue;
      }
      const link = element("a", "", piece.text);
      link.href = piece.href;
      link.target = "_blank";
      link.rel = "noopener noreferrer nofollow";
      text.append(link);
    }
    item.append(face, byline, text);
    return item;
  }

  /** The item before which a message of the server belongs: by number, and before all that is pending. */
  #placeFor(message) {
    let item = this.#floor === null ? this.#log.firstChild : this.#floor.nextSibling;
    for (; item; item = item.nextSibling) {
      const other = this.#shown.get(item.dataset.id);
      if (other !== undefined && other.item === item && (other.pending || other.message.n > message.n))
        return item;
    }
    return null;
  }

  /** Draws the lines between days, and joins messages of one person. */
  #arrange() {
    for (const day of this.#log.querySelectorAll(".day")) day.remove();
    let before;
    const today = DAY.format(Date.now());
    for (const item of [...this.#log.children]) {
      const message = this.#shown.get(item.dataset.id)?.message;
      if (message === undefined) {
        before = undefined;
        continue;
      }
      const day = DAY.format(message.at);
      // The first day is drawn only if it is not today: a fresh room begins without ceremony.
      if (day !== (before === undefined ? today : DAY.format(before.at))) {
        const line = element("li", "divider day");
        line.append(element("span", "", day === today ? "Today" : day));
        item.before(line);
        before = undefined;
      }
      const follows =
        before !== undefined && before.name === message.name && message.at - before.at < TOGETHER;
      const sameSide =
        item.previousElementSibling?.classList.contains("mine") === item.classList.contains("mine");
      item.classList.toggle("follows", follows && sameSide);
      before = message;
    }
    this.#quiet.hidden = this.#log.childElementCount > 0;
  }

  #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < 80;
  }

  #toEnd(behavior) {
    this.#scroller.scrollTo({ top: this.#scroller.scrollHeight, behavior });
    this.#hideNewer();
  }

  #hideNewer() {
    this.#newer.hidden = true;
  }
}
