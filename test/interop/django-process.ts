import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../../test/interop/django-program.py', import.meta.url))

/** What Django refused. */
export class DjangoError extends Error {
  /** The exception's class. */
  readonly kind: string

  constructor(kind: string, message: string) {
    super(`${kind}: ${message}`)
    this.kind = kind
  }
}

interface Answer {
  readonly result?: unknown
  readonly error?: string
  readonly message?: string
}

/** The Python that knows Django: `DJANGO_PYTHON`, or whichever is found. */
const PYTHON = [process.env.DJANGO_PYTHON, 'python3', '/usr/bin/python3'].find(
  (python) => python !== undefined && spawnSync(python, ['-c', 'import django']).status === 0,
)

/** Why there is nothing to compare with; `undefined` where there is. */
export const missingDjango = PYTHON === undefined ? 'no python3 here can import django' : undefined

/** Django's file sessions in a Python process, which is ended with this one, whatever happens. */
export class DjangoProcess {
  readonly version: readonly number[]
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>

  private constructor(
    child: ChildProcessWithoutNullStreams,
    lines: AsyncIterator<string>,
    version: readonly number[],
  ) {
    this.#child = child
    this.#lines = lines
    this.version = version
  }

  static async start(): Promise<DjangoProcess> {
    const child = spawn(PYTHON ?? 'python3', [PROGRAM])
    process.once('exit', () => child.kill('SIGKILL'))
    child.stderr.pipe(process.stderr)
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { version } = JSON.parse(await nextOf(lines)) as { readonly version: readonly number[] }
    return new DjangoProcess(child, lines, version)
  }

  /** Whether it is at least this one. */
  isAtLeast(major: number, minor: number): boolean {
    const [own = 0, ownMinor = 0] = this.version
    return own > major || (own === major && ownMinor >= minor)
  }

  /**
   * Has one command done. One at a time.
   * @throws {DjangoError}
   */
  async ask<Result = unknown>(command: string, values: object = {}): Promise<Result> {
    this.#write(JSON.stringify({ command, values }))
    return this.#answer<Result>()
  }

  /** Begins a command that is held up on its way; resolves there. The function lets it go on, to its end. */
  async askUntilHeldUp(command: string, values: object): Promise<() => Promise<void>> {
    this.#write(JSON.stringify({ command, values }))
    const line = await nextOf(this.#lines)
    if (line !== '"held up"') throw new Error(`not held up: ${line}`)
    return async () => {
      this.#write('')
      await this.#answer()
    }
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve))
    this.#child.stdin.end()
    await ended
  }

  #write(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  async #answer<Result>(): Promise<Result> {
    const { result, error, message } = JSON.parse(await nextOf(this.#lines)) as Answer
    if (error !== undefined) throw new DjangoError(error, message ?? '')
    return result as Result
  }
}

async function nextOf(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next()
  if (done === true) throw new Error('the Python process has ended')
  return value
}
