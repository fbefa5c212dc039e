import { readdirSync } from 'node:fs'
import { type FilesOptions, files, SessionEngine } from 'coatcheck'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import type { RemoteFailure, Settled } from '../races/engine-messages.js'
import { EngineProcess, RemoteError } from '../races/engine-process.js'
import { Fault } from './fault.js'

/** An engine with a journal in a process of its own, whose system calls can be made to fail. */
export class FaultyEngine {
  readonly directory: string
  readonly fault: Fault
  readonly remote: EngineProcess

  private constructor(directory: string) {
    this.directory = directory
    this.fault = new Fault(directory)
    this.remote = new EngineProcess({ environment: this.fault.environment })
  }

  /** Opens one for the body, and kills it afterwards. Checkpoints come when they are asked for, unless told otherwise. */
  static async with(
    options: Omit<FilesOptions, 'directory'> & { readonly directory?: string },
    body: (engine: FaultyEngine) => Promise<void>,
  ): Promise<void> {
    const engine = new FaultyEngine(options.directory ?? temporaryDirectory())
    const { directory } = engine
    try {
      const usual = { checkpointInterval: 600, durability: 'journal', threads: 1 } as const
      await engine.remote.open({ ...usual, ...options, directory })
      await body(engine)
    } finally {
      await engine.remote.kill()
      engine.fault.close()
    }
  }

  /** What became of a save: `undefined`, or how it failed. */
  async save(key: string, version: number, text = ''): Promise<RemoteFailure | undefined> {
    return failureOf((await this.remote.run([{ method: 'save', key, session: { version, text } }]))[0])
  }

  /** The version that is stored. */
  async load(key: string): Promise<number | undefined> {
    const [settled] = await this.remote.run([{ method: 'load', key }])
    return settled !== undefined && 'value' in settled ? versionIn(settled.value) : Number.NaN
  }

  /** How bringing everything to files failed, if it did. */
  async flush(): Promise<RemoteFailure | undefined> {
    try {
      await this.remote.flush()
      return undefined
    } catch (error) {
      if (error instanceof RemoteError) return error.failure
      throw error
    }
  }

  /** The journal's files. */
  get segments(): string[] {
    return readdirSync(`${this.directory}/.journal`).filter((name) => name.includes('.log'))
  }

  /** Files of segments that are kept to be written over. */
  get spares(): string[] {
    return readdirSync(`${this.directory}/.journal`).filter((name) => name.startsWith('spare-'))
  }

  /** Kills it; the versions that the next engine finds, which has no journal of its own. */
  async versionsAfterKill(keys: readonly string[]): Promise<(number | undefined)[]> {
    await this.remote.kill()
    const engine = new SessionEngine({
      storage: files({ directory: this.directory }),
      threads: 1,
      sweepInterval: false,
    })
    const damage: unknown[] = []
    engine.on('corrupt', (notice) => damage.push(notice))
    const versions = await Promise.all(keys.map(async (key) => versionIn(await engine.load(key))))
    await engine.close()
    if (damage.length > 0) throw new Error(`damage was told of: ${JSON.stringify(damage)}`)
    return versions
  }
}

/** How a call failed, if it did. */
export function failureOf(settled: Settled | undefined): RemoteFailure | undefined {
  return settled !== undefined && 'failure' in settled ? settled.failure : undefined
}

function versionIn(session: unknown): number | undefined {
  return (session as { readonly version: number } | undefined)?.version
}
