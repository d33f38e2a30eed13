/**
 * What a tenant is scored with: its active model, or the prior that comes with the product, under its own bands and
 * weights. A model that is lost, damaged or breaks is replaced by the prior, and the log says so; while R2 does not answer
 * nothing is scored at all, because the prior would say something else of the whole fleet for no reason.
 *
 * A tenant without the flag `predictions` gets no forecasts (chances, days to failure); its risk from faults, signals and
 * usage goes on, because alerts depend on it.
 */
import { and, eq, sql } from 'drizzle-orm';
import type { ModelArtefact, ScoringModels } from '#contracts/scoring-models';
import { tenantSettingsSchema, type RiskBands, type TenantSettings } from '#contracts/tenants';
import { defaultModels, defaultWeights } from '#scoring';
import type { Database } from '../../db/client.ts';
import { scoringModels, tenants } from '../../db/schema/index.ts';
import { AppError } from '../../http/errors.ts';
import type { TenantScope } from '../../http/tenant-scope.ts';
import { logFailure } from '../../log.ts';
import { packArtefact, readArtefact, UnusableArtefact, type ArtefactPlace, type PackedArtefact } from './artefacts.ts';
import { ownTermsOf, termsInForce, type RiskTerms } from './settings-rules.ts';

/** Models with all that is needed to make them again later. */
export interface ModelsInUse {
  models: ScoringModels;
  artefact: ModelArtefact;
  /** null: the prior's, which `priorInUse` packs. */
  place: ArtefactPlace | null;
  terms: FullTerms;
  /** False: forecasts are switched off. */
  hasForecasts: boolean;
}

/** What the two statements of `modelStatements` bring. */
export interface ModelRows {
  settings: unknown;
  active: ArtefactPlace | null;
}

/** The tenant's settings, and its active model if there is one, as statements of a batch. */
export const modelStatements = (scope: TenantScope, db: Database) =>
  [
    db.select({ settings: tenants.settings }).from(tenants).where(eq(tenants.id, scope.tenantId)),
    db
      .select({ key: scoringModels.artefactKey, digest: scoringModels.artefactDigest })
      .from(scoringModels)
      .where(and(eq(scoringModels.tenantId, scope.tenantId), sql`status = 'active'`))
      .limit(1),
  ] as const;

let prior: ModelArtefact | null = null;
let priorPacked: Promise<PackedArtefact> | null = null;

/** The prior as an artefact like any other. */
export function priorArtefact(): ModelArtefact {
  if (prior === null) {
    const { version, survival, anomaly, calibration } = defaultModels();
    prior = { version, survival, anomaly, calibration };
  }
  return prior;
}

export const packedPrior = (): Promise<PackedArtefact> => (priorPacked ??= packArtefact(priorArtefact()));

/** Bands and weights to the last one, the fixed weights too. */
export interface FullTerms {
  riskBands: RiskBands;
  weights: Readonly<Record<string, number>>;
}

/** A tenant's terms over the weights that nobody may set. */
export const fullTermsOf = ({ riskBands, weights }: RiskTerms): FullTerms => ({
  riskBands,
  weights: { ...defaultWeights, ...weights },
});

/** Scoring's input out of an artefact and terms; the same again whenever it is asked for. */
export const modelsUnder = (
  artefact: ModelArtefact,
  { riskBands, weights }: FullTerms,
  hasForecasts: boolean,
): ScoringModels => ({
  version: artefact.version,
  survival: hasForecasts ? artefact.survival : null,
  anomaly: artefact.anomaly,
  calibration: hasForecasts ? artefact.calibration : null,
  bands: { ...riskBands },
  weights: { ...weights },
});

const under = (
  artefact: ModelArtefact,
  place: ArtefactPlace | null,
  { terms, hasForecasts }: Pick<ModelsInUse, 'terms' | 'hasForecasts'>,
): ModelsInUse => ({ models: modelsUnder(artefact, terms, hasForecasts), artefact, place, terms, hasForecasts });

/** The same terms with the prior. */
export const priorInUse = (inUse: ModelsInUse): ModelsInUse => under(priorArtefact(), null, inUse);

/** The same model with other terms. */
export const withTerms = (inUse: ModelsInUse, terms: FullTerms): ModelsInUse =>
  under(inUse.artefact, inUse.place, { terms, hasForecasts: inUse.hasForecasts });

/** Artefacts that the log has named already: once an isolate is enough, every chunk would be too often. */
const complainedOf = new Set<string>();

/** Says in the log that a tenant is scored with the prior because its model cannot be read, or breaks. */
export function complainOf(
  event: 'model_not_read' | 'model_not_usable',
  { key, digest }: ArtefactPlace,
  cause: unknown,
) {
  if (complainedOf.has(digest)) return;
  complainedOf.add(digest);
  logFailure(event, cause, { key });
}

/** The models that these rows name. Throws UNAVAILABLE when R2 does not answer: what was to be scored keeps its marks. */
export async function modelsOfRows(bucket: R2Bucket, rows: ModelRows): Promise<ModelsInUse> {
  const terms = fullTermsOf(termsInForce(ownTermsOf(rows.settings)));
  const flags = tenantSettingsSchema.shape.flags.safeParse((rows.settings as Partial<TenantSettings> | null)?.flags);
  const hasForecasts = flags.data?.predictions ?? true;
  let artefact = priorArtefact();
  let place: ArtefactPlace | null = null;
  if (rows.active !== null) {
    try {
      artefact = await readArtefact(bucket, rows.active);
      place = rows.active;
    } catch (cause) {
      if (!(cause instanceof UnusableArtefact)) {
        throw new AppError('UNAVAILABLE', 'The model cannot be read right now. Try again in a moment.', { cause });
      }
      complainOf('model_not_read', rows.active, cause);
    }
  }
  return under(artefact, place, { terms, hasForecasts });
}
