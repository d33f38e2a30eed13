/**
 * `npm test`: everything that must hold, in two lanes for two cores; the last line is `N passed, N failed`.
 * Each check that is not a test runner (types, lint, drift, bundle) counts as one.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');
const reports = mkdtempSync(join(tmpdir(), 'truckiq-test-'));

interface Outcome {
  name: string;
  passed: number;
  failed: number;
  seconds: number;
}

interface Finished {
  code: number;
  output: string;
  seconds: number;
}

function execute(command: string, args: string[]): Promise<Finished> {
  const startedAt = Date.now();
  return new Promise((resolve) => {
    const child = spawn(join(root, 'node_modules', '.bin', command), args, {
      cwd: root,
      env: { ...process.env, FORCE_COLOR: '0', WRANGLER_SEND_METRICS: 'false' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const finish = (code: number) => resolve({ code, output, seconds: (Date.now() - startedAt) / 1000 });
    child.on('error', (cause) => {
      output += String(cause);
      finish(1);
    });
    child.on('close', (code) => finish(code ?? 1));
  });
}

function report(outcome: Outcome, finished: Finished): Outcome {
  const mark = outcome.failed === 0 ? 'ok  ' : 'FAIL';
  console.log(
    `${mark} ${outcome.name}  ${outcome.passed} passed, ${outcome.failed} failed  (${outcome.seconds.toFixed(1)} s)`,
  );
  if (outcome.failed > 0) console.log(finished.output.replace(/^/gm, '     '));
  return outcome;
}

/** A tool that is right or wrong as a whole. */
async function check(name: string, command: string, args: string[]): Promise<Outcome> {
  const finished = await execute(command, args);
  const failed = finished.code === 0 ? 0 : 1;
  return report({ name, passed: 1 - failed, failed, seconds: finished.seconds }, finished);
}

const vitestReportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numFailedTestSuites: z.number(),
});

/** A vitest run, counted test by test; a file that cannot even load counts as one failure. */
async function vitest(name: string, args: string[]): Promise<Outcome> {
  const file = join(reports, `${name.replaceAll(/[ /]/g, '-')}.json`);
  const finished = await execute('vitest', [
    'run',
    ...args,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
  ]);
  let passed = 0;
  let failed = 0;
  try {
    const result = vitestReportSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    passed = result.numPassedTests;
    failed = result.numFailedTests;
  } catch {
    // No report: the run itself broke, which the exit code tells.
  }
  if (failed === 0 && (finished.code !== 0 || passed === 0)) failed = 1;
  return report({ name, passed, failed, seconds: finished.seconds }, finished);
}

type Step = () => Promise<Outcome>;

/** Two cores: two steps at a time, the next begins when one has ended. The longest come first. */
async function inTwoLanes(steps: Step[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const lane = async (): Promise<void> => {
    for (let step = steps.shift(); step !== undefined; step = steps.shift()) outcomes.push(await step());
  };
  await Promise.all([lane(), lane()]);
  return outcomes;
}

/** The Worker's tests take as long as everything else together: in parts they fill both lanes. */
const workerParts = 8;
const workerTests = Array.from({ length: workerParts }, (_, at): Step => {
  const part = `${at + 1}/${workerParts}`;
  return () => vitest(`workers ${part}`, ['--project', 'workers', `--shard=${part}`]);
});

const startedAt = Date.now();
// svelte-check and the bundle both need what the dashboard's build generates.
const outcomes = [await check('dashboard build', 'vite', ['build', 'web', '--logLevel', 'warn'])];
outcomes.push(
  ...(await inTwoLanes([
    ...workerTests,
    () => vitest('pure', ['--project', 'pure']),
    () => vitest('web', ['--project', 'web']),
    () => check('lint: code', 'eslint', ['.', '--max-warnings', '0']),
    () => check('types: web', 'svelte-check', ['--workspace', 'web', '--fail-on-warnings']),
    () => check('types: everything but web', 'tsc', ['--noEmit']),
    () => check('lint: format', 'prettier', ['--check', '.', '--log-level', 'warn']),
    () => check('bundle: deploy --dry-run under 1.5 MB', 'node', ['scripts/deploy.ts', '--dry-run']),
    () =>
      check('lint: import rules', 'depcruise', [
        'contracts',
        'scoring',
        'durable-objects',
        'worker',
        'simulators',
        'scripts',
        'web/src',
        '--config',
        '.dependency-cruiser.cjs',
      ]),
    () => check('api: document and types match the code', 'node', ['scripts/openapi.ts', '--check']),
    () => check('docs: permissions match the routes and roles', 'node', ['scripts/permissions.ts', '--check']),
  ])),
);
outcomes.push(await vitest('end to end', ['--config', 'test/e2e/vitest.config.ts']));
rmSync(reports, { recursive: true, force: true });

const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
console.log(`\n${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
