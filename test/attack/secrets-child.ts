import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { files, json, SessionEngine, type SessionEngineOptions, type StorageDescription } from 'coatcheck'
import { django } from 'coatcheck/django'
import { CoatcheckStore } from 'coatcheck/express'
import { Session, sessionOf, sessions } from 'coatcheck/session'
import { djangoSource } from '#dist/src/import/django/index.js'
import { moveIn } from '#dist/src/import/move-in.js'
import { sessionFileStoreSource } from '#dist/src/import/session-file-store/index.js'
import { FULL } from '../budget.js'
import type { FaultPlan } from '../faults/fault.js'
import { faultyFiles } from '../fixtures/faulty-files.js'
import type { Fault } from '../fixtures/faulty-worker.js'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { ENCRYPTED, SECRETS, WHOLE } from './secrets.js'

/*
 * Has an engine fail in every way that it can, and prints all that an application might: errors whole, with causes and
 * stacks, events, statistics, and engines. `crash` ends by an error that nobody has caught.
 */

const { key, payload, signing } = SECRETS
const SESSION = { note: payload }

const codes = new Set<string>()

function show(what: string, value: unknown): void {
  const whole = inspect(value, WHOLE)
  console.log(what, whole, String(value))
  for (let error: unknown = value; error instanceof Error; error = error.cause) {
    console.log(
      error.message,
      error.stack,
      JSON.stringify(error),
      JSON.stringify(Object.getOwnPropertyDescriptors(error)),
    )
    if ('code' in error) codes.add(String(error.code))
    if ('errno' in error) codes.add(String(error.errno))
  }
}

async function failing(what: string, task: () => unknown): Promise<void> {
  try {
    show(what, await task())
  } catch (error) {
    show(what, error)
  }
}

function engineWith(options: SessionEngineOptions): SessionEngine {
  const engine = new SessionEngine({ threads: 1, sweepInterval: false, ...options })
  for (const event of ['error', 'corrupt', 'overloaded', 'recovered', 'recovery'] as const) {
    engine.on(event, (value: unknown) => show(event, value))
  }
  return engine
}

async function everyCall(engine: SessionEngine): Promise<void> {
  await Promise.all([
    failing('create', () => engine.create(key, SESSION)),
    failing('update', () => engine.update(key, SESSION)),
    failing('save', () => engine.save(key, SESSION)),
    failing('touch', () => engine.touch(key)),
    failing('exists', () => engine.exists(key)),
    failing('delete', () => engine.delete(key)),
    failing('sweep', () => engine.clearExpired()),
    failing('count', () => engine.count()),
    failing('flush', () => engine.flush({ files: true })),
  ])
}

async function everyRefusal(): Promise<void> {
  const directory = temporaryDirectory()
  const engine = engineWith({
    storage: files({ directory, layout: 'flat', hashNames: true, maxRecordBytes: 200 }),
  })
  await engine.create(key, SESSION)
  await failing('exists already', () => engine.create(key, SESSION))
  await failing('missing', () => engine.update(`${key}-missing`, SESSION))
  await failing('conflict', () => engine.replace(key, SESSION, 'A'.repeat(22)))
  await failing('no version', () => engine.replace(key, SESSION, payload))
  await failing('too long', () => engine.save(key.repeat(20), SESSION))
  await failing('no text', () => engine.save([key] as never, SESSION))
  await failing('function', () => engine.save(key, { ...SESSION, handler: () => payload }))
  await failing('symbol', () => engine.save(key, { list: [payload, Symbol(payload)] }))
  const circular: Record<string, unknown> = { ...SESSION }
  circular.self = circular
  await failing('circular', () => engine.save(key, circular))
  await failing('too large', () => engine.save(key, { note: payload.repeat(100) }))
  await failing('no session', () => engine.save(key, payload as never))
  await failing('names', () => engine.keys().next())
  show('engine', engine)
  show('statistics', engine.stats())
  await engine.close()
  await failing('closed', () => engine.save(key, SESSION))
  const text = engineWith({ directory: temporaryDirectory(), codec: json() })
  await failing('BigInt', () => text.save(key, { note: payload, list: [1n] }))
  await failing('circular', () => text.save(key, circular))
  await text.close()
  const small = engineWith({ directory: temporaryDirectory(), maxPending: { operations: 1, bytes: 1000 } })
  const all = [small.save(key, SESSION), small.save(`${key}2`, SESSION)]
  await failing('overloaded', () => Promise.all(all))
  await Promise.allSettled(all)
  await small.close()
}

