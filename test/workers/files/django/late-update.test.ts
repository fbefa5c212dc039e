import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Signing } from '#dist/workers/files/django/signing.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { interleave } from '../cut-points.js'

// After cut-points.js, so that the storage gets the calls that can be cut.
const { StorageDriver } = await import('../storage-driver.js')
const { DjangoFormat } = await import('#dist/workers/files/django/format.js')

const test = suite('django: an update that is late')

const KEY = 'k'
const SIGNING = { secrets: ['secret'], salt: 'salt' }

test('of a session that is being deleted goes with it, whenever it comes', () => {
  const directory = temporaryDirectory('memory')
  const driver = new StorageDriver(
    { directory, layout: 'flat' },
    new DjangoFormat(
      { ...SIGNING, cookieAge: 3_600_000, expireIdle: false },
      { maxRecordBytes: 1000, placeholderLife: 0 },
    ),
  )
  const { file } = driver.place(KEY)
  const late = `${directory}/late`
  /** The last step of an update that had looked before. */
  const landed: boolean[] = []
  const land = (): void => {
    try {
      renameSync(late, file)
      landed.push(true)
    } catch {
      landed.push(false)
    }
  }
  for (let at = 0, calls = 1; at < calls; at++) {
    for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`, { recursive: true })
    driver.save(KEY, 'stored')
    writeFileSync(late, new Signing(SIGNING).sign(Buffer.from('late'), Date.now()))
    calls = interleave(() => driver.delete(KEY), [{ at, run: land }])
    assert.is(driver.load(KEY), undefined, `at ${at}`)
    assert.is(driver.exists(KEY), false, `at ${at}`)
  }
  assert.ok(landed.includes(true) && landed.includes(false))
})

test.run()
