import { readdirSync } from 'node:fs'
import { type FilesOptions, files, SessionEngine, StorageError } from 'coatcheck'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FULL } from '../budget.js'
import { litterOrAsideIn } from '../fixtures/litter.js'
import { skipWhere } from '../skip.js'
import { filesBelow } from '../workers/files/storage-driver.js'
import { fillUp, free, useUpInodes } from './fill.js'
import { LoopDisk, loopMissing } from './loop-disk.js'
import { mountMissing } from './missing.js'
import { SmallDisk } from './small-disk.js'

const test = suite('a disk with no room for another byte, or another file')

/** Of more than a page: the slack of a journal's last block does not hold one. */
const TEXT = 'x'.repeat(10_000)
const GROUPS = ['updated', 'touched', 'deleted', 'left'] as const
const SIZE = 8

type Group = (typeof GROUPS)[number] | 'new'
type Kind = Pick<FilesOptions, 'durability' | 'fsync'>

const keysOf = (group: Group): string[] => Array.from({ length: SIZE }, (_, index) => `${group}-${index}`)

/** What became of each: `undefined`, or the system's code. */
async function outcomes(calls: readonly Promise<unknown>[]): Promise<(string | undefined)[]> {
  const settled = await Promise.allSettled(calls)
  return settled.map((outcome) => {
    if (outcome.status === 'fulfilled') return undefined
    assert.instance(outcome.reason, StorageError)
    return (outcome.reason as StorageError).errno
  })
}

class Sessions {
  readonly engine: SessionEngine
  readonly #stored = new Map<string, number>()
  #version = 0

  constructor(directory: string, kind: Kind) {
    const quiet = kind.durability === 'journal' ? { checkpointInterval: 600 } : {}
    this.engine = new SessionEngine({
      storage: files({ directory, ...kind, ...quiet }),
      threads: 2,
      sweepInterval: false,
    })
  }

  /** Stores a version of each; returns how many were refused, which has to be for want of room. */
  async write(method: 'save' | 'update' | 'create', group: Group): Promise<number> {
    const version = ++this.#version
    const keys = keysOf(group)
    const settled = await outcomes(keys.map((key) => this.engine[method](key, { version, text: TEXT })))
    for (const [index, key] of keys.entries()) {
      if (settled[index] === undefined) this.#stored.set(key, version)
      else assert.is(settled[index], 'ENOSPC')
    }
    return settled.filter((code) => code !== undefined).length
  }

  async delete(group: Group): Promise<number> {
    const keys = keysOf(group)
    const settled = await outcomes(keys.map((key) => this.engine.delete(key)))
    for (const [index, key] of keys.entries()) {
      if (settled[index] === undefined) this.#stored.delete(key)
      else assert.is(settled[index], 'ENOSPC')
    }
    return settled.filter((code) => code !== undefined).length
  }

  async touch(group: Group): Promise<number> {
    const settled = await outcomes(keysOf(group).map((key) => this.engine.touch(key, { maxAge: 9_999_999 })))
    for (const code of settled) if (code !== undefined) assert.is(code, 'ENOSPC')
    return settled.filter((code) => code !== undefined).length
  }

  async assertReadable(): Promise<void> {
    for (const group of [...GROUPS, 'new'] as const) {
      const sessions = await Promise.all(keysOf(group).map((key) => this.engine.load(key)))
      assert.equal(
        sessions.map((session) => session?.version),
        keysOf(group).map((key) => this.#stored.get(key)),
        group,
      )
    }
  }
}

interface Disk {
  readonly directory: string
}

async function fillAndFree(disk: Disk, kind: Kind, fill: (directory: string) => void): Promise<void> {
  const directory = `${disk.directory}/sessions`
  const sessions = new Sessions(directory, kind)
  const { engine } = sessions
  const journal = kind.durability === 'journal'
  for (const group of GROUPS) assert.is(await sessions.write('save', group), 0)
  await engine.flush({ files: true })
  let told = 0
  for (let round = 1; round <= 2; round++) {
    fill(disk.directory)
    let refused = await sessions.write('update', 'updated')
    refused += await sessions.write('save', 'left')
    refused += await sessions.write(round === 1 ? 'create' : 'save', 'new')
    if (!journal) assert.is(refused, 3 * SIZE, 'nothing can be stored')
    // What a journal has kept to be written over is room, too.
    for (let more = 0; journal && fill === fillUp && refused === 0 && more < 40; more++)
      refused = await sessions.write('save', 'left')
    if (fill === fillUp) assert.ok(refused > 0, 'not everything can be stored')
    await sessions.assertReadable()
    const untouched = await sessions.touch('touched')
    const undeleted = await sessions.delete('deleted')
    if (!journal) assert.equal([untouched, undeleted], [0, 0], 'touches and deletes need no room')
    await sessions.assertReadable()
    assert.equal(litterOrAsideIn(filesBelow(directory)), [])
    // A deleted session's inode may be enough for all others, one after the other.
    const [flushed] = await outcomes([engine.flush({ files: true })])
    if (flushed !== undefined) assert.is(flushed, 'ENOSPC')
    told += refused + untouched + undeleted + (flushed === undefined ? 0 : 1)
    await sessions.assertReadable()
    free(disk.directory)
    for (const group of [...GROUPS, 'new'] as const) assert.is(await sessions.write('save', group), 0, group)
    assert.is(await sessions.delete('new'), 0)
    await engine.flush({ files: true })
    await sessions.assertReadable()
  }
  assert.ok(told > 0, 'the want of room is told')
  await engine.close()
  assert.equal(litterOrAsideIn(filesBelow(directory)), [])
  assert.is(readdirSync(directory).includes('.journal'), false)
}

const kinds: readonly Kind[] = [
  { durability: 'direct', fsync: false },
  { durability: 'direct', fsync: true },
  { durability: 'journal', fsync: false },
  { durability: 'journal', fsync: true },
]

for (const kind of kinds) {
  const name = `${kind.durability}${kind.fsync === true ? ' with fsync' : ''}`
  if (FULL || kind.fsync === false) {
    skipWhere(mountMissing())(test, `${name}, tmpfs: full, and freed`, async () => {
      using disk = new SmallDisk('size=4m')
      await fillAndFree(disk, kind, fillUp)
    })
    skipWhere(mountMissing())(test, `${name}, tmpfs: out of inodes, and freed`, async () => {
      using disk = new SmallDisk('size=8m,nr_inodes=400')
      await fillAndFree(disk, kind, useUpInodes)
    })
  }
  if (FULL || kind.fsync === true) {
    for (const [what, fill, inodes] of [
      ['full', fillUp, undefined],
      ['out of inodes', useUpInodes, 512],
    ] as const) {
      skipWhere(loopMissing('ext4'))(test, `${name}, ext4: ${what}, and freed`, async () => {
        const disk = new LoopDisk('ext4', inodes === undefined ? {} : { inodes })
        try {
          await fillAndFree(disk, kind, fill)
        } finally {
          disk.remove()
        }
      })
    }
  }
}

test.run()
