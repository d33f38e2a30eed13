/**
 * Calls to addresses that a tenant gave us: judged before they are called, within a time and a size, and never led on by a
 * redirect.
 */
import { readWithin } from '../read-within.ts';
import { refuseTarget } from './outbound-target.ts';

export interface FetchBounds {
  /** For the whole answer, headers and body. */
  timeoutMs: number;
  maxBytes: number;
  /** Development: lets the address be on this machine, and http there. */
  allowLocal: boolean;
}

/** Why a call brought nothing: the address is refused, nobody answered in time, or the answer was too large. */
export type OutboundFailureKind = 'target_refused' | 'unreachable' | 'timed_out' | 'too_large';

export class OutboundFailure extends Error {
  override readonly name = 'OutboundFailure';
  readonly kind: OutboundFailureKind;

  constructor(kind: OutboundFailureKind, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * Like `fetch`, with the whole body read when it resolves. Rejects with OutboundFailure and nothing else; a redirect
 * comes back as the 3xx it is.
 */
export async function fetchBounded(
  url: string,
  init: RequestInit,
  { timeoutMs, maxBytes, allowLocal }: FetchBounds,
): Promise<Response> {
  const refusal = refuseTarget(url, { allowLocal });
  if (refusal !== null) throw new OutboundFailure('target_refused', `The address ${refusal}.`);
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      // Rejected first: what the abort does to the request must not be heard before it.
      reject(new OutboundFailure('timed_out', `No whole answer within ${timeoutMs} ms.`));
      controller.abort();
    }, timeoutMs);
  });
  const whole = async (): Promise<Response> => {
    const answer = await fetch(url, { ...init, redirect: 'manual', signal: controller.signal });
    const body = answer.body === null ? null : await readWithin(answer.body, maxBytes);
    if (body === 'too_large') throw new OutboundFailure('too_large', `The answer is larger than ${maxBytes} bytes.`);
    const { status, statusText } = answer;
    const headers = new Headers(answer.headers);
    // The body is plain and whole by now.
    headers.delete('content-encoding');
    headers.delete('content-length');
    const mayHaveBody = status !== 204 && status !== 205 && status !== 304;
    return new Response(mayHaveBody ? body : null, { status, statusText, headers });
  };
  try {
    return await Promise.race([whole(), tooLate]);
  } catch (cause) {
    if (cause instanceof OutboundFailure) throw cause;
    throw new OutboundFailure('unreachable', 'Nobody answers at the address.', { cause });
  } finally {
    clearTimeout(timer);
  }
}
