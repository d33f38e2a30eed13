/** The mailbox on disk: `<time>-<id>.json` per message, so that names sort by time. Read again by the next start. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { toSummary, type Mailbox, type MailFile, type MailSummary, type StoredMail } from './mailbox.ts';

const mailFileSchema = z.object({
  to: z.string(),
  subject: z.string(),
  text: z.string(),
  html: z.string(),
  at: z.iso.datetime(),
});
const fileName = /^\d{8}T\d{9}Z-([0-9a-f-]{36})\.json$/;

/** `20261120T091124123Z-<id>.json`: no colon, which some file systems refuse. */
const fileNameOf = ({ at, id }: { at: string; id: string }): string => `${at.replace(/[-:.]/g, '')}-${id}.json`;

/**
 * Keeps messages in `folder`, made when missing. A file that is not a message is left alone and reported to `log`; one
 * that somebody deletes is gone from the list.
 */
export function folderMailbox(folder: string, log: (line: string) => void): Mailbox {
  mkdirSync(folder, { recursive: true });
  const known = new Map<string, MailSummary>();
  const pathOf = (mail: { at: string; id: string }): string => join(folder, fileNameOf(mail));

  const read = (path: string, id: string): StoredMail | null => {
    try {
      return { id, ...mailFileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))) };
    } catch (cause) {
      if (existsSync(path))
        log(`mail: ${path} is not a message: ${cause instanceof Error ? cause.message : 'damaged'}`);
      return null;
    }
  };
  for (const name of readdirSync(folder).toSorted()) {
    const id = fileName.exec(name)?.[1];
    const mail = id === undefined ? null : read(join(folder, name), id);
    if (mail !== null) known.set(mail.id, toSummary(mail));
  }

  return {
    add(mail) {
      const { to, subject, text, html, at } = mail;
      const path = pathOf(mail);
      mkdirSync(folder, { recursive: true });
      // Whoever watches the folder sees a whole file or none.
      const unfinished = `${path}.part`;
      const content: MailFile = { to, subject, text, html, at };
      writeFileSync(unfinished, `${JSON.stringify(content, null, 2)}\n`, { flush: true });
      renameSync(unfinished, path);
      known.set(mail.id, toSummary(mail));
    },
    list: () => [...known.values()].reverse(),
    get(id) {
      const summary = known.get(id);
      const mail = summary === undefined ? null : read(pathOf(summary), id);
      if (mail === null) known.delete(id);
      return mail;
    },
    clear() {
      for (const summary of known.values()) rmSync(pathOf(summary), { force: true });
      known.clear();
    },
  };
}
