import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";

/** Asks the person at a terminal. @returns the answer; an empty one where the person leaves, by Ctrl-C or Ctrl-D. */
export async function askAt(input: Readable, output: Writable, question: string): Promise<string> {
  const terminal = createInterface({ input, output });
  const left = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  let answer: string | undefined;
  try {
    answer = await Promise.race([terminal.question(question), left]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ABORT_ERR") throw error;
  } finally {
    terminal.close();
  }
  // What comes after it begins a line of its own.
  if (!answer) output.write("\n");
  return answer ?? "";
}
