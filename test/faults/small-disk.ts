import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { MountGuard } from './mount-guard.js'

/** A small file system of the test's own. Unmounted when the process ends, also when it is killed. */
export class SmallDisk {
  readonly directory: string
  readonly #guard: MountGuard

  constructor(options: string) {
    const parent = temporaryDirectory()
    this.directory = `${parent}/mounted`
    mkdirSync(this.directory)
    this.#guard = new MountGuard(parent, this.directory)
    // A tmpfs is everybody's, unless told: no directory for sessions.
    this.#mount('-t', 'tmpfs', '-o', `${options},mode=0700`, 'tmpfs', this.directory)
  }

  remount(mode: 'ro' | 'rw'): void {
    this.#mount('-o', `remount,${mode}`, this.directory)
  }

  /** Unmounts it. */
  remove(): void {
    this.#guard.remove()
  }

  /** Also when a test fails. */
  [Symbol.dispose](): void {
    this.remove()
  }

  /** Fills it up until only so many bytes are left. */
  fill(left: number): void {
    const { bavail, bsize } = statfsSync(this.directory)
    writeFileSync(`${this.directory}/.filling`, Buffer.alloc(Math.max(0, bavail * bsize - left), 1))
  }

  empty(): void {
    rmSync(`${this.directory}/.filling`, { force: true })
  }

  #mount(...values: string[]): void {
    const { status, stderr } = spawnSync('mount', values)
    if (status !== 0) throw new Error(`mount failed: ${stderr}`)
  }
}
