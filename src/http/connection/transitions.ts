/**
 * States as a field. A machine has one field with its state and a table that says which states may follow
 * which; {@link step} is the only way from one to the next. The picture at the head of a machine's file is
 * drawn from its table.
 *
 * States are objects and not just names, because a server steps half a dozen times for each request: looking
 * up a name in a table costs ten times as much as following a reference.
 */
import { InvalidStateError } from "../../base/errors.js";

/** For each state the states that may follow it, the usual one first. */
export type Transitions<Name extends string> = { readonly [From in Name]: readonly Name[] };

/** One state of a machine. */
export interface State<Name extends string> {
  /** What the table calls it. */
  readonly name: Name;
  /** The states that may follow. */
  readonly next: readonly State<Name>[];
}

/** The states of a machine by name. */
export type States<Name extends string> = { readonly [N in Name]: State<Name> };

/** Makes the states of a table. */
export function statesOf<Name extends string>(table: Transitions<Name>): States<Name> {
  const names = Object.keys(table) as Name[];
  const states = {} as Record<Name, { name: Name; next: State<Name>[] }>;
  for (const name of names) states[name] = { name, next: [] };
  for (const name of names) states[name].next = table[name].map((to) => states[to]);
  return states;
}

/**
 * The next state: `to`.
 * @throws InvalidStateError if it may not follow `from`, which is a mistake in the machine itself.
 */
export function step<Name extends string>(from: State<Name>, to: State<Name>): State<Name> {
  const { next } = from;
  for (let i = 0; i < next.length; i++) if (next[i] === to) return to;
  throw new InvalidStateError(`there is no way from the state "${from.name}" to "${to.name}"`);
}
