/** What all mixins share: the client that asks the provider, and log lines without codes and tokens. */
import { type AuthHttpClient, defaultAuthClient } from "./http.js";
import type { HandlerConstructor, Mixed } from "./mixin.js";

/** What every mixin of this door adds to a handler. */
export interface ProviderMixin {
  /**
   * The client for requests to the provider: one of the loop that reads no more than 1 MiB. Override it for
   * another.
   */
  getAuthHttpClient(): AuthHttpClient;
}

/** Handlers that ask a provider. */
export function ProviderMixin<Base extends HandlerConstructor>(base: Base): Mixed<Base, ProviderMixin> {
  class Mixin extends (base as HandlerConstructor) implements ProviderMixin {
    getAuthHttpClient(): AuthHttpClient {
      return defaultAuthClient(this.request.ioLoop);
    }

    /** The query of a sign-in holds codes and tokens. */
    override loggedUri(): string {
      return super.loggedUri().replace(/\?.*$/s, "?[hidden]");
    }
  }
  return Mixin as unknown as Mixed<Base, ProviderMixin>;
}
