/**
 * Who may import whom (docs/house.md). Rooms are folders at the top level; everything not named here is forbidden.
 */
const rooms = ['contracts', 'scoring', 'durable-objects', 'worker', 'web', 'simulators', 'scripts', 'bench', 'test'];
const isTest = '\\.test\\.ts$|\\.workers\\.test\\.ts$';

/** A room may import itself, these rooms, and packages; nothing else of ours. */
const only = (room, allowed, extra = {}) => ({
  name: `${room}-imports`,
  severity: 'error',
  comment: `${room} may import only: ${[room, ...allowed].join(', ')}`,
  from: { path: `^${room}/`, pathNot: isTest, ...extra },
  to: { path: `^(${rooms.filter((other) => other !== room && !allowed.includes(other)).join('|')})/` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, dependencyTypesNot: ['type-only'] } },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(cloudflare:|virtual:|\\$app|\\$env)' },
    },
    only('contracts', []),
    only('scoring', ['contracts']),
    only('durable-objects', ['contracts']),
    only('worker', ['contracts', 'scoring', 'durable-objects']),
    only('web', ['contracts']),
    only('simulators', ['contracts']),
    {
      name: 'contracts-only-zod',
      severity: 'error',
      from: { path: '^contracts/', pathNot: isTest },
      to: { path: 'node_modules', pathNot: 'node_modules/zod/' },
    },
    {
      name: 'scoring-has-one-door',
      severity: 'error',
      from: { pathNot: '^scoring/|^bench/' },
      to: { path: '^scoring/', pathNot: '^scoring/index\\.ts$' },
    },
    {
      name: 'scoring-is-pure',
      severity: 'error',
      from: { path: '^scoring/', pathNot: isTest },
      to: { dependencyTypes: ['core', 'npm'], pathNot: 'node_modules/zod/' },
    },
    {
      name: 'objects-never-touch-d1',
      severity: 'error',
      from: { path: '^durable-objects/' },
      to: { path: '^worker/db/|node_modules/drizzle-orm/' },
    },
    {
      name: 'features-keep-their-routes',
      severity: 'error',
      comment: 'What two features share moves down',
      from: { path: '^worker/features/([^/]+)/', pathNot: isTest },
      to: { path: '^worker/features/[^/]+/routes\\.ts$', pathNot: '^worker/features/$1/' },
    },
    {
      name: 'integrations-know-neither-features-nor-db',
      severity: 'error',
      from: { path: '^worker/(integrations|scrapes)/' },
      to: { path: '^worker/(features|db)/' },
    },
    {
      name: 'http-and-db-know-no-features',
      severity: 'error',
      from: { path: '^worker/(http|db|secrets|audit|mail|outbound)/', pathNot: isTest },
      to: { path: '^worker/(features|jobs|app\\.ts)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.svelte-kit|web/build|\\.truckiq' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['workerd', 'import', 'svelte', 'default'] },
  },
};
