// A client of the live protocol (../live-protocol.md) that asks for packed frames. Needs Node 22 or later and nothing else:
//   node packed-client.mjs http://localhost:8787 admin@blueridge.example 'Demo-Truck-2026!'
// Prints one line per picture it holds: the sequence number, how many vehicles and alerts, the bytes of the frame, and which
// vehicles changed. Ends when its socket does: live-client.mjs shows how to come back.
const [server, email, password] = process.argv.slice(2);
const statuses = ['moving', 'idle', 'stopped', 'stale', 'offline'];
const levels = ['low', 'medium', 'high', 'critical'];
const actions = ['keep_driving', 'next_service', 'drive_to_dealer', 'pull_over'];
const ids = new Map(); // number → id of a vehicle; part of the picture
const vehicles = new Map();
const alerts = new Map();
let seq;

/** The changed vehicles of a frame, as {id, …what changed}, and its tail. */
function read(frame) {
  const view = new DataView(frame);
  const json = (at, size) => JSON.parse(new TextDecoder().decode(new Uint8Array(frame, at, size)) || '{}');
  if (view.getUint8(1) !== 1) throw new Error('packed frames of another format');
  const tailBytes = view.getUint32(32, true);
  const tail = json(frame.byteLength - tailBytes, tailBytes);
  const base = view.getFloat64(16, true);
  let at = 36;
  const u8 = () => view.getUint8(at++);
  const u16 = () => view.getUint16((at += 2) - 2, true);
  const u32 = () => view.getUint32((at += 4) - 4, true);
  const f64 = () => view.getFloat64((at += 8) - 8, true);
  const steps = (value, none, scale) => (value === none ? null : value / scale);
  const degrees = () => steps(view.getInt32((at += 4) - 4, true), -(2 ** 31), 1e7);
  const number = (value) => (Number.isNaN(value) ? null : value);
  const name = () => (tail.strings ?? []).at(u16()) ?? null; // 65535 is beyond every list: null
  const changed = Array.from({ length: view.getUint32(28, true) }, () => {
    const short = u32();
    const mask = u16();
    const vehicle = {};
    if (mask & 1) {
      const hex = Buffer.from(frame, at, 16).toString('hex');
      ids.set(short, hex.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
      at += 16;
    }
    if (mask & 2) {
      Object.assign(vehicle, { tenantId: name(), unitNumber: name(), make: name(), model: name() });
      Object.assign(vehicle, { healthScore: number(f64()), riskScore: number(f64()) });
      Object.assign(vehicle, { riskLevel: levels[u8()] ?? null, recommendedAction: actions[u8()] ?? null });
      Object.assign(vehicle, { activeFaultCount: u16(), openAlertCount: u16() });
    }
    if (mask & 4) vehicle.lat = degrees();
    if (mask & 8) vehicle.lon = degrees();
    if (mask & 16) vehicle.heading = steps(u16(), 65535, 100);
    if (mask & 32) vehicle.speedMph = steps(u16(), 65535, 100);
    if (mask & 64) vehicle.at = new Date(base + u16()).toISOString();
    if (mask & 128) vehicle.at = ((ms) => (ms === null ? null : new Date(ms).toISOString()))(number(f64()));
    if (mask & 256) vehicle.status = statuses[u8()];
    if (mask & 512) {
      const size = u32();
      Object.assign(vehicle, json(at, size));
      at += size;
      if (vehicle.id) ids.set(short, vehicle.id);
    }
    return { ...vehicle, id: ids.get(short) };
  });
  return { changed, tail };
}

function take(frame, socket) {
  const view = new DataView(frame);
  const isSnapshot = view.getUint8(0) === 1;
  if (isSnapshot && view.getUint16(24, true) === 1) for (const held of [ids, vehicles, alerts]) held.clear();
  const frameSeq = view.getFloat64(8, true);
  // Any other number than the one we hold: the picture has a hole, so ask for a whole one.
  if (!isSnapshot && frameSeq - view.getUint32(24, true) !== seq) return hello(socket);
  const { changed, tail } = read(frame);
  for (const change of changed) vehicles.set(change.id, { ...vehicles.get(change.id), ...change });
  for (const id of tail.removed ?? []) vehicles.delete(id);
  for (const alert of tail.alerts ?? []) alerts.set(alert.id, alert);
  for (const id of tail.alertsClosed ?? []) alerts.delete(id);
  if (isSnapshot && view.getUint16(24, true) < view.getUint16(26, true)) return;
  seq = frameSeq;
  socket.send(JSON.stringify({ type: 'ack', seq }));
  const names = isSnapshot ? 'everything' : changed.map(({ id }) => vehicles.get(id)?.unitNumber ?? id);
  const line = { seq, vehicles: vehicles.size, alerts: alerts.size, bytes: frame.byteLength, changed: names };
  console.log(JSON.stringify(line));
}

const hello = (socket) => socket.send(JSON.stringify({ type: 'hello', protocol: 1, encoding: 'packed' }));

async function post(path, body, token) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(`${server}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()).data;
}

const { accessToken } = await post('/auth/login', { email, password });
const { url } = await post('/live/tickets', {}, accessToken);
const socket = new WebSocket(url);
socket.binaryType = 'arraybuffer';
socket.onopen = () => hello(socket);
// Text frames are the welcome, notices and errors.
socket.onmessage = ({ data }) => (typeof data === 'string' ? console.error(data) : take(data, socket));
socket.onclose = ({ code }) => process.exit(code === 1000 ? 0 : 1);
