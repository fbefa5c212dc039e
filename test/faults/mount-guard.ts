import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

/** Unmounts a file system of the test's own, and removes what it was in, however this process ends: a mount outlives whoever is killed. */
export class MountGuard {
  readonly #directory: string
  readonly #guard: ChildProcess
  readonly #unmountAtExit = (): void => void spawnSync('umount', ['-l', this.#directory])

  /** To be made before anything is mounted. */
  constructor(parent: string, directory: string) {
    this.#directory = directory
    // Before the removal of the directory: exit listeners are run in the order of their registration.
    process.prependOnceListener('exit', this.#unmountAtExit)
    this.#guard = guardOf(parent, directory)
  }

  /** Unmounts it now. */
  remove(): void {
    this.#unmountAtExit()
    process.off('exit', this.#unmountAtExit)
    this.#guard.stdin?.end()
  }
}

/** Tidies up when this process has ended without. It hears of that by its input's end. */
function guardOf(parent: string, directory: string): ChildProcess {
  const script = 'read -r _; umount -l "$2"; rm -rf --one-file-system "$1"'
  const guard = spawn('sh', ['-c', script, 'sh', parent, directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // The runner kills a test that hangs with all of its process group.
    detached: true,
  })
  guard.unref()
  return guard
}
