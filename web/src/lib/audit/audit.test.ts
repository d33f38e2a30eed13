import { fireEvent, render, screen } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import type { AuditEntry } from '#contracts/audit';
import { idOf } from '../../../test/builders.ts';
import type { AuditPart } from '../api/audit.ts';
import { ApiFailure } from '../api/failure.ts';
import { AuditFeed } from '../state/audit-feed.svelte.ts';
import AuditDiff from './AuditDiff.svelte';
import AuditRow from './AuditRow.svelte';
import { auditCsv } from './csv.ts';
import { diffOf, inPlainSight } from './diff.ts';
import { auditFiltersFrom, auditParams, auditQuery, noAuditFilters } from './filters.ts';
import { verdictOf } from './verdict.ts';
import VerifyPanel from './VerifyPanel.svelte';
import { actionWord, actorWord, entryTime, resourceWord, subjectOf } from './words.ts';

const entry = (seq: number, rest: Partial<AuditEntry> = {}): AuditEntry => ({
  id: idOf(seq),
  seq,
  at: '2026-11-20T09:11:24.000Z',
  actorId: idOf(50),
  actorType: 'user',
  actorName: 'Jo Reyes (jo@blueridge.example)',
  action: 'user.suspend',
  resourceType: 'user',
  resourceId: idOf(51),
  outcome: 'success',
  ip: '203.0.113.9',
  userAgent: 'curl/8.5.0',
  requestId: 'req-1',
  before: { isDeactivated: false },
  after: { isDeactivated: true },
  prevHash: '0'.repeat(64),
  hash: 'ab'.repeat(32),
  ...rest,
});
const hostile = '<img src=x onerror="alert(1)"><script>alert(2)</script>';

describe('what an entry has changed', () => {
  it('is told field by field, changes first, nested ones by their path', () => {
    const rows = diffOf(
      { name: 'A', flags: { alerts: true, predictions: true }, zone: 'UTC', list: ['a', 'b'] },
      { name: 'B', flags: { alerts: true, predictions: false }, list: ['a'], extra: null },
    );
    expect(rows.map(({ field, kind, before, after }) => [field, kind, before, after])).toEqual([
      ['name', 'changed', 'A', 'B'],
      ['flags.predictions', 'changed', 'true', 'false'],
      ['zone', 'removed', 'UTC', null],
      ['list', 'changed', 'a, b', 'a'],
      ['extra', 'added', null, 'none'],
      ['flags.alerts', 'same', 'true', 'true'],
    ]);
  });

  it('takes fields with the names of an object’s own parts for what they are', () => {
    const before: Record<string, unknown> = JSON.parse('{"__proto__": "a", "constructor": "b", "toString": "c"}');
    expect(diffOf(before, null).map(({ field, before: was }) => [field, was])).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['toString', 'c'],
    ]);
    expect(resourceWord('constructor')).toBe('constructor');
    expect(actionWord({ action: 'toString', outcome: 'denied' })).toBe('toString');
  });

  it('is empty for nothing, and bounded for what is nested without end', () => {
    expect(diffOf(null, null)).toEqual([]);
    expect(diffOf({}, {})).toEqual([]);
    let deep: Record<string, unknown> = { end: 1 };
    for (let level = 0; level < 100; level += 1) deep = { in: deep };
    expect(diffOf(null, deep)).toHaveLength(1);
  });

  it('stays text, whatever was typed into it', () => {
    const { container } = render(AuditDiff, { before: { name: 'Jo' }, after: { name: hostile, [hostile]: hostile } });
    expect(container.querySelector('img, script')).toBeNull();
    expect(container.textContent).toContain(hostile);
  });

  it('hides nothing: directions, joiners and control characters are named', () => {
    expect(inPlainSight('a\u202Eb\u200Bc\u0000d\u2028e\ufeff')).toBe('a⟨U+202E⟩b⟨U+200B⟩c⟨U+0000⟩d⟨U+2028⟩e⟨U+FEFF⟩');
    expect(inPlainSight('two\nlines\tand ünïcode 漢字')).toBe('two\nlines\tand ünïcode 漢字');
    expect(diffOf(null, { name: 'moc.live\u202E' })[0]?.after).toBe('moc.live⟨U+202E⟩');
  });
});

