/** What each of the required steps took, by the clock of the program that takes them, in milliseconds. */
export type RequiredSteps = {
  /** The task's state and the simulation, in one request. */
  readonly read: number;
  readonly disk: number;
  readonly send: number;
};

/**
 * Whether a goal, so many times the limit, can be reached at all: not where the required steps by themselves take longer.
 *
 * @param floor What they took, in the same run. @param limit The limit's figure, in the same unit.
 */
export function judgeFloor(
  floor: number,
  limit: number,
  times: number,
): { readonly reachable: boolean; readonly says: string } {
  const reachable = floor <= times * limit;
  const over = (floor / limit).toFixed(1);
  const what = `the required steps with nothing between them take ${floor.toFixed(2)} ms, ${over} times the limit`;
  const says = reachable
    ? `${what}: ${times} times leaves ${(times * limit - floor).toFixed(2)} ms for the daemon's own work`
    : `${what}: ${times} times cannot be reached on this machine, were the daemon's own work nothing`;
  return { reachable, says };
}
