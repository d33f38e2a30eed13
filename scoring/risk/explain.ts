/** A score in sentences: verdict, reasons heaviest first, and what could not be said. */
import type { RecommendedAction, VehicleScore } from '#contracts/risk';

const actionWords: Readonly<Record<RecommendedAction, string>> = {
  keep_driving: 'keep driving',
  next_service: 'repair at the next service',
  drive_to_dealer: 'drive to the dealer',
  pull_over: 'pull over as soon as it is safe',
};

const withPoints = (text: string, points: number): string =>
  points > 0 ? `${text} (+${points.toFixed(1)} points).` : `${text} (no points).`;

const forecastSentence = (score: VehicleScore): string[] => {
  if (score.dataStatus === 'ok') return [];
  const { have, need } = score.dataStatus;
  return need === 1
    ? ['No failure forecast: there is no trained survival model yet.']
    : [`No failure forecast: ${have} of ${need} days of observation.`];
};

/** Explains a score, one sentence per line, for people. */
export const explain = (score: VehicleScore): string[] => [
  `Risk ${score.riskScore.toFixed(1)} of 100 (${score.riskLevel}), health ${score.healthScore.toFixed(1)}: ${actionWords[score.recommendedAction]}.`,
  ...(score.contributors.length === 0 ? ['Nothing speaks against this truck.'] : []),
  ...score.contributors.map((contributor) => withPoints(contributor.text, contributor.points)),
  ...forecastSentence(score),
  `Confidence ${score.confidence}, from how much is known about the truck.`,
];
