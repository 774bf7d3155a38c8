/** Templates from an object: for tests, and for programs of one file. Tornado `DictLoader`. */
import type { Chunk } from "../../base/bytes.js";
import { BaseLoader, type LoaderOptions } from "./base-loader.js";
import { TemplateNotFoundError } from "./errors.js";
import { resolveName } from "./relative-name.js";

/** Loads templates from an object: name → source. */
export class DictLoader extends BaseLoader {
  /** The sources by name. */
  readonly dict: Readonly<Record<string, Chunk>>;

  constructor(dict: Readonly<Record<string, Chunk>>, options?: LoaderOptions) {
    super(options);
    this.dict = dict;
  }

  /**
   * A relative name is read as seen from the folder of the template that holds it; an absolute one is kept.
   */
  override resolvePath(name: string, parentPath?: string): string {
    return resolveName(name, parentPath);
  }

  protected override readSource(name: string): Chunk {
    if (!Object.hasOwn(this.dict, name))
      throw new TemplateNotFoundError(name, `there is no template named ${name}`);
    return this.dict[name] as Chunk;
  }
}
