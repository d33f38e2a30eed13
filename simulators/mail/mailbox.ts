/** Where messages are kept: in memory, or as one JSON file each in a folder that outlives the process. */

/** A message as its file holds it. */
export interface MailFile {
  /** Addresses, comma-separated. */
  to: string;
  subject: string;
  text: string;
  html: string;
  /** When it was taken, RFC 3339 UTC. */
  at: string;
}

export interface StoredMail extends MailFile {
  id: string;
}

export interface MailSummary {
  id: string;
  to: string;
  subject: string;
  at: string;
  /** The beginning of the text. */
  preview: string;
}

export interface Mailbox {
  /** Keeps a message; returns only once it would survive the end of the process, as far as the mailbox can promise that. */
  add(mail: StoredMail): void;
  /** The newest first. */
  list(): readonly MailSummary[];
  get(id: string): StoredMail | null;
  clear(): void;
}

const previewLength = 140;

export const toSummary = ({ id, to, subject, at, text }: StoredMail): MailSummary => ({
  id,
  to,
  subject,
  at,
  preview: text.replace(/\s+/g, ' ').trim().slice(0, previewLength),
});

/** Forgets with the process. */
export function memoryMailbox(): Mailbox {
  const mails: StoredMail[] = [];
  return {
    add: (mail) => void mails.unshift(mail),
    list: () => mails.map(toSummary),
    get: (id) => mails.find((mail) => mail.id === id) ?? null,
    clear: () => void mails.splice(0),
  };
}
