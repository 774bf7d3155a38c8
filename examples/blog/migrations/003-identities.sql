-- People who sign in with another site. Issuer and subject together name a person for good (OpenID Connect Core §2); an address
-- may change hands. Such an account has no password.
ALTER TABLE author ALTER COLUMN password DROP NOT NULL;

CREATE TABLE identity (
  issuer       text NOT NULL,
  subject      text NOT NULL,
  author_id    integer NOT NULL REFERENCES author (id),
  connected_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (issuer, subject)
);

CREATE INDEX identity_by_author ON identity (author_id);
