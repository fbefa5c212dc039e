import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SEGMENT_HEADER } from '#dist/workers/files/journal/segment.js'
import { hasCode } from '#dist/workers/protocol/index.js'
import { budget } from '../budget.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { fixChecksum, framesOf, ROTATED, segmentPath } from '../workers/files/journal/frames-on-disk.js'
import { JournalDriver } from '../workers/files/journal/journal-driver.js'

/*
 * Whatever is done to a journal, what is read back is what was stored at some moment: never something else, never a later
 * save without the one before it. What happens by itself is noticed by checksums, and never an error. Where it is done on
 * purpose, with checksums that are right, a seal tells; at worst the journal is refused.
 */

const test = suite('journal: damaged')

const RUNS = budget({ usual: 15, full: 1_500 })
const KEYS = ['a', 'b', 'c']
const SAVES = 12

type State = readonly (string | undefined)[]

interface Segment {
  readonly name: string
  readonly bytes: Buffer
}

interface Journal {
  readonly driver: JournalDriver
  readonly segments: readonly Segment[]
  /** What was stored after the last save. */
  readonly last: string
  /** What was stored before the first save, after it, and so on, as one text for each. */
  readonly states: ReadonlySet<string>
}

function stateOf(driver: JournalDriver): State {
  return KEYS.map((key) => driver.load(key))
}

function made(options: Partial<JournalDriver['journalOptions']>): Journal {
  const directory = temporaryDirectory('memory')
  const driver = new JournalDriver({ directory, segmentBytes: 700, ...options })
  const states = new Set([JSON.stringify(stateOf(driver))])
  for (let save = 0; save < SAVES; save++) {
    const key = KEYS[save % KEYS.length] ?? 'a'
    if (save % 7 === 5) driver.delete(key)
    else driver.save(key, `${save} ${'x'.repeat((save * 37) % 90)}`)
    states.add(JSON.stringify(stateOf(driver)))
  }
  const segments = driver.segments.map((name, index) => ({
    name,
    bytes: readFileSync(segmentPath(driver, index)),
  }))
  assert.ok(segments.length >= 2)
  return { driver, segments, states, last: JSON.stringify(stateOf(driver)) }
}

interface ReadBack {
  readonly state: string
  /** Whether it was told that something is damaged. */
  readonly noticed: boolean
}

/** What is read back of these segments. */
function readBack({ driver }: Journal, segments: readonly Segment[]): ReadBack {
  const noticedBefore = driver.replayed.length
  rmSync(driver.journalDirectory, { recursive: true })
  mkdirSync(driver.journalDirectory)
  for (const { name, bytes } of segments) writeFileSync(`${driver.journalDirectory}/${name}`, bytes)
  driver.crash()
  return { state: JSON.stringify(stateOf(driver)), noticed: driver.replayed.length > noticedBefore }
}

/** Whether a segment that a whole one follows holds something else. Of the last one, a torn end is what a crash leaves. */
function isDamagedBeforeWhole(journal: Journal, segments: readonly Segment[]): boolean {
  const whole = journal.segments.map(({ bytes }, index) =>
    segments[index]?.bytes.subarray(0, bytes.length).equals(bytes),
  )
  return whole.slice(0, whole.lastIndexOf(true) + 1).includes(false)
}

function changed(
  { segments }: Journal,
  which: number,
  change: (bytes: Buffer) => Buffer,
): readonly Segment[] {
  return segments.map((segment, index) =>
    index === which % segments.length ? { ...segment, bytes: change(Buffer.from(segment.bytes)) } : segment,
  )
}

const position = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const damage = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: position }),
  fc.record({ kind: fc.constant('flip' as const), at: position, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('fill' as const), at: position, bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ kind: fc.constant('append' as const), bytes: fc.uint8Array({ maxLength: 100 }) }),
)

