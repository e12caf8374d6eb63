import { failed, PayloadError } from "../failure.ts";

/** The blocks are those that were named, and make no file. */
export const malformed = (): PayloadError =>
  new PayloadError({ ...failed("the IPFS file is malformed"), proven: true });
