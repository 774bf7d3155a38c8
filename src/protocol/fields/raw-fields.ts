/** Field lines as plain text, before anything is made of them. */

/**
 * Field lines in the order in which they stand in a message, flat: name, value, name, value, … A receiver
 * keeps the peer's spelling of the names and trims the values.
 */
export type RawFields = readonly string[];
