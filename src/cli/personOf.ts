import { userInfo } from "node:os";
import type { Line } from "./command.ts";
import type { Context } from "./context.ts";
import { plain } from "./terminal.ts";

type Given = Pick<Line, "options">;

/** Who gives the command: as they say, or the user's name; a container's user may have none. */
export function personOf({ env }: Pick<Context, "env">, { options }: Given): string {
  const who = plain(options.who ?? "").trim();
  if (who !== "") return who;
  try {
    return userInfo().username;
  } catch {
    return plain(env.USER ?? "").trim() || "somebody on the command line";
  }
}

/** Why, as it is kept and shown to others: on one line, and empty where nobody would see anything of it. */
export const reasonOf = ({ options }: Given): string => plain(options.why ?? "").trim();
