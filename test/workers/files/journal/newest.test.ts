import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { NewestVersions } from '#dist/workers/files/journal/newest.js'
import {
  keyHash,
  Opcode,
  RequestReader,
  RequestWriter,
  SLICES,
  SLOT_HEADER,
} from '#dist/workers/protocol/index.js'

const test = suite('journal: newest versions')

type Kind = 'save' | 'delete' | 'touch'

interface Expected {
  kind: Kind
  text: string
  expiry: number
  /** The frame of the present version, and of the one that a checkpoint has taken. */
  changed: number
  taken: number | undefined
}

const OPCODES = { save: Opcode.UPDATE, delete: Opcode.DELETE, touch: Opcode.TOUCH } as const

function slotOf(kind: Kind, key: string, text: string, expiry: number, hash = keyHash(key)): RequestReader {
  const writer = new RequestWriter(64)
  const payload = kind === 'save' ? Buffer.from(text) : undefined
  writer.append({ opcode: OPCODES[kind], key, hash, expiry, codec: 3, payload })
  const slot = new RequestReader(writer.toWire(0, [0, 0]))
  slot.next()
  return slot
}

const key = fc.oneof(
  fc.constantFrom('a', 'ab', 'b', 'ü', '\u{1f36a}', 'k'.repeat(256)),
  fc.string({ minLength: 1, maxLength: 3 }),
)
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom<Kind>('save', 'save', 'delete', 'touch'),
      key,
      size: fc.constantFrom(0, 1, 100, 900, 3_000),
      expiry: fc.nat(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('take' as const, 'arrive' as const, 'give back' as const),
      pick: fc.nat(),
    }),
  },
)

test('are what a map of the newest versions would hold', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const newest = new NewestVersions()
      const model = new Map<string, Expected>()
      let sequence = 0
      for (const one of steps) {
        sequence++
        if ('pick' in one) {
          const keys = [...model.keys()]
          const name = keys[one.pick % Math.max(1, keys.length)]
          const held = name === undefined ? undefined : model.get(name)
          if (name === undefined || held === undefined) continue
          const entry = newest.find(slotOf('save', name, '', 0))
          if (one.do === 'take' && held.taken === undefined) {
            held.taken = held.changed
            newest.take(entry)
          } else if (one.do === 'give back' && held.taken !== undefined) {
            held.taken = undefined
            newest.giveBack(entry)
          } else if (one.do === 'arrive' && held.taken !== undefined) {
            newest.arrive(entry, held.taken)
            if (held.taken === held.changed) model.delete(name)
            held.taken = undefined
          }
          continue
        }
        const text = `${sequence}`.padEnd(one.size, '.')
        newest.note(slotOf(one.do, one.key, text, one.expiry), sequence)
        const held = model.get(one.key)
        if (one.do !== 'touch') {
          model.set(one.key, {
            kind: one.do,
            text,
            expiry: one.expiry,
            changed: sequence,
            taken: held?.taken,
          })
        } else if (held?.kind === 'save') {
          held.expiry = one.expiry
          held.changed = sequence
        }
      }
      compare(newest, model)
    }),
    { numRuns: 300 },
  )
})

function compare(newest: NewestVersions, model: ReadonlyMap<string, Expected>): void {
  assert.is(newest.count, model.size)
  let listed = 0
  for (let slice = 0; slice < SLICES; slice++) {
    for (let entry = newest.oldest(slice); entry !== -1; entry = newest.later(entry)) listed++
  }
  assert.is(listed, model.size, 'every entry is in the list of its slice')
  for (const [name, { kind, text, expiry, changed, taken }] of model) {
    const entry = newest.find(slotOf('save', name, '', 0))
    assert.is.not(entry, -1)
    assert.is(newest.opcode(entry), kind === 'save' ? Opcode.SAVE : OPCODES[kind])
    assert.is(newest.expiry(entry), expiry)
    assert.is(newest.changed(entry), changed)
    if (kind === 'save') assert.is(Buffer.from(newest.payload(entry)).toString(), text)
    assert.is(newest.isDirtySince(entry, changed), taken !== changed)
    const copy = new Uint8Array(newest.length(entry))
    newest.copyTo(entry, copy, 0)
    if (kind === 'save') assert.ok(Buffer.from(copy.subarray(SLOT_HEADER)).toString().startsWith(text))
  }
  if (model.size === 0) assert.is(newest.bytes, 0)
}

test('a hundred thousand keys are found, and their memory is given back', () => {
  const newest = new NewestVersions()
  const keys = Array.from({ length: 100_000 }, (_, index) => `session-${index}`)
  for (const [index, name] of keys.entries()) newest.note(slotOf('save', name, name, 1), index + 1)
  assert.is(newest.count, keys.length)
  for (const name of keys) {
    const entry = newest.find(slotOf('save', name, '', 0))
    assert.is(Buffer.from(newest.payload(entry)).toString(), name)
    newest.take(entry)
    newest.arrive(entry, newest.changed(entry))
  }
  assert.is(newest.count, 0)
  assert.is(newest.bytes, 0)
})

test('keys whose hashes are the same are told apart, also when one of them goes', () => {
  const keys = ['one', 'two', 'three', 'four']
  const look = (name: string, text = ''): RequestReader => slotOf('save', name, text, 1, 7)
  for (const [index, gone] of keys.entries()) {
    const newest = new NewestVersions()
    for (const name of keys) newest.note(look(name, `text of ${name}`), 1)
    const entry = newest.find(look(gone))
    newest.take(entry)
    newest.arrive(entry, 1)
    assert.is(newest.find(look(gone)), -1)
    const left = keys.toSpliced(index, 1)
    for (const name of left)
      assert.is(Buffer.from(newest.payload(newest.find(look(name)))).toString(), `text of ${name}`)
    // In the order in which they came, whichever of them went.
    assert.equal(
      Array.from(newest.entries(), (each) => Buffer.from(newest.payload(each)).toString()),
      left.map((name) => `text of ${name}`),
    )
  }
})

test.run()
