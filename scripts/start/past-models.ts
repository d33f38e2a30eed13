/** What the demo fleets' pasts are scored with: the prior that comes with the product, under default terms. */
import { modelsUnder, priorArtefact, type ModelsInUse } from '#worker/features/scoring/models';
import { defaultRiskTerms } from '#worker/features/scoring/settings-rules';

export function pastModels(): ModelsInUse {
  const artefact = priorArtefact();
  const terms = defaultRiskTerms();
  const hasForecasts = true;
  return { models: modelsUnder(artefact, terms, hasForecasts), artefact, place: null, terms, hasForecasts };
}
