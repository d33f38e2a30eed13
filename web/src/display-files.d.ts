/** The paths of everything that the wall display's page may load in this build: web/display-files.ts. Empty while developing. */
declare module 'virtual:display-files' {
  const files: readonly string[];
  export default files;
}
