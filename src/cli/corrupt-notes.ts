import { isSealReason } from '../../workers/record/seal-reasons.js'
import type { SessionEngine } from '../engine/session-engine.js'
import { sealAdvice } from './seal-keys.js'

/** Why things could not be read that an engine met, a line for each reason. */
export class CorruptNotes {
  readonly #reasons = new Map<string, number>()

  /** Listens to an engine. */
  of(engine: SessionEngine): void {
    engine.on('corrupt', ({ reason }) => void this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1))
  }

  /** Tells of them, when the engine is closed: events come after what they are about. Returns whether there were any. */
  print(): boolean {
    for (const [reason, count] of this.#reasons) console.error(`note: ${noteOf(reason, count)}`)
    return this.#reasons.size > 0
  }
}

function noteOf(reason: string, count: number): string {
  const one = count === 1
  if (isSealReason(reason)) return `${count} ${one ? 'file is' : 'files are'} ${sealAdvice(reason)}`
  return `${count} ${one ? 'file' : 'files'}: ${reason}`
}
