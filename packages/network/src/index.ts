export { NetworkError, type NetworkFault } from './errors.ts'
export * from './transport.ts'
