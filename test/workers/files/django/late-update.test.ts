import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Signing } from '#dist/workers/files/django/signing.js'
import { temporaryDirectory } from '../../../fixtures/temporary-directory.js'
import { interleave } from '../cut-points.js'

// After cut-points.js, so that the storage gets the calls that can be cut.
const { StorageDriver } = await import('../storage-driver.js')
const { DjangoFormat } = await import('#dist/workers/files/django/format.js')
const { Status } = await import('#dist/workers/protocol/index.js')

const test = suite('django: an update that is late')

const KEY = 'k'
const SIGNING = { secrets: ['secret'], salt: 'salt' }

function open(directory: string): InstanceType<typeof StorageDriver> {
  return new StorageDriver(
    { directory, layout: 'flat' },
    new DjangoFormat(
      { ...SIGNING, cookieAge: 3_600_000, expireIdle: false },
      { maxRecordBytes: 1000, placeholderLife: 0 },
    ),
  )
}

function empty(directory: string): void {
  for (const name of readdirSync(directory)) rmSync(`${directory}/${name}`, { recursive: true })
}

test('of a session that is being deleted goes with it, whenever it comes', () => {
  const directory = temporaryDirectory('memory')
  const driver = open(directory)
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
    empty(directory)
    driver.save(KEY, 'stored')
    writeFileSync(late, new Signing(SIGNING).sign(Buffer.from('late'), Date.now()))
    calls = interleave(() => driver.delete(KEY), [{ at, run: land }])
    assert.is(driver.load(KEY), undefined, `at ${at}`)
    assert.is(driver.exists(KEY), false, `at ${at}`)
  }
  assert.ok(landed.includes(true) && landed.includes(false))
})

for (const outer of ['save', 'create'] as const) {
  test(`what Django has moved into a tombstone keeps no ${outer} from it, also when another process removes both`, () => {
    const directory = temporaryDirectory('memory')
    const [driver, other] = [open(directory), open(directory)]
    const { file } = driver.place(KEY)
    for (const inner of ['save', 'delete', 'save and delete'] as const) {
      for (let at = 0, calls = 1; at < calls; at++) {
        empty(directory)
        mkdirSync(file, 0o1700)
        writeFileSync(`${file}/${KEY}_out_h3k_2x9a`, 'late')
        let status: number | undefined
        let innerStatus: number = Status.DONE
        let isDeleted = false
        const run = (): void => {
          if (inner !== 'delete') innerStatus = other.save(KEY, 'inner')
          // Refused where it would have to wait for the outer one.
          if (inner !== 'save') isDeleted = other.delete(KEY) === Status.DONE
        }
        calls = Math.max(
          calls,
          interleave(() => {
            status = driver[outer](KEY, 'outer')
          }, [{ at, run }]),
        )
        assert.is(innerStatus, Status.DONE, `${inner} at ${at}`)
        // A create may find what was saved there meanwhile.
        const isLate = outer === 'create' && inner !== 'delete' && !isDeleted && status === Status.CONFLICT
        assert.ok(status === Status.DONE || isLate, `${inner} at ${at} told ${status}`)
      }
    }
  })
}

test.run()
