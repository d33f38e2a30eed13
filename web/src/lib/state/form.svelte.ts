/**
 * A form: what is typed in it, checked by the contract's own schema before it is sent, and what the API said of it laid at
 * the field it belongs to. Pages give it a schema and a way to send; components show `errorOf` and `message`.
 */
import type { z } from 'zod';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import { formatSpan } from '../format/time.ts';

interface Issue {
  /** The field, dotted where it is nested: `flags.alerts`. */
  path: string;
  message: string;
}

/** The fields that a refused answer names (`details.issues`); empty when it names none. */
export function issuesOf(failure: ApiFailure): Issue[] {
  const { details } = failure;
  if (typeof details !== 'object' || details === null || !('issues' in details) || !Array.isArray(details.issues)) {
    return [];
  }
  return details.issues.filter(
    (issue: unknown): issue is Issue =>
      typeof issue === 'object' &&
      issue !== null &&
      'path' in issue &&
      typeof issue.path === 'string' &&
      'message' in issue &&
      typeof issue.message === 'string',
  );
}

const asSentence = (message: string): string => {
  const text = message.trim();
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
};

export interface FormInit<Values extends object, Schema extends z.ZodType> {
  values: Values;
  schema: Schema;
  /** What goes to the schema; the values as they stand when left out. */
  toInput?: (values: Values) => unknown;
  /** Sends what passed the schema. Whatever it throws is shown. */
  send: (input: z.output<Schema>) => Promise<void>;
  /** What to say of a field that is wrong, in place of the schema's own words. */
  words?: Partial<Record<string, string>>;
  /** What to say of a refusal, in place of the usual sentence; null keeps that one. */
  explain?: (failure: ApiFailure) => string | null;
}

export class Form<Values extends object, Schema extends z.ZodType = z.ZodType> {
  values: Values;
  isBusy = $state(false);
  /** Why sending failed; null while it has not. */
  failure = $state.raw<ApiFailure | null>(null);
  #issues = $state.raw<Issue[]>([]);
  readonly #init: FormInit<Values, Schema>;

  constructor(init: FormInit<Values, Schema>) {
    this.#init = init;
    // A copy: the first values are what `reset` goes back to.
    const values = $state(structuredClone(init.values));
    this.values = values;
  }

  /** What is wrong with a field, as a sentence; null when nothing is known to be. */
  errorOf(field: string): string | null {
    const issue = this.#issues.find(({ path }) => path === field || path.startsWith(`${field}.`));
    if (issue === undefined) return null;
    return this.#init.words?.[field] ?? asSentence(issue.message);
  }

  /** What is wrong with the whole, or with something that is no field here; null when a field says it already. */
  get message(): string | null {
    const known = this.failure === null ? null : (this.#init.explain?.(this.failure) ?? null);
    const stray = this.#issues.find(({ path }) => !((path.split('.', 1)[0] ?? '') in this.values));
    if (stray !== undefined) return known ?? asSentence(stray.message);
    if (this.failure === null || this.#issues.length > 0) return null;
    if (known !== null) return known;
    const { code, message, retryAfterSeconds } = this.failure;
    return code === 'ACCOUNT_LOCKED' && retryAfterSeconds !== null
      ? `${message} Try again in ${formatSpan(retryAfterSeconds * 1000)}.`
      : message;
  }

  /** The number that finds the failure in the logs; null for the everyday ones. */
  get requestId(): string | null {
    const failure = this.failure;
    return failure !== null && (failure.status >= 500 || failure.code === 'MALFORMED') ? failure.requestId : null;
  }

  /** Checks and sends; true when it went through. A second call while one is under way does nothing. */
  async submit(): Promise<boolean> {
    if (this.isBusy) return false;
    this.failure = null;
    this.#issues = [];
    const values = $state.snapshot(this.values) as Values;
    const checked = this.#init.schema.safeParse(this.#init.toInput?.(values) ?? values);
    if (!checked.success) {
      this.#issues = checked.error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
      return false;
    }
    this.isBusy = true;
    try {
      await this.#init.send(checked.data);
      return true;
    } catch (thrown) {
      this.failure = toFailure(thrown);
      this.#issues = this.failure.code === 'VALIDATION_FAILED' ? issuesOf(this.failure) : [];
      return false;
    } finally {
      this.isBusy = false;
    }
  }

  /** Back to the first values, or to these. */
  reset(values: Values = this.#init.values): void {
    Object.assign(this.values, structuredClone(values));
    this.failure = null;
    this.#issues = [];
  }
}
