import { describe, expect, it } from 'vitest';
import { refuseTarget, toBaseUrl } from './outbound-target.ts';

const refused = (url: string) => refuseTarget(url, { allowLocal: false });

describe('an outbound target', () => {
  it('may be a public https address', () => {
    for (const url of [
      'https://portal.paccar.com',
      'https://a.b.co.uk:8443/x',
      'https://8.8.8.8/',
      'https://[2606:4700::1111]/',
    ]) {
      expect(refused(url)).toBeNull();
    }
  });

  it('is never http, never inside, however it is written', () => {
    const inside = [
      'http://portal.paccar.com',
      'ftp://portal.paccar.com',
      'https://localhost',
      'https://LOCALHOST.',
      'https://x.localhost',
      'https://127.1',
      'https://0x7f.1',
      'https://2130706433',
      'https://①②⑦.0.0.1',
      'https://0.0.0.0',
      'https://10.1.2.3',
      'https://172.16.0.1',
      'https://172.31.255.255',
      'https://192.168.1.1',
      'https://169.254.169.254/latest/meta-data',
      'https://100.64.0.1',
      'https://198.18.0.1',
      'https://224.0.0.1',
      'https://255.255.255.255',
      'https://[::1]',
      'https://[::]',
      'https://[::ffff:127.0.0.1]',
      'https://[::ffff:10.0.0.1]',
      'https://[64:ff9b::a00:1]',
      'https://[fe80::1]',
      'https://[fd00::1]',
      'https://[2002:7f00:1::]',
      'https://metadata.google.internal',
      'https://printer.local',
      'https://portal',
      'https://user:pass@portal.paccar.com',
      'javascript:alert(1)',
      'file:///etc/passwd',
      'not a url',
      `https://portal.paccar.com/${'x'.repeat(2000)}`,
    ];
    expect(inside.filter((url) => refused(url) === null)).toEqual([]);
  });

  it('may be on this machine in development, and only there', () => {
    const local = (url: string) => refuseTarget(url, { allowLocal: true });
    for (const url of ['http://localhost:8790', 'http://127.0.0.1:1', 'https://[::1]:3']) expect(local(url)).toBeNull();
    for (const url of ['http://10.0.0.1', 'http://portal.paccar.com', 'https://192.168.0.1'])
      expect(local(url)).not.toBeNull();
  });

  it('is kept without what paths could not be appended to', () => {
    expect(toBaseUrl('https://portal.paccar.com/eu/?x=1#y')).toBe('https://portal.paccar.com/eu');
    expect(toBaseUrl('https://portal.paccar.com')).toBe('https://portal.paccar.com');
  });
});
