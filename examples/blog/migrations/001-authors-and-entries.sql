CREATE TABLE author (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL,
  email      text NOT NULL UNIQUE CHECK (email = lower(email)),
  password   text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE entry (
  id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  author_id    integer NOT NULL REFERENCES author (id),
  slug         text NOT NULL UNIQUE,
  title        text NOT NULL,
  markdown     text NOT NULL,
  html         text NOT NULL,
  published_at timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX entry_by_date ON entry (published_at DESC, id DESC);
