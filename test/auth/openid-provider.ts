/** A provider of OpenID 2.0. It shares no code with squall's side. */
import { createHmac } from "node:crypto";
import type { HTTPServerRequest } from "squall/httputil";
import { send } from "./oidc-provider.js";
import { type FakeProvider, PROVIDER } from "./world.js";

export const ENDPOINT = `${PROVIDER}/openid`;

/** Signs assertions with a secret of its own, and confirms each once (OpenID Authentication 2.0 §10, §11.4.2). */
export class OpenIdProvider implements FakeProvider {
  readonly secrets = new Set<string>();
  readonly #confirmed = new Set<string>();
  asked: URLSearchParams | undefined;
  confirmations = 0;
  /** Changes an assertion before it is signed. */
  assertion: (fields: Record<string, string>) => void = () => {};
  /** Names that the signature leaves out. */
  unsigned: readonly string[] = [];
  reply: string | undefined;

  readonly serve = (request: HTTPServerRequest): void => {
    if (request.method === "POST") this.#confirm(request);
    else this.#assert(request);
  };

  #assert(request: HTTPServerRequest): void {
    const query = new URLSearchParams(request.query);
    this.asked = query;
    const returnTo = query.get("openid.return_to")!;
    this.secrets.add(new URL(returnTo).searchParams.get("state")!);
    const fields: Record<string, string> = {
      ns: "http://specs.openid.net/auth/2.0",
      mode: "id_res",
      op_endpoint: ENDPOINT,
      claimed_id: `${PROVIDER}/ann`,
      identity: `${PROVIDER}/ann`,
      return_to: returnTo,
      response_nonce: `2026-01-01T00:00:00Z${Math.trunc(request.ioLoop.time())}`,
      assoc_handle: "h1",
      "ns.ext1": "http://openid.net/srv/ax/1.0",
      "ext1.mode": "fetch_response",
      "ext1.type.first": "http://axschema.org/namePerson/first",
      "ext1.value.first": "Ann",
      "ext1.type.last": "http://axschema.org/namePerson/last",
      "ext1.value.last": "Lee",
      "ext1.type.mail": "http://axschema.org/contact/email",
      "ext1.value.mail": "ann@example.com",
      "ext1.type.lang": "http://axschema.org/pref/language",
      "ext1.value.lang": "EN-GB",
    };
    this.assertion(fields);
    const signed = Object.keys(fields).filter((name) => name !== "mode" && !this.unsigned.includes(name));
    fields.signed = signed.join(",");
    fields.sig = signature(signed, (name) => fields[name] ?? "");
    const location = new URL(returnTo);
    for (const [name, value] of Object.entries(fields)) location.searchParams.set(`openid.${name}`, value);
    send(request, { status: 302, headers: { Location: location.href } });
  }

  #confirm(request: HTTPServerRequest): void {
    this.confirmations++;
    const form = new URLSearchParams(request.body.toString());
    const get = (name: string): string => form.get(`openid.${name}`) ?? "";
    const fits =
      get("mode") === "check_authentication" &&
      get("sig") === signature(get("signed").split(","), get) &&
      !this.#confirmed.has(get("sig"));
    this.#confirmed.add(get("sig"));
    send(request, { text: this.reply ?? `ns:http://specs.openid.net/auth/2.0\nis_valid:${fits}\n` });
  }
}

export function signature(names: readonly string[], get: (name: string) => string): string {
  const text = names.map((name) => `${name}:${get(name)}\n`).join("");
  return createHmac("sha256", "the provider's secret").update(text).digest("base64");
}
