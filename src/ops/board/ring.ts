/** The newest of what came, each with its number; older ones are forgotten. */
export type Ring<T> = {
  readonly push: (item: T) => void;
  /** What came after a number, oldest first, as far as it is still there. */
  readonly since: (sequence: number) => readonly (T & { readonly seq: number })[];
  /** The number of the newest; 0 before the first. */
  readonly last: () => number;
};

export function createRing<T extends object>(capacity: number): Ring<T> {
  const slots: ((T & { readonly seq: number }) | undefined)[] = new Array(capacity);
  let last = 0;
  return {
    push: (item) => {
      last += 1;
      slots[last % capacity] = { ...item, seq: last };
    },
    since: (sequence) => {
      const found: (T & { readonly seq: number })[] = [];
      for (let seq = Math.max(sequence, last - capacity) + 1; seq <= last; seq++) {
        const item = slots[seq % capacity];
        if (item !== undefined) found.push(item);
      }
      return found;
    },
    last: () => last,
  };
}
