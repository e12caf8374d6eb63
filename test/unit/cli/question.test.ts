import { once } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { askAt } from "../../../src/cli/question.ts";

/** A person at a terminal, who sees the question and then types. */
async function typing(keys: string | undefined, isTTY = true): Promise<string> {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { isTTY });
  const answer = askAt(input, output, "Go on? [y/N] ");
  await once(output, "data");
  if (keys === undefined) input.end();
  else input.write(keys);
  return answer;
}

describe("a question at a terminal", () => {
  it("has the answer that was typed", async () => {
    expect(await typing("yes\n")).toBe("yes");
    expect(await typing("\n")).toBe("");
  });

  it.each([
    ["Ctrl-C", "\u0003", true],
    ["Ctrl-D", "\u0004", true],
    ["the end of what is read, where errors go to a file", undefined, false],
  ])("is answered with nothing by %s", async (_how, keys, isTTY) => {
    expect(await typing(keys, isTTY)).toBe("");
  });
});
