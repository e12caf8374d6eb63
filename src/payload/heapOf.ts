import { jsonLimits } from "./jsonGuard.ts";

/** Bytes of the heap for what is fetched and what is held of that. */
export const payloadMemory = 256 * 1_048_576;

/** Besides its characters; seen: 37 for empty objects, 65 for objects each of which has a key that no other one has. */
const bytesOfItem = 72;

/**
 * The most that a body takes once it is read: as text and as JSON, each with two bytes a character where one of them is no
 * Latin-1, and what many small values, which take two bytes each to write, cost besides.
 *
 * @param bytes Of the body. @returns bytes of the heap.
 */
export const heapOf = (bytes: number): number => 4 * bytes + bytesOfItem * Math.min(bytes / 2, jsonLimits.items);
