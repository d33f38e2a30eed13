/** Pure: judges telemetry rows one by one. */
import { maxFutureMs, positionInputSchema, type PositionInput, type Rejection } from '#contracts/telemetry';

export interface JudgedPosition {
  index: number;
  position: PositionInput;
}

/** Which rejection a failed field stands for. */
function rejectionOf(index: number, issues: readonly { path: PropertyKey[]; message: string }[]): Rejection {
  const [first] = issues;
  const field = String(first?.path[0] ?? '');
  const message = field === '' ? (first?.message ?? 'is not a position') : `${field} ${first?.message ?? 'is wrong'}`;
  if (field === 'lat' || field === 'lon') return { index, code: 'INVALID_POSITION', message };
  if (field === 'at') return { index, code: 'INVALID_TIME', message };
  return { index, code: 'INVALID_FIELD', message };
}

/** Splits rows into well-formed ones and rejections that name their index in the batch. */
export function judgePositions(
  rows: readonly unknown[],
  now: Date,
): { judged: JudgedPosition[]; rejected: Rejection[] } {
  const judged: JudgedPosition[] = [];
  const rejected: Rejection[] = [];
  rows.forEach((row, index) => {
    const parsed = positionInputSchema.safeParse(row);
    if (!parsed.success) rejected.push(rejectionOf(index, parsed.error.issues));
    else if (Date.parse(parsed.data.at) - now.getTime() > maxFutureMs) {
      rejected.push({ index, code: 'IN_THE_FUTURE', message: 'at lies more than 10 minutes ahead' });
    } else judged.push({ index, position: parsed.data });
  });
  return { judged, rejected };
}
