/** `$app/paths` for component tests: groups drop out, parameters fill in, as the router does it. */
export function resolve(route: string, params: Record<string, string> = {}): string {
  const path = route
    .replace(/\/\([^)]+\)/g, '')
    .replace(/\[(\w+)\]/g, (_whole, name: string) => encodeURIComponent(params[name] ?? ''));
  return path === '' || path.startsWith('?') ? `/${path}` : path;
}
