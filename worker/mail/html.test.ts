import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeHtml, html, Html } from './html.ts';

describe('html', () => {
  test('escapes what is put in, in text and in attributes', () => {
    const hostile = `<script>alert(1)</script>"'\`&amp;`;
    expect(html`<p title="${hostile}">${hostile}</p>`.markup).toBe(
      `<p title="&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&#96;&amp;amp;">&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&#96;&amp;amp;</p>`,
    );
  });

  test('takes its own markup, lists of it, numbers and nothing', () => {
    const items = ['a<', 'b'].map((item) => html`<b>${item}</b>`);
    expect(html`${items}${null}${7}`.markup).toBe('<b>a&lt;</b><b>b</b>7');
  });

  test('what only looks like markup is text', () => {
    const pretender = JSON.parse('{"markup":"<b>"}') as Html;
    expect(pretender instanceof Html).toBe(false);
    expect(html`${'<b>'}`.markup).toBe('&lt;b&gt;');
  });

  test('no text leaves a tag or a quote open', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'<>"\'`&;=ab/ ') }), (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"'`]/);
      }),
    );
  });
});
