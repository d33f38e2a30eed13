declare module '@fontsource-variable/inter';

export {};
