import { expect, it } from "vitest";
import { firstWords, RpcError, saidIn } from "../../../src/chain/jsonRpc.ts";

const token = "k".repeat(40);

it.each<[string, string, number, string]>([
  ["leaves what is short as it is", `bad key ${token}`, 200, `bad key ${token}`],
  ["ends before a word that would be cut", `bad key ${token}`, 20, "bad key …"],
  ["is nothing of what has no end", token, 20, "…"],
])("a text's first words: %s", (_, text, most, expected) => {
  expect(firstWords(text, most)).toBe(expected);
});

it("a node's words are cut where no half of a credential is left, which nothing would take for one", () => {
  const cause = new RpcError(`${"no ".repeat(60)}key ${token}`, -32001, undefined);
  expect(saidIn(new Error("refused", { cause }))).toMatch(/^(no )+key …$/);
});
