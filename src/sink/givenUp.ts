import type { Confirmation } from "../journal/journal.ts";

/** How the reason of a confirmation begins whose nonce is used up because no node takes what it signed. */
const mark = "nodes refuse it for good: ";
/** Of a node's own words no more is kept. */
const mostWords = 160;

export const whyGivenUp = (message: string): string => `${mark}${message.slice(0, mostWords)}`;

/** It stands in the journal, so that a restart knows it too: when its nonce is used up, it is dead and not tried anew. */
export const isGivenUp = ({ reason }: Pick<Confirmation, "reason">): boolean => reason.startsWith(mark);
