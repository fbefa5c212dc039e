import type { Decoder } from './decoder.js'
import { djangoDecoder, pythonJsonDecoder } from './django-decoders.js'
import { digestDecoder, frameDecoder, replayDecoder } from './journal-decoders.js'
import { importDecoder, nameDecoder } from './other-decoders.js'
import { fileDecoder, recordDecoder } from './record-decoders.js'
import { sealedFrameDecoder, sealedRecordDecoder, sealedReplayDecoder } from './sealed-decoders.js'
import { jsonDecoder, msgpackDecoder } from './session-decoders.js'

/** A kind of decoder, and how many inputs it is given: in `npm test`, and in some ten seconds. */
interface Kind {
  readonly make: () => Decoder
  readonly usual: number
  readonly full: number
  /** Outcomes that its seeds have: inputs that are all turned away at the door would prove nothing. */
  readonly reaches: readonly string[]
}

/** All that read what lies on a disk. */
export const DECODERS: Readonly<Record<string, Kind>> = {
  record: { make: recordDecoder, usual: 10_000, full: 1_500_000, reaches: ['record'] },
  file: { make: fileDecoder, usual: 1500, full: 200_000, reaches: ['record'] },
  frame: { make: frameDecoder, usual: 5000, full: 1_000_000, reaches: ['frame'] },
  replay: { make: replayDecoder, usual: 300, full: 50_000, reaches: ['sessions'] },
  names: { make: nameDecoder, usual: 5000, full: 1_000_000, reaches: ['key and name'] },
  django: { make: djangoDecoder, usual: 1000, full: 200_000, reaches: ['session'] },
  'python json': { make: pythonJsonDecoder, usual: 2000, full: 600_000, reaches: ['parsed'] },
  msgpack: { make: msgpackDecoder, usual: 2000, full: 300_000, reaches: ['session'] },
  json: { make: jsonDecoder, usual: 2000, full: 150_000, reaches: ['session'] },
  import: {
    make: importDecoder,
    usual: 3000,
    full: 800_000,
    reaches: ['session', 'expired', 'encrypted, unreadable'],
  },
  'sealed records': { make: sealedRecordDecoder, usual: 500, full: 40_000, reaches: ['opened'] },
  'sealed frames': { make: sealedFrameDecoder, usual: 500, full: 30_000, reaches: ['opened'] },
  'sealed replay': { make: sealedReplayDecoder, usual: 100, full: 5000, reaches: ['sessions'] },
  digests: { make: digestDecoder, usual: 5000, full: 300_000, reaches: ['keys', 'digests'] },
}
