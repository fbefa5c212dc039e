import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Codec, files, json, msgpack, SessionEngine } from 'coatcheck'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

/** An engine that the tests of a suite share, and where its files are. */
export interface EngineSubject {
  readonly name: string
  readonly directory: string
  readonly engine: SessionEngine<object>
}

/** One engine of each kind that Session objects are tested with. */
export function makeSubjects(): EngineSubject[] {
  return [
    subject('files, msgpack', msgpack(), {}),
    subject('journal, msgpack', msgpack(), { durability: 'journal' }),
    subject('flat, json', json(), { layout: 'flat', prefix: 'sessionid' }),
  ]
}

function subject(
  name: string,
  codec: Codec,
  options: Omit<Parameters<typeof files>[0], 'directory'>,
): EngineSubject {
  const directory = temporaryDirectory('memory')
  const storage = files({ ...options, directory })
  return { name, directory, engine: new SessionEngine({ storage, codec, threads: 1, sweepInterval: false }) }
}

/** The file of a session, journal or not, written out first. */
export async function fileOf({ engine, directory }: EngineSubject, key: string): Promise<string> {
  await engine.flush({ files: true })
  const found = sessionFiles(directory).filter((name) => name.endsWith(key))
  const [name] = found
  if (name === undefined || found.length > 1) throw new Error(`${found.length} files of one session`)
  return join(directory, name)
}

/** All session files. */
export function sessionFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
}
