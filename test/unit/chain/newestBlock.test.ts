import { describe, expect, it } from "vitest";
import { RpcError } from "../../../src/chain/jsonRpc.ts";
import { createNewestBlock, lacksBlock } from "../../../src/chain/newestBlock.ts";
import { FatalError, RetryableError } from "../../../src/errors.ts";

const open = () => {
  let now = 1_000;
  const pass = (ms: number) => {
    now += ms;
  };
  return { ...createNewestBlock(() => now), pass };
};

describe("the newest block to read", () => {
  it("is the highest that was heard of: over HTTP, or by the socket", () => {
    const { at, told, heard } = open();
    expect(at()).toBe(0n);
    expect([heard(5_000n), at()]).toEqual([true, 5_000n]);
    for (const head of [5_001n, 5_000n]) told(head);
    expect(at()).toBe(5_001n);
    expect([heard(5_003n), at(), heard(5_002n), at()]).toEqual([true, 5_003n, true, 5_003n]);
  });

  it("is none by a socket that is further ahead of HTTP than an honest one", () => {
    const { at, told, heard } = open();
    told(100n);
    expect([heard(357n), at(), heard(356n), at()]).toEqual([false, 100n, true, 356n]);
  });

  it("is lowered by a head that is far below what was told, heard or shown, and by no other one", () => {
    const { at, found, told, shownUpTo } = open();
    found(1_000n);
    told(744n);
    expect([at(), shownUpTo()]).toEqual([1_000n, 1_000n]);
    told(743n);
    expect([at(), shownUpTo()]).toEqual([743n, 743n]);
    const { heard, ...another } = open();
    another.told(1_000n);
    heard(1_100n);
    another.told(844n);
    expect(another.at()).toBe(1_100n);
    another.told(843n);
    expect(another.at()).toBe(1_000n);
  });
});

describe("a socket's block that no node has over HTTP", () => {
  it("is not read any more: until HTTP has come as far, its word is no newer block's", () => {
    const { at, told, heard, lacking, found } = open();
    told(100n);
    heard(102n);
    expect([lacking(102n), at()]).toEqual([true, 100n]);
    expect([heard(103n), heard(101n), heard(100n), at()]).toEqual([false, false, true, 100n]);
    found(102n);
    expect([at(), heard(103n)]).toEqual([102n, false]);
    told(103n);
    expect([heard(104n), at()]).toEqual([true, 104n]);
  });

  it("is awaited for as long as a node may lag, from the first time that it was missed", () => {
    const { told, heard, lacking, isAwaited, pass } = open();
    told(100n);
    heard(102n);
    expect(isAwaited()).toBe(false);
    lacking(102n);
    pass(9_999);
    lacking(102n);
    expect(isAwaited()).toBe(true);
    pass(1);
    expect(isAwaited()).toBe(false);
  });

  it("counts no more when another socket has taken over, doubted or not", () => {
    const { at, told, heard, lacking, forgetSocket, isAwaited } = open();
    told(100n);
    heard(110n);
    forgetSocket();
    expect(at()).toBe(100n);
    heard(110n);
    lacking(110n);
    forgetSocket();
    expect([isAwaited(), heard(101n), at()]).toEqual([false, true, 101n]);
  });

  it("is the socket's alone where HTTP has told of something, and not of that one", () => {
    const { at, told, heard, lacking, isAwaited } = open();
    heard(90n);
    expect([lacking(90n), at()]).toEqual([false, 90n]);
    told(100n);
    expect([lacking(100n), isAwaited()]).toEqual([false, false]);
  });
});

describe("a head that no node has shown", () => {
  const eight = [110n, 120n, 105n, 106n, 107n, 108n, 109n, 104n];

  it("is taken back by eight lower ones in a row, over ten seconds at least, to the highest of them", () => {
    const { at, told, pass } = open();
    told(200n);
    for (const head of eight.slice(1)) {
      told(head);
      pass(2_000);
    }
    expect(at()).toBe(200n);
    told(110n);
    expect(at()).toBe(120n);
  });

  it("stays however many lower ones come in less time", () => {
    const { at, told, pass } = open();
    told(200n);
    for (const head of [...eight, ...eight]) told(head);
    pass(9_999);
    told(104n);
    expect(at()).toBe(200n);
    pass(1);
    told(104n);
    expect(at()).toBe(120n);
  });

  it("stays where it was told again in between", () => {
    const { at, told, pass } = open();
    told(200n);
    for (const head of [...eight.slice(1), 200n, ...eight.slice(1)]) {
      told(head);
      pass(2_000);
    }
    expect(at()).toBe(200n);
  });

  it("goes back no further than to what a node has shown; and what was shown stays", () => {
    const { at, told, shown, pass } = open();
    told(200n);
    shown(150n);
    shown(140n);
    for (const head of eight) {
      told(head);
      pass(2_000);
    }
    expect(at()).toBe(150n);
    for (const head of eight) {
      told(head);
      pass(2_000);
    }
    expect(at()).toBe(150n);
  });

  it("is lowered to what a look at it has found, unless a newer one was told of since", () => {
    const { at, told, corrected } = open();
    told(200n);
    corrected(199n, 150n);
    expect(at()).toBe(200n);
    corrected(200n, 150n);
    expect(at()).toBe(150n);
  });

  it("is looked at when blocks were missed for ten seconds, and none that was claimed is shown since", () => {
    const { missed, claimed, shown, isDoubtful, pass } = open();
    claimed(500n);
    claimed(110n);
    missed(105n);
    pass(9_999);
    missed(105n);
    expect(isDoubtful()).toBe(false);
    pass(1);
    expect(isDoubtful()).toBe(true);
    shown(109n);
    expect(isDoubtful()).toBe(true);
    shown(110n);
    expect(isDoubtful()).toBe(false);
  });

  it("is not looked at for a block that was shown before, which another node is behind; and is for one that reads lack", () => {
    const { told, found, missed, lacking, shownUpTo, isDoubtful, pass } = open();
    found(100n);
    missed(100n);
    pass(10_000);
    expect([shownUpTo(), isDoubtful()]).toEqual([100n, false]);
    told(110n);
    lacking(110n);
    pass(10_000);
    expect(isDoubtful()).toBe(true);
  });
});

it.each<[unknown, boolean]>([
  [new RpcError("header not found", -32_000, undefined), true],
  [new RpcError("method not found", -32_601, undefined), false],
  [new RetryableError("behind", { code: "NODE_BEHIND" }), true],
  [new RetryableError("down", { code: "ENDPOINT_DOWN" }), false],
  [new FatalError("behind", { code: "NODE_BEHIND" }), false],
  [undefined, false],
])("of %s it is known whether the node lacks a block: %s", (error, expected) => {
  expect(lacksBlock(error)).toBe(expected);
});
