/**
 * The life of a stream, and what it allows the two machines inside.
 *
 * Reading (`stream-input.ts`) and writing (`stream-output.ts`) are two machines with a state each. What they
 * share is the life of the stream:
 *
 *     CONNECTING ── attach() of a connected socket, or its `connect` event ──► OPEN
 *     OPEN       ── FIN of the other side ──► HALF_OPEN, and without `allowHalfOpen` soon CLOSED
 *     OPEN       ── detach() ──► DETACHED: the socket belongs to another stream
 *     any        ── close(), abort(), an error, the socket's end ──► CLOSED: pending operations fail
 *     CLOSED     ── the socket's `close` event ──► GONE: `onClose`, close callback, whenClosed()
 *
 * Which states of the halves a life allows:
 *
 *     life         input                                         output (if there is one)
 *     CONNECTING   idle, ahead, awaited, pushing, due, paused    room, full, ending, ending-full
 *     OPEN         idle, ahead, awaited, pushing, due, paused    room, full, ending, ending-full
 *     HALF_OPEN    end-due, end-paused, ended                    room, full, ending, ending-full
 *     CLOSED       ended, cut; end-due, end-paused (late sink)   shut
 *     GONE         ended, cut; end-due, end-paused (late sink)   shut
 *     DETACHED     cut                                           shut
 */

export const CONNECTING = 0;
export const OPEN = 1;
export const HALF_OPEN = 2;
export const CLOSED = 3;
export const GONE = 4;
export const DETACHED = 5;

/** The names of the lives, by number. */
export const LIVES: readonly string[] = ["connecting", "open", "half-open", "closed", "gone", "detached"];
