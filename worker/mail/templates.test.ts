import { describe, expect, test } from 'vitest';
import { parseDocument } from 'htmlparser2';
import { findAll, getAttributeValue, textContent } from 'domutils';
import { mailTemplates, type MailDataInput } from './messages.ts';
import { instantIn, renderMail, type MailContext, type MailTemplate } from './templates.ts';

const publicUrl = 'https://fleet.example';
const context: MailContext = {
  publicUrl,
  to: 'ann@blueridge.example',
  timeZone: 'America/Denver',
  expiresAt: new Date('2026-11-20T10:00:00Z'),
};
const at = new Date('2026-11-20T09:11:24Z');

const plain: { [T in MailTemplate]: MailDataInput<T> } = {
  invitation: {
    inviterName: 'Ann Lee',
    tenantName: 'Blue Ridge Freight',
    roleName: 'fleet_manager',
    link: `${publicUrl}/accept-invitation?token=inv_abc`,
  },
  password_reset: { name: 'Ann Lee', link: `${publicUrl}/reset-password?token=pr_abc`, minutes: 30 },
  password_changed: { name: 'Ann Lee', at, ip: '203.0.113.9' },
  mfa_changed: { name: 'Ann Lee', enabled: false, at: at.toISOString(), ip: '2001:db8::1' },
  sign_in_locked: { name: 'Ann Lee', minutes: 30, ip: null },
  welcome: { name: 'Ann Lee', tenantName: 'Blue Ridge Freight', link: `${publicUrl}/` },
  dealer_link_requested: { fromTenantName: 'Summit Kenworth', link: `${publicUrl}/settings/links` },
  api_key_expiring: { keyName: 'DMS export', expiresAt: at, link: `${publicUrl}/settings/api-keys` },
};

const render = (template: MailTemplate, data: unknown = plain[template], more: Partial<MailContext> = {}) =>
  renderMail(template, data, { ...context, ...more });

const pageOf = (html: string) => parseDocument(html);
const elements = (html: string) => findAll(() => true, pageOf(html).children);
/** What a person reads, spaces folded. */
const words = (html: string): string => {
  const [body] = elements(html).filter(({ name }) => name === 'body');
  return body === undefined ? '' : textContent(body).replace(/\s+/g, ' ').trim();
};