class OwnCodec {
  readonly secretKey = signing
}

async function everyWrongOption(): Promise<void> {
  const directory = temporaryDirectory()
  const secret = signing as never
  await failing('django', () => django({ secretkey: secret } as never))
  await failing('django', () => django({ secretKey: [secret] as never }))
  await failing('django', () => django({ secretKey: signing, fallbackKeys: { secret } as never }))
  await failing('codec', () => new SessionEngine({ directory, codec: { secretKey: signing } as never }))
  await failing('codec', () => new SessionEngine({ directory, secret } as never))
  await failing('django', () => django(secret))
  const bytes = new TextEncoder().encode(signing)
  for (const object of [
    new OwnCodec(),
    new Map([[signing, signing]]),
    Object.assign(Object.create(null), { signing }),
    bytes.buffer,
    Object.assign(() => signing, { signing }),
  ]) {
    await failing('codec', () => new SessionEngine({ directory, codec: object as never }))
    await failing('codec', () => new SessionEngine({ directory: [object] as never }))
    await failing('codec', () => new SessionEngine({ directory, secret: object } as never))
  }
  const seal = { keys: [Buffer.from(signing)] }
  await failing('seal', () => new SessionEngine({ directory, sealed: seal, codec: seal.keys[0] } as never))
  const engine = engineWith({ directory })
  await failing('sessions', () => sessions({ engine, secrets: secret } as never))
  await failing('sessions', () => sessions({ engine, secret: [signing, ''] }))
  await failing('store', () => new CoatcheckStore({ engine, seal: secret } as never))
  show('codec', django({ secretKey: signing }).encode)
  await engine.close()
}

/** A directory that another engine owns. */
async function everyOwner(): Promise<void> {
  const storage = (): StorageDescription =>
    files({ directory, layout: 'flat', durability: 'journal', fsync: true })
  const directory = temporaryDirectory()
  const owner = engineWith({ storage: storage() })
  await owner.save(key, SESSION)
  const other = engineWith({ storage: storage() })
  await failing('owned', () => other.ready())
  await failing('owned', () => other.create(key, SESSION))
  await failing('owned', () => engineWith({ storage: files({ directory }) }).load(key))
  await failing('close', () => other.close())
  show('owner', owner)
  await owner.close()
}

/** Journals that are sealed otherwise than the engine that finds them was told, and sessions in files, too. */
async function everyWrongSeal(): Promise<void> {
  const seals = [{}, { seal: { keys: [signing] } }, { seal: { keys: [payload] } }]
  for (const sealed of seals) {
    const directory = temporaryDirectory()
    const storage = files({ directory, layout: 'flat', durability: 'journal' })
    const before = engineWith({ storage, ...sealed })
    await before.save(`${key}1`, SESSION)
    await before.flush({ files: true })
    await before.save(key, SESSION)
    // As a process leaves one that is killed.
    const left = seals.map(() => temporaryDirectory())
    const filter = (path: string): boolean => !path.endsWith('.sock')
    for (const copy of left) cpSync(`${directory}/.journal`, `${copy}/.journal`, { recursive: true, filter })
    show('sealed', before)
    await before.close()
    for (const [index, seal] of seals.entries()) {
      if (seal === sealed) continue
      const options = { layout: 'flat', durability: 'journal', directory: left[index] ?? '' } as const
      const engine = engineWith({ storage: files(options), ...seal })
      await failing('not sealed so', () => engine.ready())
      await failing('not sealed so', () => engine.load(key))
      await failing('close', () => engine.close())
      const direct = engineWith({ storage, ...seal })
      await failing('not sealed so', () => direct.load(`${key}1`))
      await everyCall(direct)
      show('engine', direct)
      await direct.close()
    }
  }
}

