// A complete client of the live protocol (../live-protocol.md). Needs Node 22 or later and nothing else:
//   node live-client.mjs http://localhost:8787 admin@blueridge.example 'Demo-Truck-2026!'
// Prints one line per picture it holds: the sequence number, how many vehicles and alerts, and what just changed.
if (typeof WebSocket === 'undefined')
  throw new Error('This client needs Node 22 or later, which has WebSocket built in.');
const [server, email, password] = process.argv.slice(2);
const noReconnect = [4401, 4403, 4409, 4410, 4411];
const vehicles = new Map();
const alerts = new Map();
let resume; // {epoch, seq} of the picture we hold
let failures = 0;

async function post(path, body, token) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(`${server}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()).data;
}

function take(message, socket) {
  if (message.type === 'snapshot') {
    if (message.part === 1) (vehicles.clear(), alerts.clear(), (resume = undefined)); // half a picture resumes nothing
    for (const vehicle of message.vehicles) vehicles.set(vehicle.id, vehicle);
    for (const alert of message.alerts) alerts.set(alert.id, alert);
    if (message.part < message.parts) return;
    resume = { epoch: message.epoch, seq: message.seq };
  } else if (message.type === 'delta') {
    if (message.prev !== resume?.seq) return socket.send(JSON.stringify({ type: 'hello', protocol: 1 }));
    for (const change of message.vehicles) vehicles.set(change.id, { ...vehicles.get(change.id), ...change });
    for (const id of message.removed) vehicles.delete(id);
    for (const alert of message.alerts) alerts.set(alert.id, alert);
    for (const id of message.alertsClosed) alerts.delete(id);
    resume.seq = message.seq;
  } else return console.error(JSON.stringify(message)); // welcome, notice, error, and what later versions may add
  failures = 0;
  socket.send(JSON.stringify({ type: 'ack', seq: resume.seq }));
  const changed = message.type === 'delta' ? message.vehicles.map((change) => change.id) : 'everything';
  console.log(JSON.stringify({ seq: resume.seq, vehicles: vehicles.size, alerts: alerts.size, changed }));
}

async function connect() {
  const { accessToken } = await post('/auth/login', { email, password });
  const { url } = await post('/live/tickets', {}, accessToken);
  const socket = new WebSocket(url);
  socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', protocol: 1, resume }));
  socket.onmessage = (event) => event.data !== 'pong' && take(JSON.parse(event.data), socket);
  const code = await new Promise((resolve) => (socket.onclose = (event) => resolve(event.code)));
  if (noReconnect.includes(code)) throw Object.assign(new Error(`closed with ${code}`), { isFinal: true });
}

for (;;) {
  const error = await connect().then(
    () => new Error('closed'),
    (cause) => cause,
  );
  console.error(error.message);
  if (error.isFinal) process.exit(1);
  const waitMs = Math.min(30_000, 500 * 2 ** failures++) * (0.5 + Math.random()); // jitter: not all at once
  await new Promise((resolve) => setTimeout(resolve, waitMs));
}
