-- The language that an entry is written in, for browsers and screen readers; that of the pages is the reader's choice.
ALTER TABLE entry ADD COLUMN language text NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'de'));
