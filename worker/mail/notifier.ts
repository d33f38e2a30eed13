/** The port through which people are told something. Mail is its first channel; others join it behind the same words. */

/** One message to one person, ready to go. */
export interface OutgoingMessage {
  /** Names the message to the provider as well: the same id is delivered once, however often it is handed over. */
  id: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

/**
 * Why a message was not taken. `auth`: our key or sender is refused, an operator must act; `rate_limited`: later;
 * `unavailable`: no usable answer; `rejected`: this message will never be taken.
 */
export type NotifierErrorKind = 'auth' | 'rate_limited' | 'unavailable' | 'rejected';

export interface NotifierError {
  kind: NotifierErrorKind;
  /** HTTP status; null when there was no answer. */
  status: number | null;
  /** A word from a closed list of ours or the provider's, never its free text: that may quote the message. */
  code: string | null;
  /** How long the provider asked to be left alone. */
  retryAfterSeconds: number | null;
}

/** `providerId` is null when the provider has the message and does not say under which name. */
export type NotifierResult = { kind: 'sent'; providerId: string | null } | NotifierError;

export interface Notifier {
  /** Hands a message over. Never throws: what goes wrong is a result. */
  send(message: OutgoingMessage): Promise<NotifierResult>;
}
