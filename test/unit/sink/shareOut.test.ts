import fc from "fast-check";
import { expect, it } from "vitest";
import type { Confirmation } from "../../../src/journal/journal.ts";
import { shareOut } from "../../../src/sink/shareOut.ts";

const intents = (count: number) => Array.from({ length: count }, (_, index) => ({ id: index + 1 }) as Confirmation);

it("gives each intent once, in order, to the key with the fewest in flight, and none more than it has room for", () => {
  const rooms = fc.uniqueArray(
    fc.record({
      key: fc.constantFrom("a", "b", "c", "d"),
      inFlight: fc.integer({ min: 0, max: 9 }),
      room: fc.integer({ min: 0, max: 9 }),
    }),
    { selector: ({ key }) => key, minLength: 1 },
  );
  const foreign = fc.constantFrom(2, 3, 99);
  fc.assert(
    fc.property(fc.nat(30), rooms, fc.integer({ min: 1, max: 8 }), foreign, (count, keys, most, every) => {
      const mayTake = ({ id }: Confirmation, key: string) => id % every > 0 || key !== "a";
      const { shares, rest } = shareOut(intents(count), keys, most, mayTake);
      const given = [...shares.values()].flat();
      expect([...given, ...rest].map(({ id }) => id).sort((x, y) => x - y)).toEqual(intents(count).map(({ id }) => id));
      for (const list of [...shares.values(), rest]) {
        expect(list.map(({ id }) => id)).toEqual(list.map(({ id }) => id).sort((x, y) => x - y));
      }
      for (const { key, room } of keys) expect(shares.get(key)?.length ?? 0).toBeLessThanOrEqual(Math.min(room, most));
      expect(given.some((each) => (shares.get("a") ?? []).includes(each) && !mayTake(each, "a"))).toBe(false);
      if (every < 99) return;
      const loads = keys.map(({ key, inFlight, room }) => {
        const mine = shares.get(key)?.length ?? 0;
        return { full: mine === Math.min(room, most), load: inFlight + mine, mine };
      });
      const least = Math.min(...loads.filter(({ full }) => !full).map(({ load }) => load));
      for (const { load, mine } of loads) if (mine > 0) expect(load).toBeLessThanOrEqual(least + 1);
    }),
  );
});
