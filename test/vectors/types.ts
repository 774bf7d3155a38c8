/** The shapes that the vector runner, the families and the exception rules share. */

/** What the vectors say of an error. */
export interface ExpectedError {
  /** The class in Python. */
  readonly type: string;
  /** A part of Tornado's message. */
  readonly contains?: string;
  /** Where a template is wrong; null and 0 if Tornado does not say. */
  readonly filename?: string | null;
  readonly lineno?: number;
}

/** One case: a function of Tornado's, what it was given, and what it gave. */
export interface VectorCase {
  readonly id: string;
  readonly fn: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  /** Decoded; absent when there is an error. */
  readonly result?: unknown;
  readonly error?: ExpectedError | undefined;
  /** False where the case leans on something that only Python or its C library has. */
  readonly portable?: boolean | undefined;
  /** The result is JSON text in Python's spacing: the parsed values are compared. */
  readonly json?: boolean | undefined;
  /** Whatever else the case carries (`note`, `plain`, `scrub`, `heads`, `open`, …), decoded. */
  readonly more: Readonly<Record<string, unknown>>;
}

/** A file of cases. */
export interface VectorFile {
  readonly family: string;
  readonly source: string;
  readonly cases: readonly VectorCase[];
  /** The file's other fields: `clock`, `now`, `normalise`. */
  readonly more: Readonly<Record<string, unknown>>;
}

/**
 * Runs one case: gives what our function gives, or throws what it throws. A method's parameters may be narrower than
 * declared, so that each function can name the types which its cases have.
 */
export type VectorFunction = {
  run(
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>>,
    context: { readonly vector: VectorCase; readonly file: VectorFile },
  ): unknown;
}["run"];

/** A module `families/<family>.ts` exports one of these as `family`. */
export interface Family {
  /** The function's name in the vectors → how to run a case of it. */
  readonly functions: Readonly<Record<string, VectorFunction>>;
  /** Our names of Tornado's error classes where they differ. */
  readonly errorNames?: Readonly<Record<string, string>>;
  /** What the comparison leaves out because the wire format is free there; the run prints it. */
  readonly ignores?: string;
  /**
   * Compares in the family's own way (the wire families). `actual` is what the function gave; a case that threw or
   * should have thrown does not come here.
   */
  readonly same?: (actual: unknown, vector: VectorCase, file: VectorFile) => boolean;
}

/** What a case gave us. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/**
 * Where we answer differently on purpose. A module `rules/<family>.ts` exports a list of these as `rules`;
 * `exceptions.tsv` has a line for each: the name, what we answer instead, and the section that says so.
 */
export interface Rule {
  /** Unique: `<family>/<words-with-dashes>`. */
  readonly name: string;
  /** The functions whose cases it may cover. */
  readonly functions: readonly string[];
  /** True for exactly the cases in which Tornado departs; looks at the inputs and at Tornado's answer only. */
  covers(vector: VectorCase): boolean;
  /** True when our outcome is what the line in `exceptions.tsv` promises instead. */
  holds(outcome: Outcome, vector: VectorCase): boolean;
}
