import { condition, type Role } from "./expression.ts";

/** What each expression of a policy may be. */
export const roles = {
  eligible: condition,
  score: { key: "score", is: "a number or an amount", types: ["int", "double", "Wei", "dyn"] },
  key: {
    key: "quorum.key",
    is: "what equal answers have in common",
    types: ["string", "int", "double", "bool", "dyn", "list<string>", "list<dyn>", "list<int>"],
  },
  latest: { key: "window.latest", is: "a time in unix seconds", types: ["int"] },
} as const satisfies Readonly<Record<string, Role>>;
