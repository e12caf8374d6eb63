/** A statement as PostgreSQL takes it; each is prepared once on each connection, by its name. */
type PostgresText = { readonly name: string; readonly text: string };

/**
 * Writes a statement's places as PostgreSQL does: `?` as `$1`, `$2` … from the left, `?2` as `$2`. No statement of the
 * journal has a question mark in a literal, and everything else in them both databases know.
 */
export function createPostgresText(): (text: string) => PostgresText {
  const known = new Map<string, PostgresText>();
  return (text) => {
    const before = known.get(text);
    if (before) return before;
    let place = 0;
    const numbered = text.replace(/\?(\d*)/g, (_, number: string) => {
      if (number !== "") return `$${number}`;
      place += 1;
      return `$${place}`;
    });
    const made = { name: `journal-${known.size}`, text: numbered };
    known.set(text, made);
    return made;
  };
}
