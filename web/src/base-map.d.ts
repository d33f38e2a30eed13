/** Made by the build out of the public atlases: web/base-map. */
declare module 'virtual:base-map' {
  const baseMap: import('./lib/map/base-map.ts').BaseMap;
  export default baseMap;
}