/** Sources whose secret does not fit. */
async function everyWrongSecret(): Promise<void> {
  const path = temporaryDirectory()
  writeFileSync(`${path}/${key}.json`, ENCRYPTED)
  writeFileSync(`${path}/sessionid${key}`, `${payload}:1tKOAb:${payload}`)
  const engine = engineWith({ directory: temporaryDirectory() })
  const sources = [
    sessionFileStoreSource({ path, secret: signing, crypto: { use_scrypt: false } }),
    sessionFileStoreSource({ path }),
    djangoSource({ path, secretKey: signing }),
  ]
  for (const source of sources) {
    show('source', source)
    await failing('secret', () => moveIn({ source, engine }))
  }
  const secret = { secret: signing } as never
  await failing('option', () => sessionFileStoreSource({ path, secret }))
  await failing('option', () => sessionFileStoreSource({ path, secret: signing, crypto: secret }))
  await failing('option', () => djangoSource({ path, secretKey: secret }))
  await failing('option', () => djangoSource({ path, secretKey: signing, fallbackKeys: [secret] }))
  await engine.close()
}

/** What the middleware hands on when its engine fails, and what it looks like itself. */
async function everyRequest(): Promise<void> {
  const directory = temporaryDirectory()
  const engine = engineWith({ storage: files({ directory, layout: 'flat' }) })
  const middleware = sessions({ engine, secret: [signing, `${signing}2`] })
  show('middleware', middleware)
  const codec = django({ secretKey: signing, fallbackKeys: [`${signing}2`] })
  show('codec', codec)
  show('codec', JSON.stringify(codec))
  const cookies: string[] = []
  const server = createServer((request, response) => {
    const handled = middleware(request, response, (error?: unknown) => {
      if (error !== undefined) show('next', error)
      const session = sessionOf(request)
      session.set('note', payload)
      if (request.url === '/unencodable') session.set('handler', () => payload)
      show('session', Object.keys(session))
      response.end()
    })
    void Promise.resolve(handled).catch((error: unknown) => show('rejected', error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const visit = async (path: string, cookie: string): Promise<void> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } })
    show('answer', `${answer.status} ${await answer.text()}`)
    cookies.push(...answer.headers.getSetCookie())
  }
  await visit('/', `sessionid=${key}.forged`)
  await visit('/unencodable', '')
  const [own = ''] = (cookies[0] ?? '').split(';')
  await engine.delete(decodeURIComponent(own.slice('sessionid='.length)).split('.')[0] ?? '')
  await engine.close()
  await visit('/', own)
  server.close()
}

/** Files that are no sessions, by whose names the key can be told. */
async function everyDamage(): Promise<void> {
  for (const durability of ['direct', 'journal'] as const) {
    const directory = temporaryDirectory()
    const engine = engineWith({ storage: files({ directory, layout: 'flat', durability }) })
    const place = `${directory}/${key}`
    const puts = [
      () => writeFileSync(place, `${payload}${payload}`),
      () => symlinkSync(`/${payload}`, place),
      () => mkdirSync(`${place}/${key}`, { recursive: true }),
    ]
    await engine.ready()
    for (const put of puts) {
      await engine.delete(key)
      await engine.flush({ files: true })
      rmSync(place, { recursive: true, force: true })
      put()
      await failing('damaged', () => engine.load(key))
      await everyCall(engine)
    }
    await engine.close()
  }
  const directory = temporaryDirectory()
  const codec = django({ secretKey: signing })
  const engine = engineWith({ storage: files({ directory, layout: 'flat', prefix: 'sessionid' }), codec })
  writeFileSync(`${directory}/sessionid${key}`, payload)
  await failing('not signed', () => engine.load(key))
  await failing('not signed', () => engine.create(key, SESSION))
  await failing('no key of Django', () => engine.load(`${key}-`))
  show('engine', engine)
  await engine.close()
}

