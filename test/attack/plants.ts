import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { composeRecord } from '#dist/workers/record/record.js'

/** What another program's file says. */
export const TEXT = 'root:x:0:0:root:/root:/bin/bash\n'

function textBeside(path: string): string {
  return `${path}-text`
}

/** A file outside of the session directory that nobody is to read or to write. */
export class Outside {
  readonly path: string
  readonly #bytes: Buffer
  readonly #time: number

  /** Holds a sound record, of a key of this length, that would be good for an hour. */
  constructor(path: string, keyLength: number, codec: number, payload: Buffer) {
    this.path = path
    this.#bytes = composeRecord(undefined, payload, {
      keyLength,
      payloadLength: payload.length,
      expiry: Date.now() + 3_600_000,
      writeId: [1, 1],
      codec,
      keyIncluded: false,
      writtenByUpdate: false,
    })
    writeFileSync(path, this.#bytes)
    const soon = Math.floor(Date.now() / 1000) + 3600
    utimesSync(path, soon, soon)
    this.#time = lstatSync(path).mtimeMs
  }

  /** Neither it has changed, nor the text that may lie beside it. */
  get isUntouched(): boolean {
    const text = textBeside(this.path)
    if (existsSync(text) && readFileSync(text, 'utf8') !== TEXT) return false
    return readFileSync(this.path).equals(this.#bytes) && lstatSync(this.path).mtimeMs === this.#time
  }
}

/** Puts something into a session's place. */
export interface Plant {
  readonly title: string
  readonly put: (place: string, outside: string) => void | Promise<void>
}

/** Everything but a session. */
export const PLANTS: readonly Plant[] = [
  { title: 'a link to a session elsewhere', put: (place, outside) => symlinkSync(outside, place) },
  { title: 'a link that leads nowhere', put: (place, outside) => symlinkSync(`${outside}-missing`, place) },
  { title: 'a link to a directory', put: (place, outside) => symlinkSync(dirname(outside), place) },
  { title: 'a link to itself', put: (place) => symlinkSync(place, place) },
  { title: 'a FIFO', put: (place) => void execFileSync('mkfifo', [place]) },
  { title: 'a socket', put: listen },
  {
    title: 'a directory',
    put: (place) => {
      mkdirSync(place)
      writeFileSync(`${place}/file`, 'x')
    },
  },
  {
    title: 'another name of a file that is no session',
    put: (place, outside) => {
      writeFileSync(textBeside(outside), TEXT)
      // Whether a session has expired is told by its file's time alone: of this very moment, it might not have.
      utimesSync(textBeside(outside), 1, 1)
      linkSync(textBeside(outside), place)
    },
  },
]

/** What only root can make. */
export const DEVICE: Plant = {
  title: 'a device',
  put: (place) => void execFileSync('mknod', [place, 'c', '1', '5']),
}

async function listen(place: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(place, resolve))
  server.unref()
}
