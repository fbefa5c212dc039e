import { createHash } from 'node:crypto'
import type { RedisKey } from './key-names.js'
import type { Words } from './replies.js'

/*
 * What has to be looked at and done in one step. Each begins with a look at the key as a string: where it is none, that is a
 * `WRONGTYPE`, and what stands there is left untouched. As all of them say that they write, a replica refuses them even where there
 * is nothing to write; what makes nothing larger is done without memory left.
 */

const WRITES = '#!lua'
const WRITES_ALWAYS = '#!lua flags=allow-oom'

/** A script that the server keeps under its digest. */
export class Script {
  readonly #text: string
  readonly #digest: string

  constructor(text: string) {
    this.#text = text
    this.#digest = createHash('sha1').update(text).digest('hex')
  }

  /** The command that runs it on one key. */
  words(key: RedisKey, ...values: readonly (string | Buffer)[]): Words {
    return ['EVALSHA', this.#digest, '1', key, ...values]
  }

  /** The same for a server that does not know it yet. */
  wordsInFull(words: Words): Words {
    return ['EVAL', this.#text, ...words.slice(2)]
  }

  /** Whether this command runs it. */
  isIn(words: Words): boolean {
    return words[0] === 'EVALSHA' && words[1] === this.#digest
  }
}

/** Removes a session; how many there were. */
export const DELETE = new Script(`${WRITES_ALWAYS}
if redis.call('STRLEN', KEYS[1]) == 0 then return 0 end
return redis.call('UNLINK', KEYS[1])`)

/**
 * Moves a session's end to so many milliseconds from now, and writes the moment into its record; how many sessions there were. What
 * does not begin as a record is none, nor one whose end, as its record has it, has passed by the clock of whoever asks.
 */
export const TOUCH = new Script(`${WRITES}
local begins = redis.call('GETRANGE', KEYS[1], 0, ARGV[3] + 5)
if string.sub(begins, 1, #ARGV[4]) ~= ARGV[4] then return 0 end
local expiry = 0
for at = ARGV[3] + 6, ARGV[3] + 1, -1 do expiry = expiry * 256 + string.byte(begins, at) end
if expiry <= tonumber(ARGV[5]) then return 0 end
redis.call('SETRANGE', KEYS[1], ARGV[3], ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[1])`)

/**
 * Puts another record in the place of the very one that begins so, to live for so many milliseconds, or as long as it would
 * have; 1 where it did. Records have a write id in their header: no two begin alike.
 */
export const SWAP = new Script(`${WRITES}
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
if ARGV[3] == 'KEEPTTL' then redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`)

/** Removes the very record that begins so; 1 where it did. */
export const REMOVE = new Script(`${WRITES_ALWAYS}
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])`)

/**
 * Gives the very value that begins so another key of the same slot, where it lives as long as it would have; 1 where it did. Who may
 * not use that key is answered 0, and the value stays.
 */
export const SET_ASIDE = new Script(`${WRITES_ALWAYS}
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
local renamed = redis.pcall('RENAME', KEYS[1], ARGV[2])
if renamed.err then return 0 end
return 1`)

const ALL = [DELETE, TOUCH, SWAP, REMOVE, SET_ASIDE]

/** The command with the script's text in the place of its digest. */
export function inFull(words: Words): Words {
  return ALL.find((script) => script.isIn(words))?.wordsInFull(words) ?? words
}