const WRITING = ['write', 'fsync', 'fdatasync', 'rename', 'create', 'link'] as const

/** The first call that fails tells its path: that of a temporary file, which names nobody, or that of a session. */
const FAILURES: readonly Pick<FaultPlan, 'action' | 'calls'>[] = [
  { action: 'EIO', calls: WRITING },
  { action: 'EIO', calls: ['rename', 'link', 'unlink', 'rmdir'] },
  { action: 'ENOSPC', calls: WRITING },
  { action: 'EMFILE', calls: ['open'] },
  { action: 'EROFS', calls: ['rename', 'link', 'stat'] },
  { action: 'EFBIG', calls: ['times', 'mkdir'] },
  { action: 'break', calls: ['write'] },
]

/** What the parent makes of system calls in a directory, until the next message. */
async function withFault(plan: Omit<FaultPlan, 'path'> | undefined, directory: string): Promise<void> {
  const answered = new Promise((resolve) => process.once('message', resolve))
  process.send?.({ plan, directory })
  await answered
}

async function everyFault(): Promise<void> {
  for (const durability of FULL ? (['direct', 'journal'] as const) : (['direct'] as const)) {
    for (const plan of FAILURES) {
      const directory = `${temporaryDirectory()}/s`
      const engine = engineWith({
        storage: files({ directory, layout: 'flat', durability, fsync: plan.action === 'EIO' }),
      })
      await engine.save(`${key}0`, SESSION)
      await engine.flush({ files: true })
      await withFault(plan, directory)
      await everyCall(engine)
      await withFault(undefined, directory)
      await failing('close', () => engine.close())
    }
  }
  // Root passes all modes.
  const directory = `${temporaryDirectory()}/s`
  mkdirSync(directory)
  chmodSync(directory, 0o777)
  const engine = engineWith({ directory })
  await everyCall(engine)
  await engine.close()
}

async function everyDeath(): Promise<void> {
  const hows: Fault['how'][] = ['exit', 'throw', 'throw later']
  if (FULL) hows.push('memory')
  for (const how of hows) {
    const { storage } = faultyFiles({ key: '*', when: 'after', how, times: 100 })
    const engine = engineWith({ storage })
    await failing(how, () => engine.save(key, SESSION))
    show('statistics', engine.stats())
    await failing('close', () => engine.close())
  }
  const { storage } = faultyFiles({ key: '*', when: 'after', how: 'loop', times: 1 })
  const engine = engineWith({ storage })
  const saving = failing('lost', () => engine.save(key, SESSION))
  await failing('close', () => engine.close({ timeout: 100 }))
  await saving
}

async function crash(): Promise<void> {
  const directory = temporaryDirectory()
  const engine = engineWith({ directory })
  const session = new Session({ engine })
  session.set('note', payload)
  await session.save()
  const [shard = ''] = readdirSync(directory)
  show('session', Object.keys(session))
  writeFileSync(`${directory}/${shard}/${key}`, payload)
  await engine.create('another', SESSION)
  await engine.create('another', SESSION)
}

if (process.argv[2] === 'crash') await crash()
else {
  await everyRefusal()
  await everyWrongOption()
  await everyOwner()
  await everyWrongSeal()
  await everyWrongSecret()
  await everyRequest()
  await everyDamage()
  await everyDeath()
  if (process.argv[2] === 'faults') await everyFault()
  console.log(`codes: ${[...codes].sort().join(' ')}`)
  process.disconnect?.()
}
