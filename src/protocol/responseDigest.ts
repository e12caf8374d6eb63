import { hash } from "node:crypto";
import type { Response } from "./entities.ts";

/**
 * SHA-256 (hex) of what was judged: task, provider, price and data. An address alone does not name a response: addresses
 * follow from a counter, so a reorg can put another provider's response in the same place.
 */
export const responseDigest = ({
  task,
  provider,
  payment,
  data,
}: Pick<Response, "task" | "provider" | "payment" | "data">): string =>
  hash("sha256", `${task}\n${provider}\n${payment}\n${data}`);
