import { readFileSync } from "node:fs";

/** The package's version; its file stands beside `src/` and beside `dist/`. */
export const readVersion = (): string =>
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version as string;
