/**
 * Lint rule: whatever reads or writes D1 inside a feature says for whom. A statement stands only in a function that takes a
 * ReadScope or TenantScope first, which only the auth layer and the job dispatcher can make. What runs before a scope
 * exists, or for all tenants, carries `@unscoped <reason>` in its comment (a whole file in its first): a decision that a
 * reviewer can find. The database is always called `db`, so that no statement hides behind another name.
 */

const scopeTypes = new Set(['ReadScope', 'TenantScope']);
const statements = new Set(['select', 'selectDistinct', 'insert', 'update', 'delete', 'run', 'all', 'batch']);
const unscopedTag = /@unscoped\s+\S/;
const functions = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
/** What may stand between a function and the comment that speaks for it. */
const wrappers = new Set(['VariableDeclarator', 'VariableDeclaration', 'ExportNamedDeclaration', 'MethodDefinition']);

const targetOf = (parameter) => (parameter.type === 'AssignmentPattern' ? parameter.left : parameter);

const typeNameOf = (parameter) => {
  const annotation = targetOf(parameter).typeAnnotation?.typeAnnotation;
  return annotation?.type === 'TSTypeReference' && annotation.typeName.type === 'Identifier'
    ? annotation.typeName.name
    : null;
};

const isCallOf = (node, name) =>
  node?.type === 'CallExpression' &&
  ((node.callee.type === 'Identifier' && node.callee.name === name) ||
    (node.callee.type === 'MemberExpression' && node.callee.property.name === name));

const isDatabaseOfContext = (node) => isCallOf(node, 'get') && node.arguments[0]?.value === 'db';
const isBinding = (node) => node?.type === 'MemberExpression' && node.property.name === 'DB';
const isDatabase = (node) => (node.type === 'Identifier' && node.name === 'db') || isDatabaseOfContext(node);

/** `db.select(…)`, `c.get('db').batch(…)`, `bulk(db, …)`, `env.DB.prepare(…)`. */
const isStatement = ({ callee }) =>
  (callee.type === 'Identifier' && callee.name === 'bulk') ||
  (callee.type === 'MemberExpression' &&
    ((isDatabase(callee.object) && statements.has(callee.property.name)) ||
      (isBinding(callee.object) && ['prepare', 'batch', 'exec'].includes(callee.property.name))));

/** @type {import('eslint').Rule.RuleModule} */
export const scopedStores = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      unscoped:
        'A statement stands in a function that takes a ReadScope or TenantScope first, or that says `@unscoped <reason>` in its comment.',
      name: 'The database is called `db`, so that statements can be found.',
    },
  },
  create(context) {
    const [header] = context.sourceCode.getAllComments();
    if (header !== undefined && header.range[0] === 0 && unscopedTag.test(header.value)) return {};

    const isTagged = (node) => {
      let commented = node;
      while (commented.parent && wrappers.has(commented.parent.type)) commented = commented.parent;
      return context.sourceCode.getCommentsBefore(commented).some(({ value }) => unscopedTag.test(value));
    };
    const saysForWhom = (node) =>
      functions.has(node.type) && ((node.params[0] && scopeTypes.has(typeNameOf(node.params[0]))) || isTagged(node));

    const judgeParameters = (node) => {
      for (const parameter of node.params) {
        const target = targetOf(parameter);
        if (typeNameOf(parameter) === 'Database' && target.type === 'Identifier' && target.name !== 'db')
          context.report({ node: parameter, messageId: 'name' });
      }
    };
    return {
      FunctionDeclaration: judgeParameters,
      FunctionExpression: judgeParameters,
      ArrowFunctionExpression: judgeParameters,
      VariableDeclarator(node) {
        const holdsDatabase =
          isDatabaseOfContext(node.init) || isCallOf(node.init, 'openDatabase') || isBinding(node.init);
        if (holdsDatabase && node.id.name !== 'db') context.report({ node, messageId: 'name' });
      },
      CallExpression(node) {
        if (!isStatement(node)) return;
        for (let around = node.parent; around; around = around.parent) if (saysForWhom(around)) return;
        context.report({ node, messageId: 'unscoped' });
      },
    };
  },
};
