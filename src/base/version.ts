/** The version of this package, for the Server and User-Agent fields; a test holds it to package.json. */
export const version = "0.1.0";

/**
 * The version as four numbers that can be compared: major, minor, patch, and 0 for a release or -1 for what
 * comes before one (`1.0.0-beta.1`). Tornado: `version_info`.
 */
export const versionInfo: readonly [major: number, minor: number, patch: number, release: number] =
  parseVersion(version);

/** @internal See {@link versionInfo}. */
export function parseVersion(text: string): [major: number, minor: number, patch: number, release: number] {
  const [, major, minor, patch, before] = /^(\d+)\.(\d+)\.(\d+)(-.+)?$/.exec(text) ?? [];
  return [Number(major), Number(minor), Number(patch), before === undefined ? 0 : -1];
}
