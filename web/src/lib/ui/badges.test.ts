import { render, screen } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import { alertSeverities } from '#contracts/alerts';
import { riskLevels } from '#contracts/risk';
import { vehicleStatuses } from '#contracts/vehicles';
import type { LiveState } from '../live/connection.ts';
import ActionLabel from './ActionLabel.svelte';
import ConnectionChip from './ConnectionChip.svelte';
import RiskBadge from './RiskBadge.svelte';
import SeverityBadge from './SeverityBadge.svelte';
import StatusBadge from './StatusBadge.svelte';

/** The word a badge reads, and whether a shape stands beside it. */
const read = (container: HTMLElement): { word: string; hasShape: boolean } => ({
  word: container.textContent?.trim() ?? '',
  hasShape: container.querySelector('svg[aria-hidden="true"]') !== null,
});

describe('badges', () => {
  it.each([
    ['low', 'Low'],
    ['medium', 'Medium'],
    ['high', 'High'],
    ['critical', 'Critical'],
    [null, 'Not scored'],
  ] as const)('risk %s reads %s, with a shape', (level, word) => {
    expect(read(render(RiskBadge, { level }).container)).toEqual({ word, hasShape: true });
  });

  it.each([
    ['moving', 'Moving'],
    ['idle', 'Idling'],
    ['stopped', 'Stopped'],
    ['stale', 'Stale'],
    ['offline', 'Offline'],
  ] as const)('status %s reads %s, with a shape', (status, word) => {
    expect(read(render(StatusBadge, { status }).container)).toEqual({ word, hasShape: true });
  });

  it('covers every level, status and severity of the contracts', () => {
    for (const level of riskLevels) expect(read(render(RiskBadge, { level }).container).word).not.toBe('');
    for (const status of vehicleStatuses) expect(read(render(StatusBadge, { status }).container).word).not.toBe('');
    for (const severity of [...alertSeverities, 'unknown' as const]) {
      expect(read(render(SeverityBadge, { severity }).container)).toMatchObject({ hasShape: true });
    }
  });

  it('says the action in words', () => {
    render(ActionLabel, { action: 'pull_over' });
    expect(screen.getByText('Pull over safely').className).toContain('font-semibold');
  });
});

describe('the connection chip', () => {
  it.each<[LiveState, string]>([
    [{ kind: 'live', sinceMs: 0 }, 'Live'],
    [{ kind: 'connecting', sinceMs: 0 }, 'Connecting'],
    [{ kind: 'reconnecting', sinceMs: 0 }, 'Reconnecting'],
    [{ kind: 'offline', sinceMs: 0 }, 'Offline for 3 min'],
    [{ kind: 'ended', sinceMs: 0, code: 4410 }, 'Live view ended'],
  ])('%j reads %s', (state, words) => {
    render(ConnectionChip, { state, nowMs: 180_000 });
    expect(screen.getByRole('status').textContent).toBe(words);
  });
});
