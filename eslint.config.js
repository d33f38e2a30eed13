/** Strict, type-aware lint. Import rules between rooms are in .dependency-cruiser.cjs. */
import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import { scopedStores } from './scripts/lint/scoped-stores.js';

export default ts.config(
  {
    ignores: [
      'node_modules',
      '**/.svelte-kit',
      'web/build',
      '.truckiq',
      'web/src/lib/api/generated',
      'web/static',
      'docs',
      'worker-configuration.d.ts',
    ],
  },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser, ...globals.node, ...globals.serviceworker } },
    rules: {
      // TypeScript knows which names exist.
      'no-undef': 'off',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Bound parameters come as ${…} in sql``; and a checked index is clearer than a cast.
      '@typescript-eslint/no-non-null-assertion': 'error',
      'no-console': 'off',
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'] } },
  },
  {
    files: ['worker/features/**/*.ts'],
    ignores: ['**/*.test.ts'],
    plugins: { truckiq: { rules: { 'scoped-stores': scopedStores } } },
    rules: { 'truckiq/scoped-stores': 'error' },
  },
  {
    // Scopes are made where a caller has been read from D1, and by jobs; nowhere else.
    files: ['worker/**/*.ts'],
    ignores: [
      '**/*.test.ts',
      'worker/http/**',
      'worker/jobs/**',
      'worker/features/sync/{run-ending,sync-work}.ts',
      'worker/features/training/training-work.ts',
    ],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: 'http/tenant-scope(\\.ts)?$',
              importNames: ['readScopeFromAuth', 'tenantScopeFromAuth', 'scopeForJob'],
              message: 'Only the auth layer and jobs make scopes; take one as a parameter.',
            },
          ],
        },
      ],
    },
  },
  {
    // The declaration of a module that the build makes up cannot import by relative path.
    files: ['**/*.d.ts'],
    rules: { '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }] },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs' },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
);
