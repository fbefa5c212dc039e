import { SlotReader, systemError } from '../../protocol/index.js'
import { FRAME_HEADER, type FrameHeader } from './frame.js'
import type { FrameSeal } from './frame-seal.js'
import type { KeyDigester } from './key-digester.js'
import { areSound } from './sound-slots.js'

/** Options of {@link FrameReader}. */
export interface FrameReaderOptions {
  /** What opens frames; absent where there are no keys. */
  readonly seal: FrameSeal | undefined
  /** Where names are hashed: a journal may hold keys from before it had digests. */
  readonly digester: KeyDigester | undefined
}

/** Shows the slots of frames as the newest versions have them: opened, and with digests for keys where names are hashed. */
export class FrameReader {
  readonly #seal: FrameSeal | undefined
  readonly #digester: KeyDigester | undefined
  #bytes: Buffer<ArrayBuffer> = Buffer.from(new ArrayBuffer(0))
  #slots = new SlotReader(this.#bytes.buffer)

  constructor({ seal, digester }: FrameReaderOptions) {
    this.#seal = seal
    this.#digester = digester
  }

  /** From now on it is about frames in here, which lie at multiples of eight of their ArrayBuffer. */
  begin(bytes: Buffer<ArrayBuffer>): void {
    this.#bytes = bytes
    this.#slots = new SlotReader(bytes.buffer)
  }

  /**
   * A reader that stands in front of the first slot of a frame that is whole, good until the next call; in words, what is
   * wrong with a frame that no engine writes, whose seal is broken, or whose slots are none.
   * @throws what a system call would, when there is no key for it, or it is not sealed and should be
   */
  slots(offset: number, frame: FrameHeader): SlotReader | string {
    if (frame.kind === 'unknown') return UNSOUND
    if (frame.kind === 'plain')
      return this.#sound(this.#plain(), offset + FRAME_HEADER, frame, offset + frame.length)
    const opened = this.#open(offset, frame)
    return opened === undefined ? BROKEN_SEAL : this.#sound(opened, 0, frame, opened.bytes.length)
  }

  #sound(reader: SlotReader, at: number, { slots }: FrameHeader, end: number): SlotReader | string {
    return areSound(reader, at, slots, end) ? this.#digested(reader, at, slots) : UNSOUND
  }

  #plain(): SlotReader {
    if (this.#seal?.acceptUnsealed === false) throw refusal('NOT_SEALED', NOT_SEALED)
    return this.#slots
  }

  #open(offset: number, frame: FrameHeader): SlotReader | undefined {
    if (this.#seal === undefined) throw refusal('SEALED', SEALED)
    const opened = this.#seal.open(this.#bytes, offset, frame)
    if (opened === 'unknown key') throw refusal('SEAL_KEY_UNKNOWN', UNKNOWN_KEY)
    return opened === 'tampered' ? undefined : new SlotReader(opened)
  }

  #digested(reader: SlotReader, at: number, slots: number): SlotReader {
    if (this.#digester === undefined || !hasKeys(reader, at, slots)) {
      reader.start(at, slots)
      return reader
    }
    const digested = new SlotReader(this.#digester.digest(reader, at, slots))
    digested.start(FRAME_HEADER, slots)
    return digested
  }
}

const BROKEN_SEAL = 'a frame of the journal does not open: it was changed, or moved'
const UNSOUND = 'a frame of the journal holds what no engine writes'
const SEALED = 'the journal is sealed and no seal.keys are given; nothing was changed'
const UNKNOWN_KEY = 'the journal is sealed with a key that seal.keys does not have; nothing was changed'
const NOT_SEALED =
  'the journal is not sealed and would only be read with seal.acceptUnsealed; nothing was changed'

function refusal(code: string, reason: string): Error {
  return systemError(code, 'read', reason)
}

function hasKeys(reader: SlotReader, at: number, slots: number): boolean {
  reader.start(at, slots)
  while (reader.next()) if (reader.keyDigest() === undefined) return true
  return false
}
