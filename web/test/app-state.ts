/** `$app/state` for component tests: where the visitor is. */
export const page = { url: new URL('http://localhost/') };
