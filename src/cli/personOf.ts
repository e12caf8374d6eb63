import { userInfo } from "node:os";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";

/** Who gives the command: as they say, or the user's name; a container's user may have none. */
export function personOf({ env }: Pick<Context, "env">, { options }: Pick<Line, "options">): string {
  if (options.who?.trim()) return options.who;
  try {
    return userInfo().username;
  } catch {
    return env.USER || "somebody on the command line";
  }
}