describe('an entry', () => {
  it('says who did what to whom, and shows the rest when it is opened', async () => {
    const onlyActor = vi.fn();
    const { container } = render(AuditRow, {
      entry: entry(7, { action: 'user.delete', before: { name: hostile, email: 'x@y.example' }, after: null }),
      names: new Map(),
      onlyActor,
    });
    const row = screen.getByRole('button');
    expect(row.getAttribute('aria-expanded')).toBe('false');
    expect(row.textContent).toContain('Deleted a person');
    expect(row.textContent).toContain('Jo Reyes');
    expect(screen.queryByText('203.0.113.9', { exact: false })).toBeNull();
    await fireEvent.click(row);
    expect(row.getAttribute('aria-expanded')).toBe('true');
    expect(container.textContent).toContain('2026-11-20 09:11:24 UTC');
    expect(container.textContent).toContain('203.0.113.9');
    expect(container.querySelector('img, script')).toBeNull();
    await fireEvent.click(screen.getByRole('button', { name: 'Only what they did' }));
    expect(onlyActor).toHaveBeenCalledExactlyOnceWith(idOf(50));
  });

  it('keeps hostile user agents, request ids and names as text', async () => {
    const { container } = render(AuditRow, {
      entry: entry(1, { userAgent: hostile, requestId: hostile, actorName: hostile, resourceId: hostile }),
      names: new Map(),
      onlyActor: vi.fn(),
    });
    await fireEvent.click(screen.getAllByRole('button')[0] ?? container);
    expect(container.querySelector('img, script')).toBeNull();
    expect(container.textContent).toContain(hostile);
  });

  it('never says of what was denied or failed that it was done', () => {
    const word = (action: string, outcome: AuditEntry['outcome']): string => actionWord({ action, outcome });
    expect(word('mfa.enable', 'success')).toBe('Turned two-step sign-in on');
    expect(word('mfa.enable', 'denied')).toBe('Tried to turn two-step sign-in on');
    expect(word('oidc_domain.verify', 'failed')).toBe('Tried to verify a domain');
    expect(word('sync_run.finish', 'failed')).toBe('Sync failed');
    const { container } = render(AuditRow, {
      entry: entry(1, { action: 'user.suspend', outcome: 'denied' }),
      names: new Map(),
      onlyActor: vi.fn(),
    });
    expect(container.textContent).toContain('Tried to suspend a person');
    expect(container.textContent).not.toContain('Suspended a person');
  });

  it('tells the second it was written in, and its year', () => {
    expect(entryTime('2026-11-20T09:11:24.000Z', 'America/Denver')).toBe('Nov 20, 2026, 02:11:24');
    const { container } = render(AuditRow, { entry: entry(1), names: new Map(), onlyActor: vi.fn() });
    expect(container.querySelector('time')?.textContent).toMatch(/:\d\d:24$/);
  });

  it('has a word for everybody', () => {
    const who = (rest: Partial<AuditEntry>): string => actorWord(entry(1, rest));
    expect(who({ actorType: 'job', actorId: null, actorName: null })).toBe('TruckIQ itself');
    expect(who({ actorType: 'anonymous', actorId: null, actorName: null })).toBe('Somebody not signed in');
    expect(who({ actorName: null })).toBe('Somebody who is gone');
    expect(who({ actorType: 'api_key', actorName: null })).toBe('An API key that is gone');
  });

  it('names its subject by what is known of it', () => {
    expect(subjectOf(entry(1, { after: { email: 'a@b.example' } }))).toBe('a@b.example');
    expect(subjectOf(entry(1))).toBeNull();
    expect(subjectOf(entry(1), new Map([[idOf(51), 'Sam']]))).toBe('Sam');
    expect(subjectOf(entry(1, { resourceType: 'route', resourceId: 'GET /api/v1/users' }))).toBe('GET /api/v1/users');
    expect(actionWord({ action: 'something.new', outcome: 'success' })).toBe('something.new');
  });
});

describe('the verdict on the log', () => {
  const head = { seq: 1204, hash: 'ab' };

  it('is in words', () => {
    expect(verdictOf({ ok: true, head, checked: 1204 })).toMatchObject({ tone: 'success', title: 'The log is whole.' });
    expect(verdictOf({ ok: true, head, checked: 1204 }).text).toContain('All 1,204 entries');
    expect(verdictOf({ ok: true, head: null, checked: 0 }).tone).toBe('info');
    const broken = verdictOf({ ok: false, head, checked: 17, brokenAt: 17, reason: 'entry 17 is missing' });
    expect(broken.tone).toBe('error');
    expect(broken.title).toBe('The log does not hold from entry 17 on.');
    expect(broken.text).toContain('entry 17 is missing');
    expect(broken.text).toContain('The 16 entries before it are as written.');
  });

  it('never says that a broken log holds, whatever else is missing from the answer', () => {
    for (const answer of [
      { ok: false, head: null, checked: 0 },
      { ok: false, head, checked: 1, brokenAt: 1 },
      { ok: false, head, checked: 2, brokenAt: 2, reason: 'x' },
    ]) {
      expect(verdictOf(answer).tone).toBe('error');
      expect(verdictOf(answer).title).toContain('does not hold');
    }
    expect(verdictOf({ ok: false, head, checked: 1, brokenAt: 1 }).text).not.toContain('as written');
  });

  it('is read out, and a check that could not be made is no verdict', async () => {
    const { rerender, container } = render(VerifyPanel, {
      verification: { ok: false, head, checked: 3, brokenAt: 3, reason: hostile },
      failure: null,
    });
    expect(screen.getByRole('alert').textContent).toContain('from entry 3 on');
    expect(container.querySelector('img')).toBeNull();
    await rerender({
      verification: null,
      failure: new ApiFailure({ code: 'UNAVAILABLE', status: 503, message: 'Not just now.', requestId: 'req-7' }),
    });
    expect(screen.getByRole('alert').textContent).toContain('could not be verified. Not just now.');
    expect(screen.getByRole('alert').textContent).toContain('req-7');
  });
});

