import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

/*
 * Lets a test do something between any two file system calls of an operation, in this one thread. Has to be
 * imported before the storage is.
 */

const CALLS = [
  'accessSync',
  'closeSync',
  'copyFileSync',
  'existsSync',
  'fdatasyncSync',
  'fstatSync',
  'fsyncSync',
  'ftruncateSync',
  'futimesSync',
  'linkSync',
  'lstatSync',
  'lutimesSync',
  'mkdirSync',
  'openSync',
  'opendirSync',
  'readSync',
  'readdirSync',
  'renameSync',
  'rmdirSync',
  'statSync',
  'unlinkSync',
  'writeSync',
] as const

let onCall: ((name: string, path: unknown) => void) | undefined

const functions = fs as unknown as Record<string, (...values: unknown[]) => unknown>
for (const name of CALLS) {
  const real = functions[name]
  if (real === undefined) throw new Error(`no ${name} in node:fs`)
  functions[name] = (...values) => {
    // Linux has let go of a descriptor also when closing it fails.
    if (name === 'closeSync') real(...values)
    onCall?.(name, values[0])
    return name === 'closeSync' ? undefined : real(...values)
  }
}
syncBuiltinESMExports()

let inside = false

// Waiting for the operation that it is inside of, an inner one could wait for ever: it fails instead. What the outer
// one waits for has happened by then.
Atomics.wait = () => {
  if (inside) throw new Error('waits for the outer operation')
  return 'timed-out'
}

/**
 * Runs `outer`, and each of `inner` in front of the file system call of the outer's that is given with it; returns
 * how many calls `outer` makes.
 */
export function interleave(
  outer: () => void,
  inner: readonly { readonly at: number; readonly run: () => void }[],
): number {
  return interrupt(outer, (call) => {
    for (const { at, run } of inner) if (at === call) run()
  })
}

/** Runs `outer`, and `intrude` in front of each of its file system calls; returns how many there are. */
export function interrupt(outer: () => void, intrude: (call: number, name: string) => void): number {
  let calls = 0
  const hook = (name: string): void => {
    const call = calls++
    onCall = undefined
    inside = true
    try {
      intrude(call, name)
    } finally {
      inside = false
      onCall = hook
    }
  }
  onCall = hook
  try {
    outer()
  } finally {
    onCall = undefined
  }
  return calls
}

/** Runs a task in which one call, counted from 0, fails with a code; the name of that call, if there are so many. */
export function failing(task: () => void, at: number, code: string): string | undefined {
  let calls = 0
  let failed: string | undefined
  refusing(task, (name) => {
    if (calls++ !== at) return undefined
    failed = name
    return code
  })
  return failed
}

/** Runs a task in which every call fails that a code is given for. */
export function refusing<Result>(
  task: () => Result,
  codeFor: (name: string, path: unknown) => string | undefined,
): Result {
  onCall = (name, path) => {
    const code = codeFor(name, path)
    if (code === undefined) return
    throw Object.assign(new Error(`${code}: made to fail, ${name}`), {
      code,
      syscall: name.replace('Sync', ''),
    })
  }
  try {
    return task()
  } finally {
    onCall = undefined
  }
}

/**
 * Runs a task that is killed in front of one call, counted from 0: neither that nor any after it is made, whatever the task
 * does to clean up. Descriptors alone are closed, as the kernel closes those of whoever is killed. False when there are not
 * so many.
 */
export function killing(task: () => void, at: number): boolean {
  let calls = 0
  onCall = () => {
    if (calls++ >= at) throw new Error('killed')
  }
  try {
    task()
  } catch {
    // Nobody is left to see it.
  } finally {
    onCall = undefined
  }
  return calls > at
}
