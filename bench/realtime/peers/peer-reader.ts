/** A reader of a peer's sockets: counts what comes and holds its numbers together. */
import { WebSocket } from 'ws';
import { headText } from '../frames.ts';

/** What a peer speaks: JSON with `seq`, bytes that begin with a count, or socket.io's framing (protocol 5 over engine 4). */
type Speech = 'json' | 'bytes' | 'socket.io';

export interface PeerOptions {
  speech: Speech;
  onFrame?: (count: number, atMs: number) => void;
}

const eventPrefix = '42';

export class PeerReader {
  frames = 0;
  lastSeq = 0;
  readonly faults: string[] = [];
  readonly ws: WebSocket;
  private resolveReady: () => void = () => undefined;
  readonly ready = new Promise<void>((resolve) => (this.resolveReady = resolve));
  private readonly options: PeerOptions;

  constructor(url: string, options: PeerOptions) {
    this.options = options;
    this.ws = new WebSocket(url.replace('http', 'ws'), { perMessageDeflate: false });
    this.ws.on('message', (data: Buffer, isBinary: boolean) => this.take(data, isBinary));
    this.ws.on('close', (code) => this.faults.push(`closed with ${code}`));
    this.ws.on('error', (cause) => this.faults.push(cause.message));
  }

  private take(data: Buffer, isBinary: boolean): void {
    const atMs = performance.now();
    if (isBinary) {
      this.note(new DataView(data.buffer, data.byteOffset).getUint32(0, true), atMs);
      return;
    }
    const head = headText(data, 100);
    if (this.options.speech === 'socket.io') this.takeSocketIo(head, atMs);
    else if (head.startsWith('{"type":"welcome"')) this.resolveReady();
    else this.note(Number(/"seq":(\d+)/.exec(head)?.[1]), atMs);
  }

  /** engine.io: 0 open, 2 ping, 4 message; socket.io within: 0 connect, 2 event. */
  private takeSocketIo(head: string, atMs: number): void {
    if (head.startsWith('0')) this.ws.send('40');
    else if (head.startsWith('40')) this.resolveReady();
    else if (head === '2') this.ws.send('3');
    else if (head.startsWith(eventPrefix)) {
      const seq = /"seq":(\d+)/.exec(head)?.[1];
      // Single updates carry no number; they are counted.
      this.note(seq === undefined ? this.lastSeq : Number(seq), atMs);
    } else this.faults.push(`not understood: ${head}`);
  }

  private note(seq: number, atMs: number): void {
    this.frames += 1;
    if (!(seq >= this.lastSeq)) this.faults.push(`out of order: ${this.lastSeq} → ${seq}`);
    this.lastSeq = seq;
    this.options.onFrame?.(seq, atMs);
  }

  close(): void {
    this.ws.removeAllListeners('close');
    this.ws.close();
  }
}

export async function openPeerReaders(url: string, count: number, options: PeerOptions): Promise<PeerReader[]> {
  const readers: PeerReader[] = [];
  for (let from = 0; from < count; from += 20) {
    const some = Array.from({ length: Math.min(20, count - from) }, () => new PeerReader(url, options));
    readers.push(...some);
    await Promise.all(some.map((reader) => reader.ready));
  }
  return readers;
}
