import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { skipUnless } from '../skip.js'

/*
 * The package as users get it: packed, installed into an empty folder and used there.
 */

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const test = suite<{ folder: string; packed: Packed }>('package: packed, installed, used')

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest

function installedVersion(name: string): string {
  const manifest = readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}

function run(folder: string, command: string, ...values: string[]): string {
  const child = spawnSync(command, values, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 240_000,
    shell: process.platform === 'win32',
    env: { ...process.env, npm_config_update_notifier: 'false', NODE_V8_COVERAGE: '' },
  })
  if (child.status === 0) return child.stdout
  throw new Error(
    `${command} ${values.join(' ')}: ${child.status ?? child.signal}\n${child.stdout}\n${child.stderr}`,
  )
}

function runScript(folder: string, name: string, source: string): string {
  writeFileSync(join(folder, name), source)
  return run(folder, process.execPath, name)
}

test.before((context) => {
  const folder = temporaryDirectory()
  // dist is what is being tested: it is packed as it is, not built anew.
  const told = run(ROOT, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', folder)
  const [packed] = JSON.parse(told) as Packed[]
  if (packed === undefined) throw new Error('npm pack told nothing')
  context.folder = folder
  context.packed = packed
  writeFileSync(join(folder, 'package.json'), '{"name":"empty","version":"1.0.0","private":true}')
  const peers = Object.keys(MANIFEST.peerDependencies ?? {}).map(
    (name) => `${name}@${installedVersion(name)}`,
  )
  run(
    folder,
    'npm',
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    `./${packed.filename}`,
    ...peers,
  )
})

const USE = `
  const directory = mkdtempSync(join(tmpdir(), 'coatcheck-package-'))
  const use = async () => {
    for (const storage of [files({ directory }), files({ directory, layout: 'flat', prefix: 'x', fsync: true })]) {
      const engine = new SessionEngine({ storage, codec: json(), threads: 1 })
      await engine.create('a', { version: 1 })
      const error = await engine.create('a', {}).catch((reason) => reason)
      console.log(JSON.stringify(await engine.load('a')), error instanceof CreateError, error.code, await engine.count())
      await engine.close()
    }
    rmSync(directory, { recursive: true })
  }
  use()
`
const PRINTED = '{"version":1} true COATCHECK_EXISTS 1\n'.repeat(2)

test('it works by import', ({ folder }) => {
  const source = `
    import { mkdtempSync, rmSync } from 'node:fs'
    import { tmpdir } from 'node:os'
    import { join } from 'node:path'
    import { CreateError, files, json, SessionEngine } from 'coatcheck'
    ${USE}`
  assert.is(runScript(folder, 'use.mjs', source), PRINTED)
})

test('it works by require', ({ folder }) => {
  const source = `
    const { mkdtempSync, rmSync } = require('node:fs')
    const { tmpdir } = require('node:os')
    const { join } = require('node:path')
    const { CreateError, files, json, SessionEngine } = require('coatcheck')
    ${USE}`
  assert.is(runScript(folder, 'use.cjs', source), PRINTED)
})

test('every subpath resolves, and nothing else does', ({ folder }) => {
  const subpaths = Object.keys(MANIFEST.exports).filter((name) => name !== './package.json')
  const names = subpaths.map((name) => join('coatcheck', name).replaceAll('\\', '/'))
  const source = `
    for (const name of ${JSON.stringify(names)}) {
      const loaded = await import(name)
      if (Object.keys(loaded).length === 0) throw new Error(name + ' exports nothing')
      if ('default' in loaded) throw new Error(name + ' has a default export')
    }
    for (const name of ['coatcheck/dist/src/index.js', 'coatcheck/engine', 'coatcheck/workers/worker.js']) {
      const error = await import(name).catch((reason) => reason)
      if (error.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw new Error(name + ' can be imported')
    }
    console.log('done')`
  assert.is(runScript(folder, 'subpaths.mjs', source), 'done\n')
  const required = `for (const name of ${JSON.stringify(names)}) require(name); require('coatcheck/package.json')`
  assert.is(runScript(folder, 'subpaths.cjs', required), '')
})

test('where the package redis is missing, the error says what to install', ({ folder }) => {
  const source = `
    import { SessionEngine } from 'coatcheck'
    import { redis } from 'coatcheck/redis'
    const engine = new SessionEngine({ storage: redis({ url: 'redis://127.0.0.1:1' }), threads: 1 })
    console.log(await engine.ready().then(() => 'ready', ({ code, message }) => code + ' ' + message))
    await engine.close()`
  const installed = join(folder, 'node_modules', 'redis')
  const away = join(folder, 'redis-away')
  renameSync(installed, away)
  try {
    assert.match(runScript(folder, 'missing.mjs', source), /COATCHECK_\w+ .*npm install redis/)
  } finally {
    renameSync(away, installed)
  }
})

test('its types hold for strict users of either module system', ({ folder }) => {
  const use = `
    import { SessionEngine, UpdateError, files, msgpack, type Codec, type SweepResult } from 'coatcheck'
    interface Basket { items: string[] }
    async function use(): Promise<string[]> {
      const codec: Codec = msgpack()
      const engine = new SessionEngine<Basket>({ storage: files({ directory: 'x', layout: 'flat' }), codec, sweepInterval: false })
      await engine.save('a', { items: ['hat'] }, { maxAge: 60 })
      // @ts-expect-error Not a basket.
      await engine.save('a', { items: 7 })
      // @ts-expect-error No such option.
      new SessionEngine({ directory: 'x', maxage: 7 })
      const swept: SweepResult = await engine.clearExpired()
      const session = await engine.load('a')
      engine.on('corrupt', (notice) => notice.reason.toUpperCase())
      for await (const key of engine.keys()) key.toUpperCase()
      if (swept.expired > 0) throw new UpdateError()
      return session === undefined ? [] : session.items
    }
    void use`
  writeFileSync(join(folder, 'types.mts'), use)
  writeFileSync(join(folder, 'types.cts'), use)
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022', 'esnext.disposable'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['types.mts', 'types.cts'] }),
  )
  run(folder, process.execPath, join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder)
})

for (const [name, target] of Object.entries(MANIFEST.bin ?? {})) {
  const onceBuilt = skipUnless(
    existsSync(join(ROOT, target)),
    `package.json names ${target}, which is not there yet`,
  )
  onceBuilt(test, `the command ${name} starts`, ({ folder }) => {
    assert.match(run(folder, join(folder, 'node_modules', '.bin', name), '--help'), /Usage/)
  })
}

test('it holds what is needed and nothing else', ({ packed }) => {
  const paths = packed.files.map(({ path }) => path)
  for (const needed of [
    'package.json',
    'LICENSE',
    'README.md',
    'dist/workers/worker.js',
    'dist/src/index.d.ts',
  ]) {
    assert.ok(paths.includes(needed), `${needed} is missing`)
  }
  const shared = paths.filter((path) => /^dist\/workers\/shared\/\w+\.js$/.test(path))
  assert.ok(shared.length > 0, 'what worker threads import is not bundled')
  const strangers = paths.filter(
    (path) => !/^(?:dist\/(?:src|workers)\/|docs\/|[A-Za-z]+\.md$|LICENSE$|package\.json$)/.test(path),
  )
  assert.equal(strangers, [])
  assert.equal(
    paths.filter((path) => /\b(?:tests?|bench|examples?)\b|\.ci/.test(path)),
    [],
  )
  for (const target of Object.values(MANIFEST.exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )) {
    assert.ok(paths.includes(target.replace('./', '')), `${target} is exported and missing`)
  }
})

test.run()
