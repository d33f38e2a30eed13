/** What a frame of the live protocol is, read from its first bytes, as cheaply as a load generator must. */
import { packedHeaderBytes, readPackedHeader } from '#contracts/live-packed';

export type FrameHeader =
  | { kind: 'welcome'; epoch: string }
  | { kind: 'snapshot'; seq: number; part: number; parts: number }
  | { kind: 'delta'; seq: number; prev: number }
  | { kind: 'notice' }
  | { kind: 'command' }
  | { kind: 'error' };

const deltaHead = /^\{"type":"delta","seq":(\d+),"prev":(\d+)/;
const snapshotHead = /^\{"type":"snapshot","epoch":"[^"]*","seq":(\d+),"part":(\d+),"parts":(\d+)/;
const otherHead = /^\{"type":"(welcome|notice|command|error)"/;
const headBytes = 200;

/** The bytes in a buffer of their own: what a socket hands out is a window on a larger one. */
export const exactBytes = (data: Buffer): ArrayBuffer => new Uint8Array(data).buffer;

const latin1 = new TextDecoder('latin1');
/** The first bytes as text, each a letter. */
export const headText = (data: Uint8Array, bytes: number): string => latin1.decode(data.subarray(0, bytes));

/** Null for a frame of no known kind; throws on bytes that are no packed frame. */
export function headerOf(data: Buffer, isBinary: boolean): FrameHeader | null {
  if (isBinary) {
    const { kind, seq, prev, part, parts } = readPackedHeader(exactBytes(data.subarray(0, packedHeaderBytes)));
    return kind === 'delta' ? { kind, seq, prev: prev ?? -1 } : { kind, seq, part, parts };
  }
  const head = headText(data, headBytes);
  const delta = deltaHead.exec(head);
  if (delta) return { kind: 'delta', seq: Number(delta[1]), prev: Number(delta[2]) };
  const snapshot = snapshotHead.exec(head);
  if (snapshot) {
    return { kind: 'snapshot', seq: Number(snapshot[1]), part: Number(snapshot[2]), parts: Number(snapshot[3]) };
  }
  const other = otherHead.exec(head)?.[1];
  if (other === 'welcome') return { kind: 'welcome', epoch: (JSON.parse(data.toString()) as { epoch: string }).epoch };
  return other === undefined ? null : { kind: other as 'notice' | 'command' | 'error' };
}
