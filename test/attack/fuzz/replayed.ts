import { openStorage } from '#dist/workers/files/journal/index.js'
import type { JournalWorkerOptions } from '#dist/workers/files/journal/options.js'
import { RequestReader } from '#dist/workers/protocol/index.js'
import { expect } from './decoder.js'

/**
 * Has a journal read back what lies in its directory, and brings all of it to a checkpoint.
 *
 * @param look is shown each session, or deletion of one, that is to go into files
 * @returns what became of it, in a word
 */
export function replayed(options: JournalWorkerOptions, look: (session: RequestReader) => void): string {
  const storage = openStorage(options)
  try {
    let corrupt = 0
    for (let done = false; !done; ) {
      const slice = storage.replay()
      corrupt += slice.corrupt.length
      done = slice.done
    }
    storage.checkpoint({ kind: 'begin' })
    let sessions = 0
    for (;;) {
      const { slice } = storage.checkpoint({ kind: 'next' })
      if (slice === undefined) break
      const request = new RequestReader(slice.wire)
      while (request.next()) {
        const key = request.keyDigest() ?? request.key()
        const isKey = typeof key !== 'string' || (key.length >= 1 && key.length <= 256)
        expect(isKey, 'a key that no engine accepts was read back')
        expect(Number.isFinite(request.expiry), 'a session that expires at no moment was read back')
        const { payloadStart, payloadLength } = request
        expect(payloadStart + payloadLength <= slice.wire.byteLength, 'a session leaves its slice')
        look(request)
        sessions++
      }
      storage.checkpoint({ kind: 'next', stored: { id: slice.id, reply: null } })
    }
    storage.checkpoint({ kind: 'end' })
    return sessions > 0 ? 'sessions' : corrupt > 0 ? 'damage' : 'nothing'
  } finally {
    storage.close()
  }
}
