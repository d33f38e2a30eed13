import { expect, test } from 'vitest';
import { measureParquet } from './parquet-file.ts';

test(
  'a fix takes little as Parquet, the footer comes with the first read, and one truck is found by a part of the file',
  { timeout: 60_000 },
  async () => {
    const smooth = await measureParquet({ trucks: 20, isNoisy: false, seed: 7 });
    const noisy = await measureParquet({ trucks: 20, isNoisy: true, seed: 7 });
    expect(smooth.bytesPerFix).toBeLessThan(4);
    expect(noisy.bytesPerFix).toBeLessThan(9);
    for (const { footerBytes, fileBytes, readBytes } of [smooth, noisy]) {
      expect(footerBytes).toBeLessThan(60_000);
      expect(readBytes).toBeLessThan(0.6 * fileBytes + 65_536);
    }
  },
);
