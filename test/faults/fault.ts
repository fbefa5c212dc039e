import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { programMissing } from './missing.js'

/* The test's side of fault.c, which has the same numbers. */

const CALLS = {
  write: 1,
  fdatasync: 2,
  fsync: 4,
  rename: 8,
  unlink: 16,
  truncate: 32,
  create: 64,
  mkdir: 128,
  rmdir: 256,
  link: 512,
  times: 1024,
  open: 2048,
  read: 4096,
  stat: 8192,
} as const

/**
 * A kind of system call: `open` is each way to open a file or directory, `create` one that makes a file, `write` and `read` are each
 * way to do that, `times` sets a file's times, `stat` looks at a file's status.
 */
export type SystemCall = keyof typeof CALLS

const LOOKS: readonly SystemCall[] = ['open', 'read', 'stat']

/** Every kind. `create` is part of `open`. */
export const ALL_CALLS: readonly SystemCall[] = (Object.keys(CALLS) as SystemCall[]).filter(
  (call) => call !== 'create',
)

/** All that change something. */
export const CHANGES: readonly SystemCall[] = (Object.keys(CALLS) as SystemCall[]).filter(
  (call) => !LOOKS.includes(call),
)

/** The system's error that a call is made to fail with. */
export type SystemErrorName = keyof typeof constants.errno

/** What becomes of a call. */
export interface FaultPlan {
  readonly calls: readonly SystemCall[]
  /**
   * A system error; `kill`: dies before the call; `tear`: dies when a write is half done; `shorten`: half is written;
   * `break`: half is written, and what follows finds no room; `pause`: stands still before the call, `pause torn`: when a write is
   * half done, until it is told to go on; both need {@link pausePipes}.
   */
  readonly action: 'kill' | 'tear' | 'shorten' | 'break' | 'pause' | 'pause torn' | SystemErrorName
  /** The first call that is acted on. Default 1. */
  readonly first?: number
  /** How many are from there on. Default: all. */
  readonly count?: number
  /** What the path has to contain besides. Default: anything below the fault's directory. */
  readonly path?: string
}

const ACTIONS: Record<string, number> = {
  kill: 2,
  tear: 3,
  shorten: 4,
  break: 5,
  pause: 6,
  'pause torn': 7,
}
const FIELDS = 8
const KINDS = 16
const PATH_AT = (FIELDS + KINDS) * 4
/** With the NUL that ends it. */
const PATH_BYTES = 480
const SIZE = PATH_AT + PATH_BYTES

/** For the environment of a process that can be made to pause: where it tells of it, a line each, and where it waits for a byte. */
export function pausePipes(told: number, resumed: number): Readonly<Record<string, string>> {
  return { FAULT_PIPES: `${told},${resumed}` }
}

let scratch: string | undefined
let library: string | undefined

/** Why system calls cannot be made to fail here, if they cannot. */
export function faultsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'faults are injected with Linux’s LD_PRELOAD'
  return programMissing('gcc', '--version')
}

function scratchPath(name: string): string {
  scratch ??= temporaryDirectory()
  return join(scratch, name)
}

function compiled(): string {
  if (library !== undefined) return library
  const source = fileURLToPath(new URL('../../../test/faults/fault.c', import.meta.url))
  const target = scratchPath('fault.so')
  const { status, stderr } = spawnSync('gcc', ['-O1', '-shared', '-fPIC', '-o', target, source, '-ldl'])
  if (status !== 0) throw new Error(`fault.c does not compile: ${stderr}`)
  library = target
  return target
}

let last = 0

/** Faults for the processes that are started with its environment; they can set them, too. */
export class Fault {
  readonly #descriptor: number
  readonly #path: string
  /** For the environment of a child process. */
  readonly environment: Readonly<Record<string, string>>

  /**
   * @param path What every path that counts has to contain.
   * @param control That of a process which was started with its environment.
   */
  constructor(path: string, control?: string) {
    this.#path = path
    if (control !== undefined) {
      this.#descriptor = openSync(control, 'r+')
      this.environment = {}
      return
    }
    const made = scratchPath(`control-${++last}`)
    this.#descriptor = openSync(made, 'w+')
    writeSync(this.#descriptor, Buffer.alloc(SIZE), 0, SIZE, 0)
    this.environment = { LD_PRELOAD: compiled(), FAULT_CONTROL: made }
  }

  /** In a process that was started with the environment of one. */
  static ofThisProcess(path: string): Fault {
    const control = process.env.FAULT_CONTROL
    if (control === undefined) throw new Error('this process was started without FAULT_CONTROL')
    return new Fault(path, control)
  }

  /** From now on; counts begin anew. */
  set({ calls, action, first = 1, count = 0, path = this.#path }: FaultPlan): void {
    if (Buffer.byteLength(path) >= PATH_BYTES)
      throw new RangeError(`a fault's path has less than ${PATH_BYTES} bytes`)
    const bytes = Buffer.alloc(SIZE)
    const mask = calls.reduce((sum, call) => sum | CALLS[call], 0)
    const errno = constants.errno[action as SystemErrorName] ?? constants.errno.ENOSPC
    const fields = [0, mask, first, count, ACTIONS[action] ?? 1, errno, 0, 0]
    fields.forEach((field, index) => {
      bytes.writeUInt32LE(field, index * 4)
    })
    bytes.write(path, PATH_AT)
    writeSync(this.#descriptor, bytes, 0, SIZE, 0)
    this.#put(0, 1)
  }

  /** From now on nothing fails. */
  lift(): void {
    this.#put(0, 0)
  }

  /** Calls that counted since it was set. */
  get hits(): number {
    return this.#get(6)
  }

  /** Calls that were acted on. */
  get fired(): number {
    return this.#get(7)
  }

  /** Those of them that are of one kind. */
  seen(call: SystemCall): number {
    return this.#get(FIELDS + Math.log2(CALLS[call]))
  }

  close(): void {
    closeSync(this.#descriptor)
  }

  /** Also when a test fails. */
  [Symbol.dispose](): void {
    this.close()
  }

  #put(field: number, value: number): void {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    writeSync(this.#descriptor, bytes, 0, 4, field * 4)
  }

  #get(field: number): number {
    const bytes = Buffer.alloc(4)
    readSync(this.#descriptor, bytes, 0, 4, field * 4)
    return bytes.readUInt32LE()
  }
}
