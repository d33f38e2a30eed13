/**
 * `npm run bench -- --only realtime`: holds every promise of the live picture against its peer or its limit, one line after the
 * other, and writes bench/LIVE.md. `--line fan-out,herd` runs some and puts their sections in place, `--quick` runs short rounds to see
 * that it works. Servers run on one core and what loads them on another; a void run (a gap, a wrong final state, a foreign truck) says so.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Measurement } from './measurement.ts';
import { holds, type Finding, type LineResult } from './realtime/line.ts';
import { lines } from './realtime/lines.ts';
import { loadCore, pin, serverCore, unpin } from './realtime/processor-time.ts';

const fullRounds = 7;
const quickRounds = 2;

export interface RealtimeOptions {
  isQuick: boolean;
  /** Null: all of them. */
  line: string | null;
}

const shown = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));

const spreadText = ({ spread }: Finding): string =>
  spread.low === spread.high ? '' : `${shown(spread.low)} – ${shown(spread.high)}`;

const otherSuffices = 'the other does';

/** Yes, no, or nothing to hold; where one of several suffices, each shows its own and the whole what counts. */
export function verdictOf(finding: Finding, all: readonly Finding[]): string {
  const own = holds(finding);
  if (own === null) return '';
  if (own) return 'yes';
  const suffices = finding.anyOf !== undefined && all.some((other) => other.anyOf === finding.anyOf && holds(other));
  return suffices ? otherSuffices : '**NO**';
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function tableOf({ findings }: LineResult): string {
  return [
    row(['what', 'median', 'spread', 'limit', 'holds']),
    row(['---', '---', '---', '---', '---']),
    ...findings.map((finding) =>
      row([
        finding.promise,
        `${shown(finding.spread.median)} ${finding.unit}`.trim(),
        spreadText(finding),
        finding.limit === null ? '' : `${finding.limit.relation} ${shown(finding.limit.value)} ${finding.unit}`.trim(),
        verdictOf(finding, findings),
      ]),
    ),
  ].join('\n');
}

const head =
  `# The live picture, beside its peers\n\nWritten by \`npm run bench -- --only realtime\`, ${cpus().length} cores. Every server runs on core ` +
  `${serverCore}, everything that loads it on core ${loadCore}. Where there is a peer, product and peer take turns in the same run; a ratio is ` +
  'the median of the pairs\u2019 ratios, with its spread. Times are of one machine: read the ratios. A run with a gap in a chain of ' +
  'frames, a wrong final state or a truck of another tenant is void, and says so here.\n';

const page = join(import.meta.dirname, 'LIVE.md');
const nameIn = (section: string): string | undefined => /^`--line ([a-z-]+)`/m.exec(section)?.[1];

/** Puts a section in the place of the one that its line wrote before; a line that stops leaves what others have measured. */
function writeSection(name: string, section: string): void {
  const before = existsSync(page) ? readFileSync(page, 'utf8').split(/^(?=## )/m) : [];
  const sections = new Map(before.flatMap((text) => (nameIn(text) === undefined ? [] : [[nameIn(text), text.trim()]])));
  sections.set(name, section.trim());
  const ordered = lines.flatMap((line) => sections.get(line.name) ?? []);
  writeFileSync(page, `${[head.trim(), ...ordered].join('\n\n')}\n`);
}

export async function measureRealtime({ isQuick, line }: RealtimeOptions): Promise<Measurement[]> {
  const named = line?.split(',') ?? null;
  const wanted = lines.filter(({ name }) => named === null || named.includes(name));
  if (wanted.length < (named?.length ?? 1))
    throw new Error(`no line "${line}"; there are ${lines.map(({ name }) => name).join(', ')}`);
  const rounds = isQuick ? quickRounds : fullRounds;
  const measurements: Measurement[] = [];
  pin(process.pid, loadCore);
  try {
    for (const { name, title, promise, run } of wanted) {
      const startedMs = performance.now();
      const say = (text: string): void => console.log(`  ${name}: ${text}`);
      let result: LineResult;
      try {
        result = await run({ isQuick, rounds, say });
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        console.error(`${title} (${name}): void: ${why}`);
        if (!isQuick) writeSection(name, `## ${title}\n\n> ${promise}\n\n\`--line ${name}\`\n\n**Void**: ${why}`);
        process.exitCode = 1;
        continue;
      }
      const seconds = (performance.now() - startedMs) / 1000;
      console.log(`\n${title} (${name}, ${seconds.toFixed(0)} s)`);
      console.table(
        result.findings.map((finding) => ({
          what: finding.promise,
          median: `${shown(finding.spread.median)} ${finding.unit}`,
          spread: spreadText(finding),
          limit: finding.limit === null ? '' : `${finding.limit.relation} ${shown(finding.limit.value)}`,
          holds: verdictOf(finding, result.findings).replaceAll('*', ''),
        })),
      );
      const when = `${new Date().toISOString().slice(0, 10)}, ${rounds} pairs where there is a peer.`;
      const notes = result.notes.map((note) => `- ${note}`).join('\n');
      const section = `## ${title}\n\n> ${promise}\n\n\`--line ${name}\`, ${when}\n\n${tableOf(result)}\n\n${notes}`;
      if (!isQuick) writeSection(name, section);
      measurements.push(
        ...result.findings.map((finding) => ({
          ...{ name: `live, ${name}: ${finding.promise}`, value: finding.spread.median, unit: finding.unit },
          spread: [finding.spread.low, finding.spread.high] as const,
          // Where one of two suffices, the one that does not hold asks for nothing.
          target: verdictOf(finding, result.findings) === otherSuffices ? null : finding.limit,
        })),
      );
    }
  } finally {
    unpin(process.pid, cpus().length);
  }
  return measurements;
}
