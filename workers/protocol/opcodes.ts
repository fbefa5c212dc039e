/** What a batch asks of a storage, one opcode per slot. `VOID` marks a slot that a later save replaced. */
export const Opcode = {
  VOID: 0,
  CREATE: 1,
  UPDATE: 2,
  SAVE: 3,
  TOUCH: 4,
  LOAD: 5,
  EXISTS: 6,
  DELETE: 7,
  /** Moves a record whose payload the codec refused out of the way; matched by write id, so never a newer one. */
  SET_ASIDE: 8,
  /** An update that takes effect only if the stored payload still has the digest that the slot brings along. */
  REPLACE: 9,
} as const
export type Opcode = (typeof Opcode)[keyof typeof Opcode]

/** Whether slots of this opcode carry a payload. */
export function carriesPayload(opcode: Opcode): boolean {
  return (
    opcode === Opcode.SAVE ||
    opcode === Opcode.UPDATE ||
    opcode === Opcode.CREATE ||
    opcode === Opcode.REPLACE
  )
}

/** What became of one slot. */
export const Status = {
  /** Took effect; for `LOAD`, `EXISTS` and `TOUCH`: there is such a session. */
  DONE: 0,
  /** There is no live session of this key. */
  ABSENT: 1,
  /** `CREATE` only: there is one already. */
  CONFLICT: 2,
  /** A system call failed; the reply's report says which. The previous version is still readable. */
  FAILED: 3,
  /** The journal knows nothing of this key: what stands in its file is the answer. */
  IN_FILE: 4,
  /** `REPLACE` only: there is a live session, of another version. */
  SUPERSEDED: 5,
} as const
export type Status = (typeof Status)[keyof typeof Status]
