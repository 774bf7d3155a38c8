/**
 * Which languages a program supports, and which of them a reader gets. As in Tornado there is one set for the
 * whole program. Each load of catalogues replaces it, and the default always belongs to it.
 *
 * A locale is constructed when it is first needed, and then kept.
 */

/** The supported codes, a constructor for the locale of each, and the default. */
export class SupportedLocales<L> {
  readonly #makeDefault: (code: string) => L;
  #makers: ReadonlyMap<string, () => L> = new Map();
  #made = new Map<string, L>();
  #default: string;

  /** `makeDefault` makes the locale of the default code if it has no catalogue. */
  constructor(defaultCode: string, makeDefault: (code: string) => L) {
    this.#default = defaultCode;
    this.#makeDefault = makeDefault;
  }

  /** Changes the default. */
  setDefault(code: string): void {
    this.#default = code;
    this.#made = new Map();
  }

  /** Replaces the supported codes, except for the default. */
  replace(makers: ReadonlyMap<string, () => L>): void {
    this.#makers = new Map(makers);
    this.#made = new Map();
  }

  /** Adds codes; those that are supported already keep their locale. */
  add(makers: ReadonlyMap<string, () => L>): void {
    this.replace(new Map([...makers, ...this.#makers]));
  }

  /** All supported codes, the default included. */
  codes(): Set<string> {
    return new Set([...this.#makers.keys(), this.#default]);
  }

  /** The locale of exactly this code; undefined if it is not supported. */
  get(code: string): L | undefined {
    const made = this.#made.get(code);
    if (made !== undefined) return made;
    const maker = this.#makers.get(code);
    if (maker === undefined && code !== this.#default) return undefined;
    const locale = maker === undefined ? this.#makeDefault(code) : maker();
    this.#made.set(code, locale);
    return locale;
  }

  /**
   * The locale of the first code that is supported, whole or by its language alone; otherwise the default.
   */
  closest(codes: readonly (string | null | undefined)[]): L {
    for (const code of codes) {
      if (!code) continue;
      const [language = "", region, ...more] = code.replaceAll("-", "_").split("_");
      if (more.length > 0) continue;
      const whole = region === undefined ? language : `${language.toLowerCase()}_${region.toUpperCase()}`;
      const locale = this.get(whole) ?? this.get(language.toLowerCase());
      if (locale !== undefined) return locale;
    }
    return this.get(this.#default) as L;
  }
}