for (const [name, options] of [
  ['as it is', {}],
  ['with digests for keys', { hashNames: true }],
  ['sealed', { seal: ROTATED }],
  ['sealed, with digests for keys', { seal: ROTATED, hashNames: true }],
] as const) {
  const journal = made(options)

  test(`${name}: unchanged, all is read back`, () => {
    assert.equal(readBack(journal, journal.segments), { state: journal.last, noticed: false })
  })

  test(`${name}: cut, flipped, written over, lengthened`, () => {
    let losses = 0
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9), damage), { minLength: 1, maxLength: 3 }), (damages) => {
        let { segments } = journal
        for (const [which, hit] of damages) {
          segments = changed({ ...journal, segments }, which, (bytes) => {
            const at = 'at' in hit ? Math.floor(hit.at * bytes.length) : 0
            if (hit.kind === 'cut') return bytes.subarray(0, at)
            if (hit.kind === 'flip') bytes[at] = (bytes[at] ?? 0) ^ (1 << hit.bit)
            else if (hit.kind === 'fill') Buffer.from(hit.bytes).copy(bytes, at)
            else return Buffer.concat([bytes, hit.bytes])
            return bytes
          })
        }
        const { state, noticed } = readBack(journal, segments)
        assert.ok(journal.states.has(state), state)
        if (state === journal.last || !isDamagedBeforeWhole(journal, segments)) return
        assert.ok(noticed, `something is lost, and nobody is told: ${state}`)
        losses++
      }),
      { numRuns: RUNS },
    )
    assert.ok(losses > 0, 'something was lost')
  })

  if (!('seal' in options)) continue

  test(`${name}: changed by somebody who makes checksums right`, () => {
    const outcomes = { read: 0, refused: 0 }
    const flip = fc.tuple(fc.nat(9), fc.nat(20), position, fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 3 }), (flips) => {
        let { segments } = journal
        for (const [which, frame, at, mask] of flips) {
          segments = changed({ ...journal, segments }, which, (bytes) => {
            const spans = framesOf(journal.segments[which % segments.length]?.bytes ?? bytes)
            const span = spans[frame % spans.length]
            assert.ok(span)
            // All but the magic number, the length and the checksum itself.
            const hit = span.offset + 12 + Math.floor(at * (span.length - 12))
            bytes[hit] = (bytes[hit] ?? 0) ^ mask
            fixChecksum(bytes, span)
            return bytes
          })
        }
        try {
          const { state } = readBack(journal, segments)
          assert.ok(journal.states.has(state), state)
          outcomes.read++
        } catch (error) {
          // The id of the key was changed, or the mark of what is sealed.
          if (!hasCode(error, 'SEAL_KEY_UNKNOWN', 'NOT_SEALED')) throw error
          outcomes.refused++
        }
      }),
      { numRuns: RUNS },
    )
    assert.ok(outcomes.read > 0, 'most are read')
  })

  test(`${name}: frames put together anew by somebody who makes everything right but the seal`, () => {
    const frames = journal.segments.flatMap(({ bytes }) =>
      framesOf(bytes).map(({ offset, length }) => bytes.subarray(offset, offset + length)),
    )
    const order = fc.array(fc.nat(frames.length - 1), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(order, fc.nat(9), (picks, which) => {
        const segments = changed(journal, which, (bytes) => {
          const header = bytes.subarray(0, SEGMENT_HEADER)
          const first = header.readDoubleLE(16)
          const chosen = picks.map((pick, index) => {
            const frame = Buffer.from(frames[pick] ?? [])
            frame.writeDoubleLE(first + index, 16)
            frame.writeUInt32LE(header.readUInt32LE(12), 24)
            fixChecksum(frame, { offset: 0, length: frame.length })
            return frame
          })
          return Buffer.concat([header, ...chosen])
        })
        const { state } = readBack(journal, segments)
        assert.ok(journal.states.has(state), state)
      }),
      { numRuns: RUNS },
    )
  })
}

test.run()
