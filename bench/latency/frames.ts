/** The messages of one direction of a WebSocket, as their bytes pass by. */
export type FrameReader = {
  /** @returns the messages that are whole now; only where they are read they are unmasked. */
  readonly take: (bytes: Buffer) => readonly (() => string)[];
};

const endOfHead = "\r\n\r\n";

/**
 * Knows as much of RFC 6455 as messages of one frame need: neither fragments nor compression. The HTTP head before the first
 * frame is passed over.
 */
export function createFrameReader(): FrameReader {
  let rest: Buffer = Buffer.alloc(0);
  let isBegun = false;
  return {
    take: (bytes) => {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      if (!isBegun) {
        const head = rest.indexOf(endOfHead);
        if (head < 0) return [];
        isBegun = true;
        rest = rest.subarray(head + endOfHead.length);
      }
      const texts: (() => string)[] = [];
      for (let frame = first(rest); frame !== undefined; frame = first(rest)) {
        const { start, end, mask } = frame;
        const body = rest.subarray(start, end);
        texts.push(() => textOf(body, mask));
        rest = rest.subarray(end);
      }
      return texts;
    },
  };
}

function first(buffer: Buffer) {
  if (buffer.length < 2) return undefined;
  const [, second = 0] = buffer;
  const short = second & 0x7f;
  const isMasked = second > 0x7f;
  const wide = short === 127 ? 8 : short === 126 ? 2 : 0;
  const start = 2 + wide + (isMasked ? 4 : 0);
  if (buffer.length < start) return undefined;
  const length = wide === 8 ? Number(buffer.readBigUInt64BE(2)) : wide === 2 ? buffer.readUInt16BE(2) : short;
  const end = start + length;
  if (buffer.length < end) return undefined;
  return { start, end, mask: isMasked ? buffer.subarray(start - 4, start) : undefined };
}

function textOf(body: Buffer, mask: Buffer | undefined): string {
  if (mask === undefined) return body.toString();
  const plain = Buffer.allocUnsafe(body.length);
  for (let at = 0; at < body.length; at++) plain[at] = (body[at] as number) ^ (mask[at & 3] as number);
  return plain.toString();
}
