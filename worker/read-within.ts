/** Reading a stream whole, but never more of it than was agreed. */

/**
 * The whole body, or `too_large` when it has more than `limitBytes`. Past the limit it is read on and thrown away up to
 * `drainUpToBytes` (a request's connection can then serve the next one), past that it is cancelled. Rejects when it breaks
 * off.
 */
export async function readWithin(
  body: ReadableStream<Uint8Array>,
  limitBytes: number,
  drainUpToBytes = limitBytes,
): Promise<Uint8Array<ArrayBuffer> | 'too_large'> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size <= limitBytes) chunks.push(value);
    else if (size > drainUpToBytes) {
      await reader.cancel().catch(() => undefined);
      break;
    }
  }
  if (size > limitBytes) return 'too_large';
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
