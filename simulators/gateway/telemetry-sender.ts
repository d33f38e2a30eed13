/**
 * One tenant's way to one ingest route: a bounded buffer that is emptied oldest first, and kept while the API is down.
 * A row leaves the buffer only when the API has answered for it.
 */
import { oneOf } from '#contracts/primitives';
import { ingestResultSchema, maxTelemetryRows } from '#contracts/telemetry';
import { retryAfterMs, SignInError, type TokenProvider } from './sign-in.ts';

export interface SenderStats {
  tenantName: string;
  buffered: number;
  /** Rows the API accepted. */
  accepted: number;
  /** Rows the API named as bad; they are not sent again. */
  rejected: number;
  /** Rows given up: the oldest of a full buffer, and batches the API refused as a whole. */
  dropped: number;
  requests: number;
  failures: number;
  lastError: string | null;
}

/** What is sent: the ending of the route and the name of the list in its body are the same word. */
export type TelemetryKind = 'positions' | 'signals';

export interface SenderOptions {
  kind: TelemetryKind;
  apiBaseUrl: string;
  tenantName: string;
  getToken: TokenProvider;
  /** Most rows kept; beyond it the oldest go. */
  bufferRows: number;
  fetch: typeof fetch;
  /** 0–1, for the jitter. */
  random: () => number;
  log: (line: string) => void;
}

const firstBackOffMs = 500;
const longestBackOffMs = 30_000;
const requestTimeoutMs = 15_000;
/** An API without this route gets it with its next version at best: asked again seldom, and nothing is kept for it. */
const unknownRoutePauseMs = 5 * 60_000;

/** Exponential back-off with full jitter over its upper half: never at once, never all together. */
export function backOffMs(failures: number, random: number): number {
  const ceiling = Math.min(longestBackOffMs, firstBackOffMs * 2 ** Math.max(0, failures - 1));
  return Math.round(ceiling * (0.5 + 0.5 * random));
}

/** What one attempt came to: go on with what is oldest now, or wait this long. */
type Outcome = { kind: 'go_on' } | { kind: 'wait'; ms: number };

export class TelemetrySender<Row extends object> {
  readonly stats: SenderStats;
  private readonly options: SenderOptions;
  private rows: Row[] = [];
  private batchRows = maxTelemetryRows;
  private failuresInARow = 0;
  private refusedToken: string | undefined;
  private refusalsInARow = 0;
  private isSending = false;
  private notBeforeMs = 0;
  private readonly stopping = new AbortController();

  constructor(options: SenderOptions) {
    this.options = options;
    this.stats = {
      tenantName: options.tenantName,
      buffered: 0,
      accepted: 0,
      rejected: 0,
      dropped: 0,
      requests: 0,
      failures: 0,
      lastError: null,
    };
  }

  /** Adds rows at the end; a full buffer loses its oldest. */
  add(rows: readonly Row[]): void {
    this.rows.push(...rows);
    const excess = this.rows.length - this.options.bufferRows;
    if (excess > 0) {
      this.rows.splice(0, excess);
      this.stats.dropped += excess;
    }
    this.stats.buffered = this.rows.length;
  }

  /** Sends what is buffered, unless it is sending already or was told to wait. Never rejects. */
  async flush(nowMs: number): Promise<void> {
    if (this.isSending || nowMs < this.notBeforeMs) return;
    this.isSending = true;
    try {
      while (this.rows.length > 0 && !this.stopping.signal.aborted) {
        const outcome = await this.sendOldest();
        if (outcome.kind === 'wait') {
          this.notBeforeMs = nowMs + outcome.ms;
          return;
        }
      }
    } finally {
      this.isSending = false;
      this.stats.buffered = this.rows.length;
    }
  }

  stop(): void {
    this.stopping.abort();
  }

  private async sendOldest(): Promise<Outcome> {
    const { kind } = this.options;
    const batch = this.rows.slice(0, this.batchRows);
    let token: string;
    try {
      token = await this.options.getToken(this.options.tenantName, this.refusedToken);
    } catch (error) {
      return this.failed(String(error), error instanceof SignInError ? error.retryAfterMs : undefined);
    }
    let response: Response;
    try {
      this.stats.requests += 1;
      response = await this.options.fetch(`${this.options.apiBaseUrl}/api/v1/telemetry/${kind}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
        body: JSON.stringify({ [kind]: batch }),
        signal: AbortSignal.any([AbortSignal.timeout(requestTimeoutMs), this.stopping.signal]),
      });
    } catch (error) {
      return this.failed(`the API cannot be reached: ${String(error)}`);
    }
    return this.judge(response, batch, token);
  }

  private async judge(response: Response, batch: readonly Row[], token: string): Promise<Outcome> {
    const body: unknown = await response.json().catch(() => null);
    if (response.status === 202) {
      const result = oneOf(ingestResultSchema).safeParse(body);
      // The API took responsibility: sending again would change nothing, whatever the body looks like.
      if (result.success) {
        this.stats.accepted += result.data.data.accepted;
        this.stats.rejected += result.data.data.rejected.length;
        const first = result.data.data.rejected[0];
        if (first !== undefined) this.stats.lastError = `${first.code}: ${first.message}`;
      }
      this.done(batch);
      return { kind: 'go_on' };
    }
    if (response.status === 401) {
      // The first refusal may only mean that the key was replaced: whoever keeps it is asked again. A second one in a row
      // means that this one is refused too.
      this.refusedToken = token;
      this.refusalsInARow += 1;
      return this.refusalsInARow === 1 ? { kind: 'go_on' } : this.failed('the API refuses the key');
    }
    if (response.status === 413 && batch.length > 1) {
      this.batchRows = Math.ceil(batch.length / 2);
      return { kind: 'go_on' };
    }
    if (response.status === 400 || response.status === 413 || response.status === 415) {
      this.stats.dropped += batch.length;
      this.stats.lastError = `a batch was refused: ${response.status} ${JSON.stringify(body)?.slice(0, 300)}`;
      this.log(this.stats.lastError);
      this.done(batch);
      return { kind: 'go_on' };
    }
    if (response.status === 404) {
      this.stats.dropped += this.rows.length;
      this.rows = [];
      return this.failed('the API answered 404', unknownRoutePauseMs);
    }
    const asked = response.headers.has('Retry-After') ? retryAfterMs(response, 0) : undefined;
    return this.failed(`the API answered ${response.status}`, asked);
  }

  private done(batch: readonly Row[]): void {
    // Rows added while the batch travelled stand behind it; a full buffer may have lost some of its beginning.
    const sent = new Set(batch);
    this.rows = this.rows.filter((row) => !sent.has(row));
    this.stats.buffered = this.rows.length;
    if (this.failuresInARow > 0) this.log('sending again');
    this.failuresInARow = 0;
    this.refusalsInARow = 0;
  }

  private log(text: string): void {
    this.options.log(`gateway ${this.options.tenantName} (${this.options.kind}): ${text}`);
  }

  private failed(reason: string, waitMs?: number): Outcome {
    this.failuresInARow += 1;
    this.stats.failures += 1;
    this.stats.lastError = reason;
    if (this.failuresInARow === 1) this.log(`${reason}; will try again`);
    const backOff = backOffMs(this.failuresInARow, this.options.random());
    return { kind: 'wait', ms: waitMs === undefined ? backOff : Math.max(waitMs, backOff) };
  }
}
