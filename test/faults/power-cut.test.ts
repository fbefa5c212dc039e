import { spawnSync } from 'node:child_process'
import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs'
import { type FilesOptions, files, json, SessionEngine } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { budget, FULL } from '../budget.js'
import { crashChoice } from '../crash-seed.js'
import { type Ledger, newLedger } from '../races/journal-history.js'
import { JournalProcess } from '../races/journal-process.js'
import type { JournalChildOptions } from '../races/journal-reports.js'
import { versionOf } from '../races/versions.js'
import { skipWhere } from '../skip.js'
import { CHANGES, Fault, faultsMissing } from './fault.js'
import { FaultyEngine } from './faulty-engine.js'
import { isKilled } from './kill-points.js'
import { LoopDisk, type LoopType, loopMissing } from './loop-disk.js'
import { assertResealRecovers, resealProgram, sealByOldKey } from './resealing.js'

const cuts = suite('the power is cut')

const KEYS = Array.from({ length: 40 }, (_, index) => `session-${index}`)
/** Cuts of each kind; both ways to open what they leave take turns. */
const ROUNDS = budget({ usual: 1, full: 6 })
/** Another one begins each time. */
const TURN = crashChoice('turn', 2)
const STILL = crashChoice('still', 2)
const isStill = (round: number): boolean => (Math.floor(round / 2) + STILL) % 2 === 0
const DURABILITIES = ['direct', 'journal'] as const
/** Calls from one cut to the next while sessions are sealed anew, and where the last one is. */
const CUT_EVERY = budget({ usual: 24, full: 3 })
const MOST_CUTS = budget({ usual: 24, full: 1000 })

async function withDisk(type: LoopType, body: (disk: LoopDisk) => Promise<void>): Promise<void> {
  const disk = new LoopDisk(type)
  try {
    await body(disk)
  } catch (error) {
    // At once: it takes minutes until all are through.
    console.error(error)
    throw error
  } finally {
    disk.remove()
  }
}

/**
 * Works until the power is cut, after so many acknowledged steps.
 * @param still Whether it is stopped just before: then it is known what had been acknowledged. Else syncs are under way.
 */
async function workUntilCut(
  ledger: Ledger,
  disk: LoopDisk,
  { durability, fsync }: Pick<FilesOptions, 'durability' | 'fsync'>,
  { steps, still }: { readonly steps: number; readonly still: boolean },
): Promise<void> {
  const common = { directory: `${disk.directory}/sessions`, fsync: fsync ?? false }
  const options: Omit<JournalChildOptions, 'known'> = {
    files:
      durability === 'direct'
        ? common
        : // So that the cut falls into a checkpoint, mostly.
          { ...common, durability: 'journal', checkpointInterval: 0.02 },
    threads: 2,
    segmentBytes: 2 ** 17,
  }
  const process = new JournalProcess(ledger, './journal-child.js', options)
  try {
    await process.took(steps)
    // From here on any may fail.
    assert.equal(process.failed, {})
    if (still) await process.halt()
    else ledger.cut()
    disk.cutPower()
  } finally {
    const { steps: taken } = await process.kill()
    assert.ok(taken >= steps, `it ended after ${taken} steps`)
  }
  disk.restart()
}

/** All that was written so far is on the disk. */
function syncDisk({ directory }: LoopDisk): void {
  assert.is(spawnSync('sync', ['--file-system', directory]).status, 0)
}

function syncDirectories(root: string): void {
  const below = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const path of [root, ...below.map(({ name }) => `${root}/${name}`)]) {
    const descriptor = openSync(path, 'r')
    fsyncSync(descriptor)
    closeSync(descriptor)
  }
}

async function assertStored(
  keys: readonly string[],
  options: FilesOptions,
  check: (key: string, version: number | undefined) => void,
): Promise<unknown[]> {
  const engine = new SessionEngine({
    storage: files(options),
    codec: json(),
    threads: 1,
    sweepInterval: false,
  })
  const damage: unknown[] = []
  engine.on('corrupt', (notice) => damage.push(notice))
  try {
    for (const key of keys) {
      const session = await engine.load(key)
      check(key, session === undefined ? undefined : versionOf(key, session))
    }
  } finally {
    await engine.close()
  }
  return damage
}

