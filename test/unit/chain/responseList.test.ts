import { describe, expect, it } from "vitest";
import { readList } from "../../../src/chain/responseList.ts";
import { type ResponseAddress, zeroAddress } from "../../../src/protocol/brand.ts";
import { address } from "../../support/fakeChain.ts";

const [a, b] = [0xa, 0xb].map((number) => address<ResponseAddress>(number)) as [ResponseAddress, ResponseAddress];

describe("a task's own list of its responses", () => {
  it.each([
    ["is the page, where it holds every attempt", 2n, [b, a], [b, a]],
    ["leaves out who has attempted and not answered", 2n, [zeroAddress, a], [a]],
    ["is empty while nobody has attempted", 0n, [], []],
    ["goes on beyond a page that is full", 300n, [a, b], undefined],
    ["is to be read again, where the page reverts", 2n, undefined, undefined],
    ["is to be read again, where the page is shorter than the count", 2n, [a], undefined],
  ] as const)("%s", (_, count, page, list) => {
    expect(readList([count, page])).toEqual({ attempts: Number(count), list });
  });

  it("is unknown where the node does not say how many have attempted", () => {
    expect(readList([undefined, [a]])).toEqual({ attempts: undefined, list: undefined });
  });
});
