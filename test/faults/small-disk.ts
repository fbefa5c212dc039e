import { spawnSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

/** A small file system of the test's own, unmounted when the process ends. */
export class SmallDisk {
  readonly directory = temporaryDirectory()

  constructor(options: string) {
    // Registered after the removal of the directory, so run before it: exit listeners are prepended.
    process.prependOnceListener('exit', () => this.unmount())
    // A tmpfs is everybody's, unless told: no directory for sessions.
    this.#mount('-t', 'tmpfs', '-o', `${options},mode=0700`, 'tmpfs', this.directory)
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.directory])
  }

  remount(mode: 'ro' | 'rw'): void {
    this.#mount('-o', `remount,${mode}`, this.directory)
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
