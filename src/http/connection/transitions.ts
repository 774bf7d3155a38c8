/**
 * States as a field. A machine has one field with a name in it, and a table that says which states may follow
 * which; {@link step} is the only way from one to the next. The picture at the head of a machine's file is
 * drawn from its table.
 */
import { InvalidStateError } from "../../base/errors.js";

/** For each state the states that may follow it. */
export type Transitions<State extends string> = { readonly [From in State]: readonly State[] };

/**
 * The next state: `to`.
 * @throws InvalidStateError if it may not follow `from`, which is a mistake in the machine itself.
 */
export function step<State extends string>(table: Transitions<State>, from: State, to: State): State {
  if (table[from].includes(to)) return to;
  throw new InvalidStateError(`there is no way from the state "${from}" to "${to}"`);
}
