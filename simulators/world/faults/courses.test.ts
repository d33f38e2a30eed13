import { describe, expect, it } from 'vitest';
import { fmiSchema, sourceAddressSchema, spnSchema, vehicleSystemSchema } from '#contracts/faults';
import { codes, type CodeKey } from './codes.ts';
import { courses } from './courses.ts';

const usedCodes = new Set(
  courses.flatMap((course) => course.stages.flatMap((stage) => stage.codes.map((c) => c.code))),
);

describe('fault courses', () => {
  it('reach at least 45 different codes over at least 9 systems, and no code stands idle', () => {
    const used = [...usedCodes].map((key) => codes[key]);
    expect(new Set(used.map(({ spn, fmi }) => `${spn}/${fmi}`)).size).toBeGreaterThanOrEqual(45);
    expect(new Set(used.map(({ system }) => system)).size).toBeGreaterThanOrEqual(9);
    expect((Object.keys(codes) as CodeKey[]).filter((key) => !usedCodes.has(key))).toEqual([]);
  });

  it('use only numbers a J1939 message can carry, each code once', () => {
    const identities = Object.values(codes).map((code) => {
      expect(spnSchema.safeParse(code.spn).success).toBe(true);
      expect(fmiSchema.safeParse(code.fmi).success).toBe(true);
      expect(sourceAddressSchema.safeParse(code.sourceAddress).success).toBe(true);
      expect(vehicleSystemSchema.safeParse(code.system).success).toBe(true);
      // The row's text is read by others: a name must not look like a state, a count or another code.
      expect(code.name).not.toMatch(/\b(SPN|FMI|SA|inactive|occurrences?)\b/i);
      return `${code.sourceAddress}/${code.spn}/${code.fmi}`;
    });
    expect(new Set(identities).size).toBe(identities.length);
  });

  it('are well formed: onset at 0, ranges that rise, replacements that come later', () => {
    expect(new Set(courses.map((course) => course.key)).size).toBe(courses.length);
    for (const course of courses) {
      expect(course.stages[0]?.afterHours).toEqual([0, 0]);
      for (const [low, high] of [course.repairAfterHours, ...course.stages.map((stage) => stage.afterHours)]) {
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeGreaterThanOrEqual(low);
      }
      course.stages.forEach((stage, index) => {
        for (const { untilStage, duty, countsPerDay } of stage.codes) {
          if (untilStage !== undefined) expect(untilStage).toBeGreaterThan(index);
          if (untilStage !== undefined) expect(untilStage).toBeLessThan(course.stages.length);
          if (duty !== undefined) expect(duty).toBeGreaterThan(0);
          if (duty !== undefined) expect(duty).toBeLessThan(1);
          expect(countsPerDay).toBeGreaterThan(0);
        }
      });
    }
  });

  it('grow worse as an engineer would expect', () => {
    const successor = (from: CodeKey): string[] =>
      courses.flatMap((course) =>
        course.stages.flatMap((stage) =>
          stage.codes
            .filter((stageCode) => stageCode.code === from && stageCode.untilStage !== undefined)
            .flatMap((stageCode) =>
              (course.stages[stageCode.untilStage ?? 0]?.codes ?? []).map(
                ({ code }) => `${codes[code].spn}/${codes[code].fmi}`,
              ),
            ),
        ),
      );
    expect(successor('dpfPressureHigh')).toContain('3251/0');
    expect(successor('sootHigh')).toContain('3719/0');
    expect(successor('coolantLevelLow')).toContain('111/1');
    expect(successor('batteryLow')).toContain('168/1');
    expect(successor('oilPressureLow')).toContain('100/1');
    expect(successor('defLevelVeryLow')).toContain('1761/1');
    for (const course of courses.filter((candidate) => candidate.isSevere)) {
      const last = course.stages.at(-1)?.codes ?? [];
      expect(last.some((stageCode) => stageCode.lamps.redStop && stageCode.duty === undefined)).toBe(true);
    }
  });
});