for (const [index, type] of (['ext4', 'xfs'] as const).entries()) {
  /** What has to hold on both is tried on both; what follows from how it is done, in the usual run on one of them in turn. */
  const isTurn = FULL || index === TURN
  const needsDisk = skipWhere(loopMissing(type))

  for (const durability of DURABILITIES) {
    needsDisk(cuts, `${type}, ${durability} with fsync: nothing acknowledged is lost`, async () => {
      await withDisk(type, async (disk) => {
        const ledger = newLedger(KEYS)
        for (let round = 0; round < ROUNDS; round++) {
          const moment = { steps: 100 + ((211 * round) % 700), still: isStill(round) }
          await workUntilCut(ledger, disk, { durability, fsync: true }, moment)
          const common = { directory: `${disk.directory}/sessions`, fsync: true }
          const options: FilesOptions = (round + TURN) % 2 === 0 ? { ...common, durability } : common
          const damage = await assertStored(KEYS, options, (key, version) => ledger.found(key, version))
          assert.equal(damage, [])
        }
      })
    })

    if (!isTurn) continue
    needsDisk(
      cuts,
      `${type}, ${durability} without: there may be losses, but neither garbage nor exceptions`,
      async () => {
        await withDisk(type, async (disk) => {
          for (let round = 0; round < ROUNDS; round++) {
            // Keys of its own for each round: what is left of the others is not known.
            const ledger = newLedger(KEYS.map((key) => `${round}-${key}`))
            const moment = { steps: 300 + ((211 * round) % 900), still: isStill(round) }
            await workUntilCut(ledger, disk, { durability, fsync: false }, moment)
            const options: FilesOptions = { directory: `${disk.directory}/sessions`, durability }
            await assertStored(ledger.keys, options, (key, version) => {
              assert.ok((version ?? 0) <= ledger.step(key) + 1, `${key}: ${version}`)
            })
          }
        })
      },
    )
  }

  if (!isTurn) continue
  skipWhere(loopMissing(type) ?? faultsMissing())(
    cuts,
    `${type}, sealing anew: no session is lost, and the next one finishes`,
    async () => {
      await withDisk(type, async (disk) => {
        using fault = new Fault(disk.directory)
        for (const fsync of FULL ? [false, true] : [TURN === 0]) {
          // Past the first session, at the least: what was sealed anew has to be on the disk.
          for (
            let first = 10 + crashChoice('first cut', CUT_EVERY);
            first <= 10 + MOST_CUTS;
            first += CUT_EVERY
          ) {
            const setting = { directory: `${disk.directory}/${fsync}-${first}`, fsync, exclusive: false }
            sealByOldKey(setting)
            syncDisk(disk)
            const plan = { calls: CHANGES, action: 'kill', first, count: 1 } as const
            const killed = await isKilled(newLedger([]), resealProgram(setting), fault, plan)
            // Directories are written before files, when the disk gets round to it by itself.
            if (!fsync) syncDirectories(setting.directory)
            disk.cutPower()
            disk.restart()
            assertResealRecovers(setting, first % 2 === 0 ? 'loads' : 'sweep')
            if (!killed) break
          }
        }
      })
    },
  )

  skipWhere(loopMissing(type) ?? faultsMissing())(
    cuts,
    `${type}: what a killed engine had not synced does not take along what the next one has acknowledged`,
    async () => {
      await withDisk(type, async (disk) => {
        const directory = `${disk.directory}/sessions`
        await FaultyEngine.with({ directory, fsync: true }, async (killed) => {
          assert.is(await killed.save('first', 1), undefined)
          // Its frame is written, so the next engine reads it, and never synced.
          killed.fault.set({ calls: ['fdatasync'], action: 'kill', path: '.log' })
          await killed.save('second', 2).catch(() => undefined)
          assert.is(killed.fault.fired, 1)
        })
        await FaultyEngine.with({ directory, fsync: true }, async (next) => {
          assert.is(await next.load('second'), 2)
          assert.is(await next.save('third', 3), undefined)
          disk.cutPower()
          await next.remote.kill()
          disk.restart()
          assert.equal(await next.versionsAfterKill(['first', 'third']), [1, 3])
        })
      })
    },
  )
}

cuts.run()
