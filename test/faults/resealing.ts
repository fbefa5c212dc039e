import * as assert from 'uvu/assert'
import { Opcode, Status } from '#dist/workers/protocol/index.js'
import { later } from '../fixtures/later.js'
import { makeVersion } from '../races/versions.js'
import { NEW, OLD, ROTATED } from '../workers/files/journal/frames-on-disk.js'
import { filesBelow, HOUR, StorageDriver } from '../workers/files/storage-driver.js'
import { CLAIMS_END, type Program, storedVersion, sweepClean } from './kill-points.js'

/*
 * Sessions that an older key has sealed, a program that seals them anew, and what has to be there whenever it is broken off.
 */

/** How files are opened. */
export interface ResealSetting {
  readonly directory: string
  readonly fsync: boolean
  /** Whether they lie behind a journal: then nobody else writes there. */
  readonly exclusive: boolean
}

/** The one whose name is a digest says its key in its record. */
const KEYS = ['a', 'B', 'c', 'd'.repeat(200)]
const CURRENT = 'sealed by the newest key already'
const ALL = [...KEYS, CURRENT]
const EXPIRES = Date.now() + 2 * HOUR

/** Each session has a version of its own. */
function versionFor(key: string): number {
  return ALL.indexOf(key) + 1
}

function textOf(key: string): string {
  return JSON.stringify(makeVersion(key, versionFor(key)))
}

/** Stores what is to be sealed anew. */
export function sealByOldKey(setting: ResealSetting): void {
  const old = new StorageDriver({ ...setting, seal: OLD })
  for (const key of KEYS) assert.is(old.save(key, textOf(key), EXPIRES), Status.DONE)
  // What an update has written, and what a touch has written into.
  assert.is(old.update('B', textOf('B'), EXPIRES + HOUR), Status.DONE)
  assert.is(old.touch('B', EXPIRES), Status.DONE)
  const newest = new StorageDriver({ ...setting, seal: NEW })
  assert.is(newest.save(CURRENT, textOf(CURRENT), EXPIRES), Status.DONE)
}

/** The program that seals it anew. */
export function resealProgram(setting: ResealSetting): Program {
  return { path: '../faults/reseal-script.js', options: setting }
}

/** After a clear none of them comes back, whoever asks for it and whatever a sweep finds. */
export function assertResealCleared(setting: ResealSetting): void {
  later(CLAIMS_END, () => {
    const both = new StorageDriver({ ...setting, orphanGrace: 0, seal: ROTATED })
    both.walk('clear')
    for (const key of ALL) assert.is(both.load(key), undefined, key)
    later(2 * HOUR, () => sweepClean(both))
    assert.equal(filesBelow(setting.directory), [])
  })
}

/**
 * No session is lost, each is whole and expires when it did; the next sweep leaves no litter; and the next one who seals anew
 * finishes.
 *
 * @param first Who comes first after the crash: whoever asks for sessions, or a sweep.
 */
export function assertResealRecovers(setting: ResealSetting, first: 'loads' | 'sweep'): void {
  later(CLAIMS_END, () => {
    const both = new StorageDriver({ ...setting, orphanGrace: 0, seal: ROTATED })
    if (first === 'loads') assertAllThere(both)
    sweepClean(both)
    assertAllThere(both)
    both.walk('reseal')
    assert.equal(both.notices, [])
    assertAllThere(new StorageDriver({ ...setting, seal: NEW }))
    const left = filesBelow(setting.directory)
    assert.is(left.length, ALL.length, left.join())
  })
}

function assertAllThere(driver: StorageDriver): void {
  for (const key of ALL) {
    assert.is(storedVersion(driver, key), versionFor(key), key)
    const { expiry = 0 } = driver.one({ opcode: Opcode.LOAD, key })
    assert.ok(Math.abs(expiry - EXPIRES) <= 1, `${key} expires ${expiry - EXPIRES} ms later`)
  }
}
