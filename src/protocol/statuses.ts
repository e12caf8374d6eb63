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

/** The name of a number, or `UNKNOWN(n)`. */
export function statusName(statuses: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(statuses).find((name) => statuses[name] === value) ?? `UNKNOWN(${value})`;
}
