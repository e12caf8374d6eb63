/** The middle one; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export type Measured<Name extends string> = {
  readonly medians: Readonly<Record<Name, number>>;
  readonly all: Readonly<Record<Name, readonly number[]>>;
};

/**
 * Measures the contenders in turn, round after round, each round beginning with another one: what disturbs the machine for
 * a while then disturbs all of them. One more round goes before, uncounted, so that none pays for being compiled.
 *
 * @param prepare Gives a round its input, outside of what is measured.
 */
export async function alternate<Name extends string, Input>(
  rounds: number,
  prepare: (round: number) => Input | Promise<Input>,
  contenders: Readonly<Record<Name, (input: Input) => number | Promise<number>>>,
): Promise<Measured<Name>> {
  const names = Object.keys(contenders) as Name[];
  const all = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -1; round < rounds; round++) {
    const input = await prepare(round);
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + names.length) % names.length] as Name;
      const figure = await contenders[name](input);
      if (round >= 0) all[name].push(figure);
    }
  }
  const medians = Object.fromEntries(names.map((name) => [name, median(all[name])])) as Record<Name, number>;
  return { medians, all };
}
