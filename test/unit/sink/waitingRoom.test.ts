import { expect, it } from "vitest";
import type { Confirmation } from "../../../src/journal/journal.ts";
import { createWaitingRoom } from "../../../src/sink/waitingRoom.ts";
import { createVirtualTime } from "../../support/virtualTime.ts";

const confirmationOf = (id: number) => ({ id }) as Confirmation;

function open() {
  const { clock, pass } = createVirtualTime();
  const room = createWaitingRoom(clock.scheduler);
  const left: (readonly [id: number, at: number])[] = [];
  room.due$.subscribe(({ id }) => left.push([id, clock.now()]));
  const later = (id: number, inMs: number, isHeld: boolean) =>
    room.later({ confirmation: confirmationOf(id), inMs, isHeld });
  return { room, left, later, pass };
}

it("tries those that came first before one that a ceiling has held, and leaves the rest to their time", async () => {
  const { left, later, pass } = open();
  later(5, 1_000, true);
  later(7, 3_000, true);
  later(4, 2_000, true);
  later(1, 5_000, true);
  later(2, 4_000, false);
  await pass(1_000);
  expect(left).toEqual([1, 4, 5].map((id) => [id, 1_000]));
  await pass(9_000);
  expect(left.slice(3)).toEqual([
    [7, 3_000],
    [2, 4_000],
  ]);
});

it("takes nobody along with one that no ceiling holds any more", async () => {
  const { left, later, pass } = open();
  later(3, 9_000, true);
  later(4, 2_000, true);
  later(4, 1_000, false);
  await pass(1_000);
  expect(left).toEqual([[4, 1_000]]);
  await pass(9_000);
  expect(left.slice(1)).toEqual([[3, 9_000]]);
});

it("lets everybody go when what stood in their way is gone, the oldest first", async () => {
  const { room, left, later, pass } = open();
  for (const id of [3, 1, 2]) later(id, id * 1_000, id === 2);
  room.wake();
  await pass(9_000);
  expect(left).toEqual([1, 2, 3].map((id) => [id, 0]));
});
