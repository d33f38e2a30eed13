/** Starts the mail simulator on a port, over the folder where it keeps its messages. */
import { listen, remoteAddressOf } from '../local.ts';
import { folderMailbox } from './mail-folder.ts';
import { createMailSimulator } from './mail.ts';

export interface StartMailOptions {
  /** 0 takes any free port. */
  port: number;
  folder: string;
  log: (line: string) => void;
  requestsPerSecond?: number;
}

export interface RunningMail {
  url: string;
  stop(): Promise<void>;
}

/** Rejects with an Error in plain words when the port is taken. */
export async function startMail({ port, folder, log, requestsPerSecond }: StartMailOptions): Promise<RunningMail> {
  const mailbox = folderMailbox(folder, log);
  const { app } = createMailSimulator({ mailbox, remoteAddressOf, requestsPerSecond });
  const listener = await listen(app, port, 'mail simulator');
  log(`mail simulator at ${listener.url}`);
  return { url: listener.url, stop: () => listener.close() };
}
