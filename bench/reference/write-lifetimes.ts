/** `node bench/reference/write-lifetimes.ts <folder>`: the simulated lifetimes as CSV files, for make-fixtures.R. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulatedLifetimes } from './simulated-lifetimes.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('Say which folder to write to');
mkdirSync(folder, { recursive: true });
for (const set of simulatedLifetimes()) {
  const header = ['time', 'event', 'entry', 'stratum', 'risk', 'ridge', ...set.names];
  const lines = set.time.map((time, row) =>
    [
      time,
      set.event[row],
      set.entry?.[row] ?? '',
      set.strata?.[row] ?? '',
      set.risk[row],
      set.ridge,
      ...(set.x[row] ?? []),
    ].join(','),
  );
  writeFileSync(join(folder, `${set.name}.csv`), `${[header.join(','), ...lines].join('\n')}\n`);
}
