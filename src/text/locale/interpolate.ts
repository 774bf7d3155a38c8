/**
 * Values in translations. Messages name their places, so that translators can change the order:
 *
 *     "%(name)s has %(count)d messages"
 */

const PLACE = /%(?:%|\(([^()]*)\)([-0]*)(\d{0,3})([sdi]))/g;

/**
 * Fills the named places of a message: `%(name)s` with text and `%(count)d` with an integer, with a width and
 * the flags `-` and `0` as in printf, and `%%` with a percent sign. A place without a value stays as it is,
 * so that a translator's slip is visible and breaks nothing.
 *
 *     interpolate(locale.translate("%(name)s liked this"), { name })
 *
 * The result is text, not HTML. Tornado's users write `message % {"name": name}`.
 */
export function interpolate(message: string, values: Readonly<Record<string, unknown>>): string {
  if (!message.includes("%")) return message;
  return message.replace(
    PLACE,
    (whole: string, name: string | undefined, flags: string, width: string, conversion: string) => {
      if (name === undefined) return "%";
      if (!Object.hasOwn(values, name)) return whole;
      const value = values[name];
      const text =
        conversion !== "s" && typeof value === "number" ? String(Math.trunc(value)) : String(value);
      if (width === "") return text;
      if (flags.includes("-")) return text.padEnd(Number(width));
      return text.padStart(Number(width), flags.includes("0") ? "0" : " ");
    },
  );
}
