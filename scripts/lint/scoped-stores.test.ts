import { RuleTester } from 'eslint';
import ts from 'typescript-eslint';
import { describe, test } from 'vitest';
import { scopedStores } from './scoped-stores.js';

const tester = new RuleTester({ languageOptions: { parser: ts.parser, sourceType: 'module' } });
const unscoped = [{ messageId: 'unscoped' }];
const name = [{ messageId: 'name' }];

describe('scoped-stores', () => {
  test('refuses a statement that does not say for whom, wherever it stands and however it got the database', () => {
    tester.run('scoped-stores', scopedStores, {
      valid: [
        'export async function list(scope: ReadScope, db: Database) { return db.select().from(trucks); }',
        'export const list = (scope: TenantScope, db: Database, ids: string[]) => ids.map((id) => db.delete(id));',
        'async function all(scope: ReadScope, env: Env) { return env.DB.prepare("SELECT 1").all(); }',
        'export const size = (map: Map<string, string>) => map.delete("x");',
        '/** Everybody.\n * @unscoped the sweep goes over all tenants */\nexport async function all(db: Database) { db.all("x"); }',
        '/** @unscoped runs before a scope exists */\nexport const find = (db: Database) => db.select();',
        '/** Sign-in.\n * @unscoped runs before a scope exists */\nimport x from "y";\nexport const f = (db: Database) => db.select();',
        "async function handler(c: AppContext) { const db = c.get('db'); return list(scope, db); }",
      ],
      invalid: [
        { code: 'export async function list(db: Database) { return db.select(); }', errors: unscoped },
        { code: 'const list = (db: Database, scope: ReadScope) => db.update(trucks);', errors: unscoped },
        { code: '/** @unscoped */\nexport const list = (db: Database) => db.insert(trucks);', errors: unscoped },
        { code: "const f = (c: AppContext) => c.get('db').select();", errors: unscoped },
        { code: "const f = (c: AppContext) => { const db = c.get('db'); return db.batch([]); };", errors: unscoped },
        { code: 'const f = (c: AppContext) => c.env.DB.prepare("x");', errors: unscoped },
        { code: 'const f = (env: Env) => env.DB.batch([]);', errors: unscoped },
        { code: 'const f = (db: Database) => bulk(db, sql`DELETE FROM trucks`);', errors: unscoped },
        { code: "const f = (c: AppContext) => { const d = c.get('db'); };", errors: name },
        { code: 'const f = (scope: ReadScope, database: Database) => 1;', errors: name },
        { code: 'const f = (env: Env) => { const database = openDatabase(env.DB); };', errors: name },
        { code: 'const f = (env: Env) => { const d1 = env.DB; };', errors: name },
      ],
    });
  });
});
