/**
 * A file of service records on its way to the server: its rows for a look beforehand, and parts small enough to be sent
 * one after another. What the columns mean is the server's to say. Pure.
 */

export interface CsvRecord {
  /** Where it begins in the file; the first line is 1. */
  line: number;
  cells: string[];
  /** As it stands in the file, without its line end. */
  text: string;
}

const delimiters = [',', ';', '\t'] as const;
/** The character that parts the cells of the first line: the one most often in it, outside quotes. */
function delimiterOf(text: string): string {
  const first = (/^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text)?.[0] ?? '').replace(/"(?:[^"]|"")*"/g, '');
  const counts = delimiters.map((delimiter) => ({ delimiter, count: first.split(delimiter).length }));
  return counts.reduce((most, next) => (next.count > most.count ? next : most)).delimiter;
}

/** The records of a CSV (RFC 4180, any of three delimiters, any line end); empty lines are left out. Never throws. */
export function readCsv(file: string): CsvRecord[] {
  const text = file.replace(/^\ufeff/, '');
  const delimiter = delimiterOf(text);
  const records: CsvRecord[] = [];
  let [at, line] = [0, 1];
  while (at < text.length) {
    const [start, startLine] = [at, line];
    const cells: string[] = [];
    let cell = '';
    let isQuoted = false;
    for (; at < text.length; at += 1) {
      const char = text[at] ?? '';
      if (isQuoted) {
        if (char === '"' && text[at + 1] === '"') {
          cell += '"';
          at += 1;
        } else if (char === '"') isQuoted = false;
        else cell += char;
        if (char === '\n') line += 1;
      } else if (char === '"' && cell === '') isQuoted = true;
      else if (char === delimiter) {
        cells.push(cell);
        cell = '';
      } else if (char === '\n' || char === '\r') break;
      else cell += char;
    }
    cells.push(cell);
    const record = { line: startLine, cells, text: text.slice(start, at) };
    if (record.text.trim() !== '') records.push(record);
    at += text.startsWith('\r\n', at) ? 2 : 1;
    line += 1;
  }
  return records;
}

/** Less than the server takes at once, so that progress can be seen. */
const partRows = 500;
const partCharacters = 400_000;

export interface CsvPart {
  text: string;
  rows: number;
  /** The line of the whole file that a line of this part comes from. */
  lineInFile: (line: number) => number;
}

/** The rows in parts, each under the first line again. */
export function partsOf(records: readonly CsvRecord[]): CsvPart[] {
  const [head, ...rows] = records;
  if (head === undefined) return [];
  const parts: CsvRecord[][] = [];
  let size = Infinity;
  for (const row of rows) {
    const last = parts.at(-1);
    if (last === undefined || last.length >= partRows || size + row.text.length > partCharacters) {
      parts.push([row]);
      size = row.text.length;
    } else {
      last.push(row);
      size += row.text.length;
    }
  }
  const linesIn = ({ text }: CsvRecord): number => text.split('\n').length;
  return parts.map((part) => {
    const starts: { at: number; line: number }[] = [];
    let at = 1 + linesIn(head);
    for (const row of part) {
      starts.push({ at, line: row.line });
      at += linesIn(row);
    }
    return {
      text: `${[head, ...part].map(({ text }) => text).join('\n')}\n`,
      rows: part.length,
      lineInFile: (line) => starts.findLast((start) => start.at <= line)?.line ?? head.line,
    };
  });
}
