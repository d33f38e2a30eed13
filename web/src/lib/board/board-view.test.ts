import { render, screen } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import type { BoardRow } from '../live/board.ts';
import type { LiveState } from '../live/connection.ts';
import { idOf, tenantId } from '../../../test/builders.ts';
import type { BoardPicture } from '../state/board.svelte.ts';
import BoardView from './BoardView.svelte';

const nowMs = Date.parse('2026-11-20T09:00:00.000Z');
const row: BoardRow = {
  id: idOf(1),
  unitNumber: 'BR-101',
  tenantId,
  riskLevel: 'critical',
  what: 'Engine coolant temperature above normal',
  action: 'pull_over',
  since: '2026-11-20T07:30:00.000Z',
  at: '2026-11-20T08:59:20.000Z',
  status: 'moving',
  isTaken: false,
};
const board = (rest: Partial<BoardPicture> = {}): BoardPicture => ({
  asOfMs: nowMs - 4_000,
  tenantName: 'Blue Ridge Freight',
  attentionCount: 1,
  counts: { low: 30, medium: 4, high: 0, critical: 1, unknown: 0, total: 35 },
  rows: [row],
  ...rest,
});
const show = (picture: BoardPicture | null, state: LiveState, trouble: string | null = null) =>
  render(BoardView, {
    board: picture,
    title: 'Blue Ridge Freight',
    timeZone: 'America/Denver',
    nowMs,
    state,
    customerOf: () => null,
    trouble,
  });

describe('the wall board', () => {
  it('says of each truck what is wrong, what to do, since when and how old the data is', () => {
    show(board(), { kind: 'live', sinceMs: 0 });
    const body = document.querySelector('ol')?.textContent ?? '';
    for (const words of [
      'BR-101',
      'Engine coolant temperature above normal',
      'Pull over safely',
      '00:30',
      '40 s',
      'Critical',
    ]) {
      expect(body).toContain(words);
    }
    expect(screen.getByRole('status').textContent).toContain('updated 4 s ago');
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('keeps the last picture under a dated banner when it is offline', () => {
    show(board({ asOfMs: nowMs - 600_000 }), { kind: 'offline', sinceMs: nowMs - 600_000 });
    expect(screen.getByRole('alert').textContent).toContain('Not live since Nov 20, 01:50 (10 min)');
    expect(document.body.textContent).toContain('BR-101');
    expect(screen.getByRole('status').textContent).not.toContain('updated');
  });

  it('is not silently stale while the socket only seems to be open', () => {
    show(board({ asOfMs: nowMs - 60_000 }), { kind: 'live', sinceMs: 0 });
    expect(screen.getByRole('alert').textContent).toContain('Not live since');
  });

  it('says why when the session has ended', () => {
    show(
      board(),
      { kind: 'ended', sinceMs: nowMs, code: 4410 },
      'The session has ended: sign in again on this screen.',
    );
    expect(screen.getByRole('alert').textContent).toContain('The session has ended');
  });

  it('is calm when every truck is clear, with the counts', () => {
    show(
      board({
        rows: [],
        attentionCount: 0,
        counts: { low: 30, medium: 4, high: 0, critical: 0, unknown: 1, total: 35 },
      }),
      { kind: 'live', sinceMs: 0 },
    );
    expect(screen.getByText('All trucks clear')).toBeTruthy();
    expect(document.body.textContent).toContain('35 trucks: 30 at low risk, 4 at medium, 1 not scored yet');
  });

  it('says that more trucks need attention than fit', () => {
    show(board({ attentionCount: 14 }), { kind: 'live', sinceMs: 0 });
    expect(document.body.textContent).toContain('13 more need attention');
  });

  it('accounts for the trucks that no level counts', () => {
    show(board({ counts: { low: 30, medium: 0, high: 0, critical: 1, unknown: 4, total: 35 } }), {
      kind: 'live',
      sinceMs: 0,
    });
    expect(document.querySelector('footer')?.textContent).toContain('35 trucks · 4 not scored yet');
    expect(document.querySelector('footer')?.textContent).toContain('Denver time');
  });

  it('is never blank, even before the first picture', () => {
    show(null, { kind: 'connecting', sinceMs: nowMs });
    expect(screen.getByText('Connecting to the fleet')).toBeTruthy();
  });
});
