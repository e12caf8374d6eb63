/** Numbers as the contracts store them (uint8). */
export const TaskStatus = { NEW: 0, ATTEMPTED: 1, RESPONDED: 2, CANCELED: 3, EXPIRED: 4, FINALIZED: 5 } as const;
export type TaskStatus = (typeof TaskStatus)[keyof typeof TaskStatus];

export const ResponseStatus = { SUBMITTED: 0, CONFIRMED: 1 } as const;
export type ResponseStatus = (typeof ResponseStatus)[keyof typeof ResponseStatus];

export const SourceStatus = { ACTIVE: 0, INACTIVE: 1 } as const;
export type SourceStatus = (typeof SourceStatus)[keyof typeof SourceStatus];

/** FIRST_RESPONSE tasks are confirmed by the chain itself; the daemon never pays for them. */
export const DeliveryMethod = { MANUAL_CONFIRMATION: 0, FIRST_RESPONSE: 1 } as const;
export type DeliveryMethod = (typeof DeliveryMethod)[keyof typeof DeliveryMethod];

/** Bits of `SourceParams.imageEnvironments`. */
export const ImageEnvironment = { CPU: 1, NVIDIA: 2, AMD: 4 } as const;

const terminal: ReadonlySet<number> = new Set([TaskStatus.CANCELED, TaskStatus.EXPIRED, TaskStatus.FINALIZED]);

/** A closed task can never be paid again. EXPIRED is set lazily: an open status is no proof that the task is alive. */
export const isClosed = (status: number): boolean => terminal.has(status);

type Expiring = { readonly expiryTime: number };

/**
 * Nothing new is begun for the task: what is begun in the second of its expiry is mined after it. An expiry that is no number
 * is too late, too.
 *
 * @param now By the chain's clock, unix seconds.
 */
export const isTooLate = ({ expiryTime }: Expiring, now: number): boolean => !(now < expiryTime);

/**
 * The contracts refuse the task. In the very second of its expiry they still pay what is under way: it is too late then, and
 * has not ended.
 *
 * @param now Of the block, unix seconds.
 */
export const hasEnded = ({ expiryTime }: Expiring, now: number): boolean => now > expiryTime;

/** The name of a number, or `UNKNOWN(n)`. */
export function statusName(statuses: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(statuses).find((name) => statuses[name] === value) ?? `UNKNOWN(${value})`;
}
