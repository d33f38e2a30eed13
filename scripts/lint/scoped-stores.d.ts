import type { Rule } from 'eslint';

export declare const scopedStores: Rule.RuleModule;
