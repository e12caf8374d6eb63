import { expect, it } from "vitest";
import { failureText } from "../../../src/cli/context.ts";
import { facts, table } from "../../../src/cli/terminal.ts";
import { RetryableError } from "../../../src/errors.ts";

/** Clears the screen, turns the line, and begins another one. */
const trick = "fine\u001b[2J\u202e\u009b2J\u2028next";

it.each([true, false])("gives a terminal nothing to obey in a table or a list of facts, on a terminal: %s", (isTTY) => {
  const context = { isTTY, env: { NO_COLOR: "1" } } as never;
  const red = { text: `${trick}\n`, style: "red" } as const;
  const shown =
    table(context, ["A", "B"], [[trick, red]]) + facts(context, [["b", red]]) + facts(context, [["a", trick]]);
  expect(shown).toContain("fine [2J 2J next");
  expect(shown.split("\n")).toHaveLength(5);
  expect(shown).not.toMatch(/[^\P{C}\n\t]|[\u2028\u2029]/u);
});

it("gives a terminal nothing to obey in an error that repeats what a node said, and keeps its lines", () => {
  const error = new RetryableError(`the node refused: ${trick}\nand a second line`, { code: "RPC" });
  expect(failureText(error)).toBe("error RPC: the node refused: fine [2J 2J next\nand a second line\n");
});
