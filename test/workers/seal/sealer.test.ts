import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ExtendedKey } from '#dist/workers/seal/extended-key.js'
import { KEY_ID_BYTES, keyIdOf, SEAL_BYTES, Sealer, sealedWith } from '#dist/workers/seal/index.js'
import { sealKey } from '../../fixtures/seal-keys.js'

const seal = suite('seal')

const NONE = Buffer.alloc(0)
const OLD = sealKey(1)
const NEW = sealKey(2)
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))

/** The vectors of https://c2sp.org/XAES-256-GCM. */
for (const { byte, associated, sealed } of [
  { byte: 1, associated: '', sealed: 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271' },
  {
    byte: 3,
    associated: 'c2sp.org/XAES-256-GCM',
    sealed: '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d',
  },
]) {
  seal(`is XAES-256-GCM as specified: the vector of key ${byte}`, () => {
    const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX')
    const key = new ExtendedKey(Buffer.alloc(32, byte)).derived(nonce.subarray(0, 12))
    const cipher = createCipheriv('aes-256-gcm', key, nonce.subarray(12))
    cipher.setAAD(Buffer.from(associated))
    const text = Buffer.concat([cipher.update('XAES-256-GCM'), cipher.final(), cipher.getAuthTag()])
    assert.is(text.toString('hex'), sealed)
    // The same as it stands in files: behind the id of the key, and the nonce.
    const id = Buffer.from([1, 0, 0, 0])
    const stored = Buffer.concat([id, nonce, Buffer.from(sealed, 'hex')])
    const opened = new Sealer([{ id: 1, key: Buffer.alloc(32, byte) }]).open(stored, Buffer.from(associated))
    assert.is(opened.toString(), 'XAES-256-GCM')
  })
}

seal('opens what it has sealed, and only with the same associated data', () => {
  const sealer = new Sealer([NEW])
  fc.assert(
    fc.property(bytes, bytes, bytes, (plain, associated, other) => {
      const sealed = sealer.seal(plain, associated)
      assert.is(sealed.length, plain.length + SEAL_BYTES)
      assert.equal(sealer.open(sealed, associated), plain)
      if (!other.equals(associated)) assert.is(sealer.open(sealed, other), 'tampered')
    }),
  )
})

seal('does not open what a bit of was changed, or what was cut or lengthened', () => {
  const sealer = new Sealer([NEW])
  const sealed = sealer.seal(Buffer.from('a session'), NONE)
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    assert.is(sealer.open(changed, NONE), bit < 32 ? 'unknown key' : 'tampered', `bit ${bit}`)
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.is(sealer.open(sealed.subarray(0, length), NONE), 'tampered', `length ${length}`)
  }
  assert.is(sealer.open(Buffer.concat([sealed, Buffer.alloc(1)]), NONE), 'tampered')
})

seal('seals with the first key and opens with each', () => {
  const before = new Sealer([OLD]).seal(Buffer.from('old'), NONE)
  const rotated = new Sealer([NEW, OLD])
  assert.is(rotated.currentId, NEW.id)
  assert.equal(rotated.open(before, NONE), Buffer.from('old'))
  const after = rotated.seal(Buffer.from('new'), NONE)
  assert.is(sealedWith(after), NEW.id)
  assert.is(new Sealer([OLD]).open(after, NONE), 'unknown key')
})

seal('what is too short to be sealed tells of no key', () => {
  const sealed = new Sealer([NEW]).seal(NONE, NONE)
  assert.is(sealedWith(sealed), NEW.id)
  assert.is(sealedWith(sealed.subarray(1)), undefined)
  assert.is(sealedWith(NONE), undefined)
  assert.is(keyIdOf(sealed.subarray(0, KEY_ID_BYTES)), NEW.id)
  assert.is(keyIdOf(sealed.subarray(0, KEY_ID_BYTES - 1)), undefined)
})

seal('finds the right one of two keys that share an id', () => {
  const twin = { ...sealKey(9), id: OLD.id }
  const sealed = new Sealer([OLD]).seal(Buffer.from('x'), NONE)
  assert.equal(new Sealer([twin, OLD]).open(sealed, NONE), Buffer.from('x'))
  assert.is(new Sealer([twin]).open(sealed, NONE), 'tampered')
})

seal('never uses a nonce twice', () => {
  const sealers = [new Sealer([NEW]), new Sealer([NEW])]
  const nonces = new Set<string>()
  for (let round = 0; round < 2_000; round++) {
    for (const sealer of sealers) nonces.add(sealer.seal(NONE, NONE).toString('hex', 4, 28))
  }
  assert.is(nonces.size, 4_000)
})

seal('opens what more workers have sealed than derived keys are kept', () => {
  const sealed = Array.from({ length: 300 }, (_, index) => new Sealer([NEW]).seal(Buffer.from([index]), NONE))
  const reader = new Sealer([NEW])
  for (const round of [1, 2]) {
    for (const [index, one] of sealed.entries())
      assert.equal(reader.open(one, NONE), Buffer.from([index]), `${round}`)
  }
})

seal('wants keys of 32 bytes, one at the least', () => {
  assert.throws(() => new Sealer([]), /needs a key/)
  assert.throws(() => new Sealer([{ id: 1, key: Buffer.alloc(31) }]), /32 bytes/)
})

seal.run()
