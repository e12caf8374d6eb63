import { expect, it } from "vitest";
import { EndpointError } from "../../../src/chain/endpoints/endpointError.ts";
import { tellingRefusal } from "../../../src/chain/endpoints/tellingRefusal.ts";
import { RpcError } from "../../../src/chain/jsonRpc.ts";

const words = (...all: readonly string[]) => all.map((message) => new RpcError(message, -32000, undefined));
const [known, nonce, fee, vague, ownReason] = words(
  "already known",
  "nonce too low",
  "transaction underpriced",
  "not allowed",
  "invalid api key",
);
const silence = new EndpointError("the endpoint a did not answer");

/** From what says most about the transaction to what says least. */
const inOrder = [known, nonce, fee, vague, silence];

it("goes by what says most about a transaction: it is there already, its nonce is gone, any word on it, none", () => {
  for (const [index, telling] of inOrder.entries()) {
    const rest = inOrder.slice(index);
    expect(tellingRefusal(rest)).toBe(telling);
    expect(tellingRefusal(rest.toReversed())).toBe(telling);
  }
});

it("takes a refusal of the key for no word on the transaction", () => {
  expect(tellingRefusal([ownReason, fee])).toBe(fee);
  expect(tellingRefusal([silence, ownReason])).toBe(ownReason);
});

it("does not read `unknown transaction` as one that is known", () => {
  const [unknown] = words("unknown transaction type");
  expect(tellingRefusal([unknown, nonce])).toBe(nonce);
});
