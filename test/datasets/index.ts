export * from '@cairn/sample'
export { parseBytes } from './sizes.ts'
