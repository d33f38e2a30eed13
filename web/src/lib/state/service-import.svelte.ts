/**
 * One CSV of service records: read here for a look, sent in parts, answered line by line. A part that fails stops it; what
 * was sent before is kept, and sending the same file again changes nothing there.
 */
import type { ServiceImportResult } from '#contracts/service-events';
import { toFailure, type ApiFailure } from '../api/failure.ts';
import { partsOf, readCsv, type CsvRecord } from '../service/csv.ts';

/** More than any shop's history; a file beyond it is something else. */
const largestFileBytes = 20_000_000;

export interface ChosenFile {
  name: string;
  size: number;
  text: () => Promise<string>;
}

export class ServiceImport {
  fileName = $state<string | null>(null);
  records = $state.raw<CsvRecord[]>([]);
  /** Why the file that was chosen cannot be taken. */
  problem = $state<string | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  isBusy = $state(false);
  sentRows = $state(0);
  /** What has come of it so far; null before anything was sent. */
  result = $state.raw<ServiceImportResult | null>(null);
  readonly rowCount = $derived(Math.max(0, this.records.length - 1));
  readonly isDone = $derived(this.result !== null && !this.isBusy && this.failure === null);
  readonly #send: (csv: string) => Promise<ServiceImportResult>;

  constructor(send: (csv: string) => Promise<ServiceImportResult>) {
    this.#send = send;
  }

  async choose(file: ChosenFile): Promise<void> {
    this.forget();
    this.fileName = file.name;
    if (file.size > largestFileBytes) {
      this.problem = 'This file is larger than 20 MB. Split it, or check that it is the right one.';
      return;
    }
    const text = await file.text().catch(() => null);
    if (text === null) this.problem = 'This file could not be read.';
    // A workbook or a picture has bytes that no text has.
    else if (text.includes('\0')) this.problem = 'This is no CSV file. In a spreadsheet, save it as CSV first.';
    else {
      this.records = readCsv(text);
      if (this.rowCount === 0) this.problem = 'This file has no rows under its first line.';
    }
  }

  async start(): Promise<void> {
    if (this.isBusy || this.rowCount === 0 || this.problem !== null) return;
    this.isBusy = true;
    this.failure = null;
    this.sentRows = 0;
    let result: ServiceImportResult = { created: 0, unchanged: 0, rejected: [] };
    try {
      for (const part of partsOf(this.records)) {
        const { created, unchanged, rejected } = await this.#send(part.text);
        result = {
          created: result.created + created,
          unchanged: result.unchanged + unchanged,
          rejected: [...result.rejected, ...rejected.map((row) => ({ ...row, line: part.lineInFile(row.line) }))],
        };
        this.result = result;
        this.sentRows += part.rows;
      }
    } catch (thrown) {
      this.failure = toFailure(thrown);
    } finally {
      this.isBusy = false;
    }
  }

  /** Back to choosing a file. */
  forget(): void {
    this.fileName = null;
    this.records = [];
    this.problem = null;
    this.failure = null;
    this.result = null;
    this.sentRows = 0;
  }
}
