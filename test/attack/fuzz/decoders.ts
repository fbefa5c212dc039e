import type { Decoder } from './decoder.js'
import { djangoDecoder, pythonJsonDecoder } from './django-decoders.js'
import { digestDecoder, frameDecoder, replayDecoder, slotDecoder } from './journal-decoders.js'
import { importDecoder, nameDecoder, sealDecoder } from './other-decoders.js'
import { fileDecoder, recordDecoder } from './record-decoders.js'
import { sealedFrameDecoder, sealedRecordDecoder, sealedReplayDecoder } from './sealed-decoders.js'
import { jsonDecoder, msgpackDecoder } from './session-decoders.js'

/** A kind of decoder, and how many inputs it is given: in `npm test`, and in some ten seconds. */
interface Kind {
  readonly make: () => Decoder
  readonly usual: number
  readonly full: number
}

/** All that read what lies on a disk. */
export const DECODERS: Readonly<Record<string, Kind>> = {
  record: { make: recordDecoder, usual: 10_000, full: 1_500_000 },
  file: { make: fileDecoder, usual: 1500, full: 200_000 },
  frame: { make: frameDecoder, usual: 5000, full: 1_000_000 },
  replay: { make: replayDecoder, usual: 300, full: 50_000 },
  slots: { make: slotDecoder, usual: 5000, full: 1_000_000 },
  names: { make: nameDecoder, usual: 5000, full: 1_000_000 },
  django: { make: djangoDecoder, usual: 1000, full: 200_000 },
  'python json': { make: pythonJsonDecoder, usual: 2000, full: 600_000 },
  msgpack: { make: msgpackDecoder, usual: 2000, full: 300_000 },
  json: { make: jsonDecoder, usual: 2000, full: 150_000 },
  import: { make: importDecoder, usual: 3000, full: 800_000 },
  seal: { make: sealDecoder, usual: 2000, full: 500_000 },
  'sealed records': { make: sealedRecordDecoder, usual: 500, full: 40_000 },
  'sealed frames': { make: sealedFrameDecoder, usual: 500, full: 30_000 },
  'sealed replay': { make: sealedReplayDecoder, usual: 100, full: 5000 },
  digests: { make: digestDecoder, usual: 2000, full: 100_000 },
}