describe('the file of what is loaded', () => {
  it('quotes what needs it and lets nothing become a formula', () => {
    const text = auditCsv([
      entry(1, { actorName: '=HYPERLINK("http://evil")', userAgent: '@x', ip: null, after: { note: 'a,"b"\nc' } }),
    ]);
    const [head, row] = text.split('\r\n');
    expect(head?.startsWith('\ufeffat,seq,outcome')).toBe(true);
    expect(row).toContain(`"'=HYPERLINK(""http://evil"")"`);
    expect(row).toContain(`,'@x,`);
    expect(row).toContain(String.raw`"{""note"":""a,\""b\""\nc""}"`);
  });
});

describe('the filters', () => {
  const from = (query: string) => auditFiltersFrom(new URLSearchParams(query));

  it('come from the address and go back into it', () => {
    const query = `actorId=${idOf(1)}&action=user.suspend&outcome=denied&from=2026-11-01&to=2026-11-20`;
    expect(auditParams(from(query))).toBe(query);
    expect(auditQuery(from(query), 'America/Denver')).toEqual({
      actorId: idOf(1),
      action: 'user.suspend',
      outcome: 'denied',
      from: '2026-11-01T06:00:00.000Z',
      to: '2026-11-21T06:59:59.999Z',
    });
    expect(auditParams(noAuditFilters)).toBe('');
    expect(auditQuery(noAuditFilters, 'UTC')).toEqual({});
  });

  it('leave out what the address gets wrong', () => {
    expect(from('actorId=1&action=<b>&outcome=maybe&from=2026-02-30&to=tomorrow')).toEqual(noAuditFilters);
  });
});

describe('the feed', () => {
  const part = (seqs: number[], nextCursor: string | null): AuditPart => ({
    data: seqs.map((seq) => entry(seq)),
    meta: { nextCursor },
  });

  it('adds older entries below, asks once at a time, and ends', async () => {
    const list = vi
      .fn<(query: object) => Promise<AuditPart>>()
      .mockResolvedValueOnce(part([5, 4], '4'))
      .mockResolvedValueOnce(part([3], null));
    const feed = new AuditFeed({ list, verify: vi.fn() });
    await feed.load({ outcome: 'denied' });
    await Promise.all([feed.loadOlder(), feed.loadOlder()]);
    await feed.loadOlder();
    expect(list.mock.calls).toEqual([[{ outcome: 'denied' }], [{ outcome: 'denied', cursor: '4' }]]);
    expect(feed.entries?.map(({ seq }) => seq)).toEqual([5, 4, 3]);
    expect(feed.hasOlder).toBe(false);
  });

  it('keeps what it has when older entries cannot be read, and drops answers to an older question', async () => {
    let answerOlder: (value: AuditPart) => void = () => {};
    const list = vi
      .fn<(query: object) => Promise<AuditPart>>()
      .mockResolvedValueOnce(part([5], '5'))
      .mockRejectedValueOnce(new ApiFailure({ code: 'NETWORK', status: 0, message: 'No answer.' }))
      .mockReturnValueOnce(new Promise((resolve) => (answerOlder = resolve)))
      .mockResolvedValueOnce(part([9], null));
    const feed = new AuditFeed({ list, verify: vi.fn() });
    await feed.load({});
    await feed.loadOlder();
    expect(feed.olderFailure?.message).toBe('No answer.');
    expect(feed.entries).toHaveLength(1);
    const older = feed.loadOlder();
    await feed.load({ outcome: 'failed' });
    answerOlder(part([4], null));
    await older;
    expect(feed.entries?.map(({ seq }) => seq)).toEqual([9]);
  });
});
