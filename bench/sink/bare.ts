import { readFileSync } from "node:fs";
import { answer, childArgs } from "../harness/child.ts";

/** The least that could do it: transactions that were signed before, over one WebSocket. */
const [{ ws, file, window }] = childArgs<[{ ws: string; file: string; window: number }]>();
const raws = JSON.parse(readFileSync(file, "utf8")) as string[];
const socket = new WebSocket(ws);
await new Promise((resolve) => {
  socket.onopen = resolve;
});
let sent = 0;
let answered = 0;
const send = () => {
  while (sent < raws.length && sent - answered < window) {
    socket.send(`{"jsonrpc":"2.0","id":${sent},"method":"eth_sendRawTransaction","params":["${raws[sent]}"]}`);
    sent++;
  }
};
socket.onmessage = ({ data }) => {
  const { error } = JSON.parse(data);
  if (error) throw new Error(error.message);
  answered++;
  if (answered === raws.length) answer({ answered });
  send();
};
answer({ raws: raws.length });
send();
