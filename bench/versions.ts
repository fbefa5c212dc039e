import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { findDjango } from './django/python.js'

const PACKAGES = [
  'autocannon',
  'benchmark',
  'better-sqlite3',
  'connect-redis',
  'express',
  'express-session',
  'fastify',
  '@fastify/session',
  'keyv-file',
  'lmdb',
  'msgpackr',
  'piscina',
  'redis',
  'session-file-store',
  'write-file-atomic',
]

const require = createRequire(import.meta.url)

/** Versions of everything that was measured, or measured with, by name. */
export function findVersions(): Record<string, string> {
  const versions: Record<string, string> = { node: process.versions.node, v8: process.versions.v8 }
  for (const name of PACKAGES) {
    const version = packageVersion(name)
    if (version !== undefined) versions[name] = version
  }
  const redis = /v=(\S+)/.exec(
    spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout ?? '',
  )?.[1]
  if (redis !== undefined) versions['redis-server'] = redis
  const django = findDjango()
  if (django !== undefined) versions.Django = django.version
  return versions
}

/** Found from its entry: many a package does not let its description be asked for. */
function packageVersion(name: string): string | undefined {
  try {
    for (let folder = dirname(require.resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
      const found = describedIn(folder)
      if (found?.name === name) return found.version
    }
  } catch {
    // It is not installed.
  }
  return undefined
}

function describedIn(folder: string): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      name?: string
      version?: string
    }
  } catch {
    return undefined
  }
}
