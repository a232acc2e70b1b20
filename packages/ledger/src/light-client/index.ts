export * from './light-client.ts'
export { decodeLightProof, encodeLightProof, LIGHT_PROOF_BYTES_MAX } from './light-proof-codec.ts'
