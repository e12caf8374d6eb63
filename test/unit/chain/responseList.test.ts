import { describe, expect, it } from "vitest";
import { inOrderOfList, readList } from "../../../src/chain/responseList.ts";
import { type AccountAddress, type ResponseAddress, zeroAddress } from "../../../src/protocol/brand.ts";
import { address, aResponse } from "../../support/fakeChain.ts";

const [a, b, c] = [0xa, 0xb, 0xc].map((number) => address<ResponseAddress>(number)) as [
  ResponseAddress,
  ResponseAddress,
  ResponseAddress,
];
const by = (response: ResponseAddress, provider: number) =>
  aResponse({ address: response, provider: address<AccountAddress>(provider) });

describe("a task's own list of its responses", () => {
  it.each([
    ["is the page, where it holds every attempt", 2n, [b, a], [by(a, 1)], [b, a]],
    ["leaves out who has attempted and not answered", 2n, [zeroAddress, a], [by(a, 1)], [a]],
    ["is empty while nobody has attempted", 0n, [], [], []],
    ["goes on beyond a page that is full", 300n, [a, b], [by(a, 1), by(b, 2)], undefined],
    [
      "is what is known, where the page reverts and everybody has answered",
      2n,
      undefined,
      [by(a, 1), by(b, 2)],
      [a, b],
    ],
    ["is to be read again, where the page reverts and somebody is not heard of", 2n, undefined, [by(a, 1)], undefined],
    ["is to be read again, where two known ones are one provider's", 2n, undefined, [by(a, 1), by(b, 1)], undefined],
    ["is to be read again, where the page is shorter than the count", 2n, [a], [by(a, 1)], undefined],
  ] as const)("%s", (_, count, page, known, list) => {
    expect(readList([count, page], known)).toEqual({ attempts: Number(count), list });
  });

  it("is unknown where the node does not say how many have attempted", () => {
    expect(readList([undefined, [a]], [by(a, 1)])).toEqual({ attempts: undefined, list: undefined });
  });

  it("gives responses their order; one that it does not hold comes last", () => {
    expect(inOrderOfList([by(c, 3), by(a, 1), by(b, 2)], [b, a]).map((each) => each.address)).toEqual([b, a, c]);
  });
});
