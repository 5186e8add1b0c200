export type { FileRef, Files } from './files.ts';
export { createFiles } from './files.ts';
