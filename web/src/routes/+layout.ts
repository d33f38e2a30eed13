/** One page for every path: everything is rendered in the browser. */
export const ssr = false;
export const prerender = false;
