/** What is owed on a connection, and whether an answer pays it. See `exchange.ts`. */
import type { RawResponse } from "../../support/raw-client.js";
import type { VectorAnswer, VectorResponse, WireAnswer } from "../wire-compare.js";
import type { Reply } from "./application.js";

/** One response that we owe, with what it may be told by. */
export interface Owed {
  readonly status: number;
  readonly isHead: boolean;
  readonly truncated: boolean;
  /** The Connection field in lower case, "" for none; undefined where it does not matter. */
  readonly connection: string | undefined;
  /** In chunks or not; undefined where it does not matter. */
  readonly chunked: boolean | undefined;
  readonly body: Reply["body"];
  readonly allow: string | undefined;
  readonly orBadForm: boolean;
  /** The lines of a form, sorted; undefined where they are not known. */
  readonly form: readonly string[] | undefined;
  /** The input broke a rule. */
  readonly isRefusal: boolean;
  readonly themes: readonly string[];
}

/** Everything that we owe on one connection. */
export interface Debt {
  readonly responses: readonly Owed[];
  readonly open: boolean;
  /** Why Tornado may end the connection otherwise, or say more. */
  readonly endThemes: readonly string[];
}

/** Whether a response is the one that is owed. */
export function pays(response: VectorResponse | RawResponse, owed: Owed): boolean {
  if (owed.orBadForm && response.status === 400) return true;
  if (response.status !== owed.status || (response.truncated ?? false) !== owed.truncated) return false;
  const connection = response.headers.find(([name]) => name.toLowerCase() === "connection")?.[1];
  if (owed.connection !== undefined && (connection?.toLowerCase() ?? "") !== owed.connection) return false;
  if (owed.chunked !== undefined && (response.chunks !== undefined) !== owed.chunked) return false;
  const allow = response.headers.find(([name]) => name.toLowerCase() === "allow")?.[1];
  if (owed.allow !== undefined && allow !== owed.allow) return false;
  if (owed.isHead) return response.body.length === 0;
  const body = response.body.toString("latin1");
  if (owed.form !== undefined) {
    const lines = body.split("\n").filter((line) => /^(?:body_arg|file):/.test(line));
    if (lines.sort().join("\n") !== owed.form.join("\n")) return false;
  }
  if (owed.body === undefined || typeof owed.body === "string")
    return owed.body === undefined || body === owed.body;
  let at = 0;
  return owed.body.every((line) => {
    const found = body.indexOf(line, at);
    at = found + line.length;
    return found !== -1;
  });
}

/** Because of these Tornado ends the connection after a request that was answered as usual. */
const ENDING: readonly string[] = ["early-answer", "minor-version", "http10-keep-alive", "unsendable-status"];

/** Which themes may explain the first difference between Tornado's answer and what is owed; undefined without one. */
export function difference(debt: Debt, tornado: VectorAnswer): readonly string[] | undefined {
  const theirs = tornado.responses ?? [];
  for (const [i, owed] of debt.responses.entries()) {
    const response = theirs[i];
    if (response !== undefined && pays(response, owed)) continue;
    if (response !== undefined) return owed.themes;
    // Tornado waits for more of a head that can no longer become one, has closed so abruptly that its answer was
    // lost, or has ended the connection before it.
    const themes = owed.isRefusal ? [...owed.themes, "refused-at-once"] : owed.themes;
    if (tornado.open) return themes;
    return [...(debt.responses[i - 1]?.themes.filter((theme) => ENDING.includes(theme)) ?? []), ...themes];
  }
  if (theirs.length !== debt.responses.length || tornado.open !== debt.open) return debt.endThemes;
  return undefined;
}

/** Whether our answer is what is owed. */
export function isPaid(debt: Debt, ours: WireAnswer): boolean {
  return (
    ours.open === debt.open &&
    ours.responses.length === debt.responses.length &&
    debt.responses.every((owed, i) => pays(ours.responses[i]!, owed))
  );
}
