import { describe, expect, it } from "vitest";
import { createBoundedMap } from "../../../src/chain/boundedMap.ts";

describe("a bounded map", () => {
  it("forgets its oldest entry when it is full, and a new word makes an entry young again", () => {
    const map = createBoundedMap<string, number>(2);
    map.set("a", 1).set("b", 2);
    map.set("a", 3);
    map.set("c", 4);
    expect([map.get("a"), map.get("b"), map.get("c"), map.size]).toEqual([3, undefined, 4, 2]);
  });

  it("never grows beyond its limit", () => {
    const map = createBoundedMap<number, number>(10);
    for (let key = 0; key < 1000; key++) map.set(key, key);
    expect([map.size, map.get(989), map.get(990)]).toEqual([10, undefined, 990]);
  });
});
