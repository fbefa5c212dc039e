import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { mountMissing, programMissing } from './missing.js'
import { MountGuard } from './mount-guard.js'

/** File systems that a power cut can be played on. */
export type LoopType = 'ext4' | 'xfs'

const MIB = 2 ** 20
/** Bytes of the image, which is sparse: XFS takes no smaller one. */
const SIZES: Record<LoopType, number> = { ext4: 32 * MIB, xfs: 320 * MIB }

/** Why there are no such disks here, if there are none. */
export function loopMissing(type: LoopType): string | undefined {
  const missing = mountMissing()
  if (missing !== undefined) return missing
  if (!existsSync('/dev/loop-control')) return 'there are no loop devices here'
  return programMissing(`mkfs.${type}`, '-V') ?? programMissing('xfs_io', '-V')
}

/** A disk of the test's own in a file, whose power can be cut. Unmounted when the process ends, also when it is killed. */
export class LoopDisk {
  /** Where it is mounted. */
  readonly directory: string
  readonly #image: string
  readonly #guard: MountGuard

  /** @param options `inodes`: so many files at the most; `ext4` only. */
  constructor(type: LoopType, { inodes }: { readonly inodes?: number } = {}) {
    const parent = temporaryDirectory()
    this.directory = `${parent}/mounted`
    this.#image = `${parent}/image`
    mkdirSync(this.directory)
    writeFileSync(this.#image, '')
    truncateSync(this.#image, SIZES[type])
    const few = inodes === undefined ? [] : ['-N', String(inodes)]
    // Without blocks that only root may use: for root, the disk would not be full.
    run(`mkfs.${type}`, '-q', ...(type === 'ext4' ? ['-m', '0'] : []), ...few, this.#image)
    this.#guard = new MountGuard(parent, this.directory)
    this.#mount()
  }

  /** From now on nothing reaches the disk; what has not, is lost. */
  cutPower(): void {
    run('xfs_io', '-x', '-c', 'shutdown', this.directory)
  }

  /** After a power cut; nobody may have a file of it open any more. */
  restart(): void {
    run('umount', this.directory)
    this.#mount()
  }

  /** Fills it up until only so many bytes are left. */
  fill(left: number): void {
    const { bavail, bsize } = statfsSync(this.directory)
    writeFileSync(`${this.directory}/.filling`, Buffer.alloc(Math.max(0, bavail * bsize - left), 1), {
      flush: true,
    })
  }

  empty(): void {
    rmSync(`${this.directory}/.filling`, { force: true })
  }

  /** Unmounts it; its loop device goes with that. */
  remove(): void {
    this.#guard.remove()
  }

  #mount(): void {
    run('mount', '-o', 'loop', this.#image, this.directory)
  }
}

function run(program: string, ...values: string[]): void {
  const { status, stderr } = spawnSync(program, values)
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`)
}
