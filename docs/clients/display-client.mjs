// A whole wall display without a screen (../displays.md). Node 22 or later, nothing else:
//   node display-client.mjs http://localhost:8787 display-token.txt
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const [server, tokenFile = 'display-token.txt'] = process.argv.slice(2);
let [vehicles, alerts, held, failures] = [new Map(), new Map(), undefined, 0]; // held: {epoch, seq} of this picture
const show = (what) => console.log(JSON.stringify(what));
const stop = (why) => (console.error(why), process.exit(1));
async function ask(method, path, token = '', body) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const response = await fetch(`${server}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  const { data, error } = await response.json();
  return response.ok ? data : response.status === 401 ? stop(error.message) : Promise.reject(error);
}
async function pair() {
  const { deviceCode, userCode, verificationUri, interval } = await ask('POST', '/displays/device-code');
  show({ code: userCode, confirmAt: verificationUri });
  for (let seconds = interval; ;) {
    await sleep(seconds * 1000);
    const answer = await ask('POST', '/displays/token', '', { deviceCode }).catch((error) => error);
    if (answer.displayToken) return writeFileSync(tokenFile, answer.displayToken, { mode: 0o600 });
    if (answer.code === 'ACCESS_DENIED') stop(answer.message);
    if (answer.code === 'EXPIRED_TOKEN') return; // the next round gets a new one
    if (answer.code !== 'AUTHORIZATION_PENDING') seconds += 5; // SLOW_DOWN says so; any other trouble deserves it
  }
}
function take(message, socket, send) {
  if (message.type === 'command') return (show(message), message.command === 'reload' && socket.close());
  if (message.type !== 'snapshot' && message.type !== 'delta') return; // welcome, notice, and what may come later
  if (message.type === 'delta' && message.prev !== held?.seq) return send({ type: 'hello', protocol: 1 });
  if (message.part === 1) (vehicles.clear(), alerts.clear(), (held = undefined)); // half a picture resumes nothing
  for (const change of message.vehicles) vehicles.set(change.id, { ...vehicles.get(change.id), ...change });
  for (const alert of message.alerts) alerts.set(alert.id, alert);
  for (const id of message.removed ?? []) vehicles.delete(id);
  for (const id of message.alertsClosed ?? []) alerts.delete(id);
  if (message.part < message.parts) return;
  [held, failures] = [{ epoch: message.epoch ?? held.epoch, seq: message.seq }, 0];
  (send({ type: 'ack', seq: held.seq }), show({ seq: held.seq, vehicles: vehicles.size, alerts: alerts.size }));
}
async function connect(token, lastError) {
  show((await ask('GET', '/displays/me', token)).display); // it may have changed while we were away
  const socket = new WebSocket((await ask('POST', '/live/tickets', token)).url);
  const send = (frame) => socket.send(JSON.stringify(frame));
  const health = { type: 'heartbeat', build: 'node-1', viewport: '1920×1080', lastError };
  let [heardAt, timer] = [Date.now()];
  const code = await new Promise((end) => {
    const beat = () => {
      if (Date.now() - heardAt > 75_000) return (socket.close(), end('nothing heard')); // the line is dead
      (socket.send('ping'), send({ ...health, uptimeSeconds: process.uptime() }));
      timer = setTimeout(beat, 30_000);
    };
    socket.onopen = () => (send({ type: 'hello', protocol: 1, resume: held }), beat());
    socket.onmessage = ({ data }) => ((heardAt = Date.now()), data === 'pong' || take(JSON.parse(data), socket, send));
    socket.onclose = (event) => end(event.code);
  });
  clearTimeout(timer);
  return [4401, 4403, 4409, 4410, 4411].includes(code) ? stop(`closed with ${code}`) : `closed with ${code}`;
}
for (let trouble = null; ; await sleep(Math.min(30_000, 500 * 2 ** failures++) * (0.5 + Math.random()))) {
  const token = existsSync(tokenFile) && readFileSync(tokenFile, 'utf8').trim();
  trouble = await (token ? connect(token, trouble) : pair()).catch((error) => error.message);
}
