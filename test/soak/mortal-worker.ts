import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import type { OpenStorage, StorageBinding, WorkerStorage } from '#dist/workers/protocol/index.js'

/*
 * The worker half of any storage, in a thread that dies now and then: in front of a file system call, in the middle of
 * whatever it was about.
 */

/** What this storage is opened with. */
export interface MortalOptions {
  readonly real: StorageBinding
  /** File system calls of a worker's life: as many, or up to twice as many. */
  readonly shortestLife: number
  /** Grows by a byte with each death. */
  readonly log: string
}

const CALLS = [
  'linkSync',
  'lstatSync',
  'mkdirSync',
  'openSync',
  'renameSync',
  'rmdirSync',
  'unlinkSync',
  'writeSync',
] as const

const functions = fs as unknown as Record<string, (...values: unknown[]) => unknown>

function limitLife({ shortestLife, log }: MortalOptions): void {
  let left = Math.ceil(shortestLife * (1 + Math.random()))
  const { appendFileSync } = fs
  for (const name of CALLS) {
    const real = functions[name]
    if (real === undefined) throw new Error(`no ${name} in node:fs`)
    functions[name] = (...values) => {
      if (--left === 0) {
        appendFileSync(log, '.')
        process.exit(1)
      }
      return real(...values)
    }
  }
  syncBuiltinESMExports()
}

/** Opens the real storage. */
export async function openStorage(options: MortalOptions): Promise<WorkerStorage> {
  const { openStorage: openReal } = (await import(options.real.module)) as { openStorage: OpenStorage }
  const storage = await openReal(options.real.options as never)
  limitLife(options)
  return storage
}
