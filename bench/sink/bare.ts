import { readFileSync } from "node:fs";
import { answer, childArgs, untilGo } from "../harness/child.ts";

/** The least that could do it: transactions that were signed before, over one WebSocket. */
type Args = { readonly ws: string; readonly file: string; readonly window: number; readonly warmUp: number };
const [{ ws, file, window, warmUp }] = childArgs<[Args]>();
const raws = JSON.parse(readFileSync(file, "utf8")) as string[];
const socket = new WebSocket(ws);
await new Promise((resolve) => {
  socket.onopen = resolve;
});
let sent = 0;
let answered = 0;
let limit = warmUp;
const send = () => {
  while (sent < limit && sent - answered < window) {
    socket.send(`{"jsonrpc":"2.0","id":${sent},"method":"eth_sendRawTransaction","params":["${raws[sent]}"]}`);
    sent++;
  }
};
socket.onmessage = ({ data }) => {
  const { error } = JSON.parse(data);
  if (error) throw new Error(error.message);
  answered++;
  if (answered === limit) answer(answered);
  send();
};
send();
await untilGo();
limit = raws.length;
send();
