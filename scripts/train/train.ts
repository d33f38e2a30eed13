/**
 * `npm run train`: trains the global prior in the simulated world, judges it in worlds it has never seen, and writes
 * scoring/prior/global-prior.json with its report (report.json, README.md). Same code, same bytes. A few minutes on two cores.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { modelArtefactSchema } from '#contracts/scoring-models';
import { featureList, featureNames, trainPrior, type GlobalPrior, type PriorParams } from '#scoring';
import { chooseCoxRidge, judgeWorld, learnAfter, lifetimesOf, must, priorPredicts } from './judge.ts';
import { observeWorlds } from './observe-worlds.ts';
import { reportPage, type PriorReport } from './report.ts';
import { joined, tenantWorlds, testWorlds, trainingWorlds, validationWorld, type ObservedWorld } from './worlds.ts';

const folder = join(import.meta.dirname, '../../scoring/prior');
const seed = 1;
/** What is bundled into the Worker. */
const mostBytes = 400_000;

const common: PriorParams = {
  depth: 5,
  learningRate: 0.08,
  minLeaf: 200,
  bins: 64,
  subsample: 0.7,
  l2: 5,
  columnSample: 1,
  periods: 24,
  rounds: 150,
};
const candidates: PriorParams[] = [
  common,
  { ...common, depth: 4, learningRate: 0.1 },
  { ...common, depth: 6, minLeaf: 400 },
];

const startedMs = Date.now();
const say = (text: string): void =>
  console.log(`${((Date.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}`);

/** The day of training stays that of the first time these bytes were made. */
function trainedAtOf(version: string): string {
  const path = join(folder, 'global-prior.json');
  if (existsSync(path)) {
    const known = JSON.parse(readFileSync(path, 'utf8')) as Partial<GlobalPrior>;
    if (known.version === version && known.trainedAt !== undefined) return known.trainedAt;
  }
  return new Date().toISOString();
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function train(): Promise<void> {
  const learners = [...trainingWorlds, validationWorld];
  const worlds = [...learners, ...testWorlds, ...tenantWorlds];
  say(`watching ${worlds.length} worlds, ${worlds.reduce((sum, { trucks }) => sum + trucks, 0)} trucks`);
  const observed = await observeWorlds(worlds, (world, { landmarks }) =>
    say(`${world.name}: ${landmarks.length} landmarks of ${world.trucks} trucks`),
  );
  const training = joined(observed.slice(0, trainingWorlds.length));
  const validation = observed[trainingWorlds.length] as ObservedWorld;
  const tests = observed.slice(learners.length, learners.length + testWorlds.length);
  const tenants = observed.slice(learners.length + testWorlds.length);

  say('growing trees');
  const trained = must(
    trainPrior(
      {
        train: training,
        validation,
        candidates,
        seed,
        onTried: ({ params, rounds, loss }) =>
          say(`depth ${params.depth}, leaf ${params.minLeaf}: ${rounds} trees, loss ${loss.toFixed(4)}`),
      },
      featureList,
      training.vehicles,
    ),
    'prior',
  );
  const { version: _unnamed, ...learned } = modelArtefactSchema.parse({ version: '', ...trained.artefact });
  const version = `prior-${sha256(JSON.stringify(learned)).slice(0, 8)}`;
  const artefact = { version, ...learned };
  const artefactText = JSON.stringify(artefact);
  if (artefactText.length > mostBytes) throw new Error(`the artefact has ${artefactText.length} bytes`);
  const trees = trained.artefact.survival?.trees;
  if (trees === undefined) throw new Error('the prior has no trees');

  say('judging');
  const trainRows = lifetimesOf(training);
  const cox = chooseCoxRidge(trainRows, lifetimesOf(validation), featureNames);
  const prior = priorPredicts({ artefact });
  const judged = testWorlds.map(({ name }, at) => {
    const world = judgeWorld(name, tests[at] as ObservedWorld, trainRows, { prior, cox: cox.predict });
    const { integratedBrier, concordance } = world.prior;
    say(`${name}: integrated Brier ${integratedBrier}, curve ${world.trainingCurve.integratedBrier}, C ${concordance}`);
    return world;
  });
  const same = judged[0];
  if (same === undefined) throw new Error('no test world');
  const whole: GlobalPrior = { version, trainedAt: trainedAtOf(version), artefact, quality: same.quality };
  const followed = tenantWorlds.map(({ name, trucks, watching }, at) => ({
    name,
    trucks,
    after: [3, 6, 12].map((months) => {
      const learned = learnAfter(tenants[at] as ObservedWorld, watching.fromMs, months, whole);
      say(`${name}, ${months} months: factor ${learned.factor.toFixed(2)} from ${learned.failures} failures`);
      return learned;
    }),
  }));

  const report: PriorReport = {
    version,
    trainedAt: whole.trainedAt,
    digest: sha256(artefactText),
    artefactBytes: artefactText.length,
    training: {
      worlds: trainingWorlds.length,
      trucks: training.vehicles.length,
      landmarks: trained.landmarks,
      failures: trained.failures,
    },
    chosen: trained.chosen,
    tried: trained.tried,
    coxRidge: cox.ridge,
    importance: [...trees.names, 'days ahead']
      .map((feature, at) => ({ feature, share: trees.importance[at] ?? 0 }))
      .sort((a, b) => b.share - a.share)
      .slice(0, 12),
    worlds: judged,
    tenants: followed,
  };
  writeFileSync(join(folder, 'global-prior.json'), `${JSON.stringify(whole)}\n`);
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(join(folder, 'README.md'), reportPage(report));
  say(`${version}: ${artefactText.length} bytes written to scoring/prior`);
}

await train();
