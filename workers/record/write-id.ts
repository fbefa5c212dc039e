/** Unique to a slot and its batch: by it a write that is tried again recognises what a dead worker has done of it. */
export type WriteId = readonly [low: number, high: number]

/** Whether what stands there is of this very write. */
export function isSameWrite(standing: WriteId | undefined, writeId: WriteId): boolean {
  return standing !== undefined && standing[0] === writeId[0] && standing[1] === writeId[1]
}
