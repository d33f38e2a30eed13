// A complete streaming gateway (../telemetry.md). Needs Node 22 or later and nothing else. Reads positions from standard
// input, one JSON object a line, and ends once every one of them has been answered for:
//   node stream-client.mjs http://localhost:8787 tk_live_… < positions.ndjson
import { createInterface } from 'node:readline';

if (typeof WebSocket === 'undefined')
  throw new Error('This client needs Node 22 or later, which has WebSocket built in.');
const [server, key] = process.argv.slice(2);
const rowsPerBatch = 100;
const mostUnanswered = 32;
const unanswered = new Map(); // batch number → its positions; kept until the server answers for them
let rows = [];
let batch = 0;
let isAtEnd = false;
let socket = null;
let failures = 0;

const send = (number, positions) =>
  socket?.readyState === 1 && socket.send(JSON.stringify({ type: 'positions', batch: number, positions }));

// Sends what makes a batch; `all`: whatever there is.
function flush(all = isAtEnd) {
  while (unanswered.size < mostUnanswered && (rows.length >= rowsPerBatch || (all && rows.length > 0))) {
    unanswered.set(++batch, rows.splice(0, rowsPerBatch));
    send(batch, unanswered.get(batch));
  }
  // No memory without end: what is not read yet can wait.
  if (!isAtEnd && rows.length > 10 * rowsPerBatch) lines.pause();
  else if (!isAtEnd) lines.resume();
  if (isAtEnd && rows.length === 0 && unanswered.size === 0) process.exit(0);
}

function take(message) {
  const positions = unanswered.get(message.batch);
  if (positions === undefined) return;
  if (message.type === 'busy')
    return setTimeout(() => send(message.batch, positions), message.retryAfterSeconds * 1000);
  if (message.type !== 'accepted') return console.error(JSON.stringify(message)); // what later versions may add
  failures = 0;
  unanswered.delete(message.batch);
  console.log(JSON.stringify({ batch: message.batch, accepted: message.accepted, rejected: message.rejected.length }));
  for (const { index, ...why } of message.rejected) console.error(JSON.stringify({ ...why, row: positions[index] }));
  flush();
}

async function connect() {
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${server}/api/v1/telemetry/tickets`, { method: 'POST', headers });
  const { data, error } = await response.json();
  // A key that is refused stays refused: only a person can help.
  if (!response.ok) throw Object.assign(new Error(error.message), { isFinal: [401, 403].includes(response.status) });
  socket = new WebSocket(data.url);
  // What was sent before and not answered goes again: rows that are there already change nothing.
  socket.onopen = () => unanswered.forEach((positions, number) => send(number, positions));
  socket.onmessage = (event) => event.data !== 'pong' && take(JSON.parse(event.data));
  const code = await new Promise((resolve) => (socket.onclose = (event) => resolve(event.code)));
  throw Object.assign(new Error(`closed with ${code}`), { isFinal: [4400, 4403, 4413].includes(code) });
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => line.trim() !== '' && (rows.push(JSON.parse(line)), flush()));
lines.on('close', () => ((isAtEnd = true), flush()));
setInterval(() => flush(true), 1_000).unref(); // a truck that has just reported does not wait for a hundred others
setInterval(() => socket?.readyState === 1 && socket.send('ping'), 30_000).unref(); // keeps proxies from hanging up

for (;;) {
  const error = await connect().catch((cause) => cause);
  console.error(error.message);
  if (error.isFinal) process.exit(1);
  const waitMs = Math.min(30_000, 500 * 2 ** failures++) * (0.5 + Math.random()); // jitter: not all at once
  await new Promise((resolve) => setTimeout(resolve, waitMs));
}