describe.each(mailTemplates)('%s', (template) => {
  const mail = render(template);

  test('both forms tell the same facts, where it comes from, and what to do when it is a surprise', () => {
    const read = words(mail.html);
    // Every line of the plain text stands in the HTML, label and value side by side.
    for (const line of mail.text.split('\n')) {
      for (const part of line.replace(/^-- $/, '').split(/(?<=^(?:When|From network address|Key|Expires)): /)) {
        const bare = part.replace(/^(Accept the invitation|Open TruckIQ|Choose a new password|Look at .*):$/, '$1');
        expect(read).toContain(bare.replace(/\s+/g, ' ').trim());
      }
    }
    expect(mail.text).toContain(`TruckIQ (${publicUrl}) sent this to ann@blueridge.example because `);
    expect(mail.text).toMatch(/not|no longer/i);
    expect(mail.subject).not.toBe('');
  });

  test('loads nothing, counts nothing, runs nothing', () => {
    const names = new Set(elements(mail.html).map(({ name }) => name));
    for (const name of ['img', 'script', 'link', 'iframe', 'form', 'video', 'object', 'base'])
      expect(names).not.toContain(name);
    expect(mail.html).not.toMatch(/url\(|@import|\bon\w+=|background=/i);
  });

  test('links lead to the dashboard, to the very address given', () => {
    const given = plain[template];
    const hrefs = elements(mail.html).flatMap((element) => getAttributeValue(element, 'href') ?? []);
    expect(new Set(hrefs)).toEqual(new Set(['link' in given ? given.link : `${publicUrl}/forgot-password`]));
    if ('link' in given) expect(mail.text).toContain(`\n${given.link}\n`);
  });

  test('has a language, a title, one heading and tables that are layout only', () => {
    const all = elements(mail.html);
    expect(all.filter(({ name }) => name === 'h1')).toHaveLength(1);
    expect(getAttributeValue(all.find(({ name }) => name === 'html') ?? (all[0] as never), 'lang')).toBe('en');
    const title = all.find(({ name }) => name === 'title');
    expect(title === undefined ? '' : textContent(title)).toBe(mail.subject);
    for (const table of all.filter(({ name }) => name === 'table')) {
      const hasHeaders = findAll(({ name }) => name === 'th', table.children).length > 0;
      const nested = findAll(({ name }) => name === 'table', table.children).length > 0;
      if (!hasHeaders || nested) expect(getAttributeValue(table, 'role')).toBe('presentation');
    }
  });
});

const hostileNames = {
  markup: '</td></table><script>alert(1)</script><img src=x onerror=alert(2)>',
  quotes: `"'\` onmouseover="alert(1)`,
  'right to left': '\u202Etfel ot thgir\u202C',
  'header lines': 'Ann\r\nBcc: everybody@fleet.example\r\n\r\n<h1>New body</h1>',
  'a web address': 'Claim at https://evil.example/win now',
  '300 characters': 'x'.repeat(300),
  emoji: '👩🏽‍🔧🚛',
  'template syntax': '${7*7} {{7*7}} <%= 7*7 %>',
};

describe.each(Object.entries(hostileNames))('a name made of %s', (_, name) => {
  test.each(mailTemplates)('stays inert in %s', (template) => {
    const data: Record<string, unknown> = { ...plain[template] };
    const honest = render(template);
    for (const key of ['inviterName', 'tenantName', 'roleName', 'name', 'fromTenantName', 'keyName']) {
      if (key in data) data[key] = name;
    }
    const mail = render(template, data);
    // The same elements as with an honest name: nothing was added, nothing broke out.
    const shape = (html: string) => elements(html).map((element) => [element.name, Object.keys(element.attribs)]);
    expect(shape(mail.html)).toEqual(shape(honest.html));
    const hrefs = (html: string) => elements(html).flatMap((element) => getAttributeValue(element, 'href') ?? []);
    expect(hrefs(mail.html)).toEqual(hrefs(honest.html));
    expect(mail.subject).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
    expect([...mail.subject].length).toBeLessThanOrEqual(1600);
    expect(mail.text.split('\n')).toHaveLength(honest.text.split('\n').length);
    for (const form of [mail.text, mail.html, mail.subject]) {
      expect(form).not.toMatch(/[\u202A-\u202E\u2066-\u2069]/);
      expect(form).not.toContain('x'.repeat(121));
      expect(form).not.toContain('https://evil');
      expect(form).not.toContain('evil.example');
    }
  });
});

describe('what it says', () => {
  test('an invitation: who, where to, as what, until when', () => {
    const mail = render('invitation');
    expect(mail.subject).toBe('You are invited to Blue Ridge Freight on TruckIQ');
    expect(mail.text).toContain('Ann Lee invited you to work with Blue Ridge Freight on TruckIQ as fleet manager.');
    expect(mail.text).toContain('The link works until November 20, 2026 at 3:00 AM MST, and only once.');
  });

  test('a reset: how long, and that nothing happens without the link', () => {
    const mail = render('password_reset', plain.password_reset, { timeZone: null });
    expect(mail.text).toContain('It stays open for 30 minutes.');
    expect(mail.text).toContain('until November 20, 2026 at 10:00 AM UTC');
    expect(mail.text).toContain('your password stays as it is');
  });

  test('a changed password or second step: when and from where', () => {
    expect(render('password_changed').text).toContain(
      'When: November 20, 2026 at 2:11 AM MST\nFrom network address: 203.0.113.9',
    );
    expect(render('mfa_changed').subject).toBe('Two-step sign-in is off for your TruckIQ account');
    expect(render('mfa_changed', { ...plain.mfa_changed, enabled: true }).subject).toContain(' is on ');
    expect(render('mfa_changed', { ...plain.mfa_changed, enabled: true }).text).toContain(
      'turn off your two-step sign-in',
    );
    const removed = render('mfa_changed', { ...plain.mfa_changed, by: 'Bo Roe' }).text;
    expect(removed).toContain('Bo Roe turned off your two-step sign-in');
    expect(removed).not.toContain('network address');
    expect(render('sign_in_locked').text).toContain('From network address: unknown');
    expect(render('sign_in_locked').text).toContain('for 30 minutes');
  });

  test('an expiring key: which and when', () => {
    expect(render('api_key_expiring').text).toContain('Key: DMS export\nExpires: November 20, 2026 at 2:11 AM MST');
  });
});

describe('refused', () => {
  test.each([
    ['https://evil.example/reset-password?token=x'],
    ['javascript:alert(1)'],
    [`${publicUrl}.evil.example/x`],
    ['https://fleet.example@evil.example/'],
  ])('a link to %s', (link) => {
    expect(() => render('password_reset', { ...plain.password_reset, link })).toThrow(/dashboard/);
  });

  test('facts that are missing', () => {
    expect(() => render('invitation', { inviterName: 'Ann' })).toThrow();
  });
});

test('a zone that does not exist tells times in UTC', () => {
  expect(instantIn(at, 'Mars/Olympus')).toBe('November 20, 2026 at 9:11 AM UTC');
  expect(instantIn(at, 'Europe/Berlin')).toMatch(/10:11 AM GMT\+1$/);
});
