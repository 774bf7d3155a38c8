/** Who writes: accounts, by their address or by who they are with another site. */
import type { Database } from "./database.js";
import { hashPassword, verifyPassword } from "./passwords.js";

/** An author, without the password. */
export interface Author {
  readonly id: number;
  readonly name: string;
  readonly email: string;
}

/** Who somebody is with a provider of OpenID Connect. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
}

const COLUMNS = "id, name, email";

export class Authors {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds an author; undefined if the address is taken. */
  async add(name: string, email: string, password: string): Promise<Author | undefined> {
    // The database has the last word on what is taken: two may ask at once.
    const [author] = await this.#database.query<Author>(
      `INSERT INTO author (name, email, password) VALUES ($1, $2, $3) ON CONFLICT (email) DO NOTHING RETURNING ${COLUMNS}`,
      [name, email.toLowerCase(), await hashPassword(password)],
    );
    return author;
  }

  /** Adds an author who has no password and signs in with this identity; undefined if the address is taken. */
  async addIdentified(name: string, email: string, identity: Identity): Promise<Author | undefined> {
    return await this.#database.transaction(async ({ query }) => {
      const [author] = await query<Author>(
        `INSERT INTO author (name, email) VALUES ($1, $2) ON CONFLICT (email) DO NOTHING RETURNING ${COLUMNS}`,
        [name, email.toLowerCase()],
      );
      if (author === undefined) return undefined;
      await query("INSERT INTO identity (issuer, subject, author_id) VALUES ($1, $2, $3)", [
        identity.issuer,
        identity.subject,
        author.id,
      ]);
      return author;
    });
  }

  /** Lets an author sign in with this identity, too. One that is connected already stays with its author. */
  async connect(author: Author, { issuer, subject }: Identity): Promise<void> {
    await this.#database.query(
      "INSERT INTO identity (issuer, subject, author_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
      [issuer, subject, author.id],
    );
  }

  /** The author with that id, or undefined. */
  async get(id: number): Promise<Author | undefined> {
    const [author] = await this.#database.query<Author>(`SELECT ${COLUMNS} FROM author WHERE id = $1`, [id]);
    return author;
  }

  /** The author with that identity, or undefined. */
  async identified({ issuer, subject }: Identity): Promise<Author | undefined> {
    const [author] = await this.#database.query<Author>(
      `SELECT ${COLUMNS} FROM author JOIN identity ON author_id = id WHERE issuer = $1 AND subject = $2`,
      [issuer, subject],
    );
    return author;
  }

  /** The author whose address and password these are, or undefined. */
  async signIn(email: string, password: string): Promise<Author | undefined> {
    const [found] = await this.#database.query<Author & { password: string | null }>(
      `SELECT ${COLUMNS}, password FROM author WHERE email = $1`,
      [email.toLowerCase()],
    );
    if (!(await verifyPassword(password, found?.password ?? undefined)) || found === undefined)
      return undefined;
    return { id: found.id, name: found.name, email: found.email };
  }
}
