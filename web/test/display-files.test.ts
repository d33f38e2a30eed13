import { describe, expect, it } from 'vitest';
import { filesOf } from '../display-files.ts';

describe('the files of the wall display', () => {
  const manifest = {
    app: { file: 'app.js', imports: ['shared'], dynamicImports: ['display', 'reports'] },
    shared: { file: 'shared.js', css: ['shared.css'] },
    display: { file: 'display.js', imports: ['shared'], dynamicImports: ['map'], assets: ['font.woff2'] },
    map: { file: 'map.js', dynamicImports: ['engine'], css: ['map.css'] },
    engine: { file: 'engine.js', imports: ['map'] },
    reports: { file: 'reports.js' },
  };

  it('are all that it loads, at once or later, and nothing of other pages', () => {
    expect(filesOf(manifest, ['app', 'display', 'gone'], ['app'])).toEqual([
      '/app.js',
      '/display.js',
      '/engine.js',
      '/font.woff2',
      '/map.css',
      '/map.js',
      '/shared.css',
      '/shared.js',
    ]);
  });
});
