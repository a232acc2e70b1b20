export * from './checkpoint.ts'
export * from './history.ts'
export {
  isStatementSigned,
  type QuorumSignature,
  type SeatSignature,
  signStatement,
  type Statement,
  verifyStatement,
} from './quorum-signature.ts'
export { decodeNoteKey, encodeNoteKey, type NoteKey, type NoteSignature, openNote, signNote } from './signed-note.ts'
export * from './tlog-checkpoint.ts'
