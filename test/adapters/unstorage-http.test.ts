import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CoatcheckDriver, coatcheckDriver } from 'coatcheck/unstorage'
import { createStorage, type Storage } from 'unstorage'
import httpDriver from 'unstorage/drivers/http'
import { createStorageServer } from 'unstorage/server'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'

const OVERLAPPING = 64

interface Context {
  driver: CoatcheckDriver
  server: Server
  url: string
  /** unstorage's own client of its own server. */
  client: Storage
}

const test = suite<Context>("unstorage driver: behind unstorage's server")

test.before.each(async (context) => {
  context.driver = coatcheckDriver({ directory: temporaryDirectory('memory'), threads: 1 })
  const { handle } = createStorageServer(createStorage({ driver: context.driver }))
  context.server = createServer(handle).listen(0, '127.0.0.1')
  await once(context.server, 'listening')
  context.url = `http://127.0.0.1:${(context.server.address() as AddressInfo).port}`
  context.client = createStorage({ driver: httpDriver({ base: context.url }) })
})

test.after.each(async ({ driver, server }) => {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
  await driver.dispose()
})

/** h3 prints what it answers with 500. */
async function quietly(body: () => Promise<void>): Promise<void> {
  const { error } = console
  console.error = () => undefined
  try {
    await body()
  } finally {
    console.error = error
  }
}

test('items go there and back', async ({ client }) => {
  await client.setItem('user:1', { name: 'Ada' }, { ttl: 100 })
  assert.equal(await client.getItem('user:1'), { name: 'Ada' })
  assert.is(await client.hasItem('user:1'), true)
  const { ttl } = await client.getMeta('user:1')
  assert.ok(ttl !== undefined && ttl > 40 && ttl <= 100, `${ttl}`)
  await client.setItemRaw('user:2', new Uint8Array([0, 255, 7]))
  const raw = await client.getItemRaw<ArrayBuffer>('user:2')
  assert.equal(Array.from(new Uint8Array(raw ?? new ArrayBuffer(0))), [0, 255, 7])
  assert.equal((await client.getKeys('user')).sort(), ['user:1', 'user:2'])
  await client.removeItem('user:1')
  assert.is(await client.getItem('user:1'), null)
  await client.clear()
  assert.equal(await client.getKeys(), [])
})

test('overlapping requests on one item: one of them wins whole, and the last to come is a removal', async ({
  client,
  driver,
}) => {
  const value = (number: number) => ({ number, padding: 'x'.repeat(100 + number) })
  await Promise.all(
    Array.from({ length: OVERLAPPING }, (_, number) => client.setItem('shared', value(number))),
  )
  const stored = await client.getItem<ReturnType<typeof value>>('shared')
  assert.equal(stored, value(stored?.number ?? -1))
  await client.removeItem('shared')
  assert.is(await driver.hasItem('shared', {}), false)
})

test('overlapping requests on many items keep them apart', async ({ client }) => {
  const numbers = Array.from({ length: OVERLAPPING }, (_, number) => number)
  await Promise.all(numbers.map((number) => client.setItem(`item:${number}`, { number })))
  const read = await Promise.all(numbers.map((number) => client.getItem(`item:${number}`)))
  assert.equal(
    read,
    numbers.map((number) => ({ number })),
  )
})

test('keys that nobody could have stored are no way out of the directory', async ({ url, driver }) => {
  await quietly(async () => {
    for (const path of ['/..%2f..%2fetc%2fpasswd', `/${'x'.repeat(257)}`, '/%00', '/a::b']) {
      const response = await fetch(url + path)
      assert.not(response.ok, path)
      await response.body?.cancel()
    }
  })
  assert.equal(await driver.getKeys('', {}), [])
})

test('an engine that is closed is an answer of 500, not an empty storage', async ({
  url,
  driver,
  client,
}) => {
  await client.setItem('a', 'stored')
  await driver.dispose()
  await quietly(async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const response = await fetch(`${url}/a`, { method, ...(method === 'PUT' ? { body: 'new' } : {}) })
      assert.is(response.status, 500, method)
      await response.body?.cancel()
    }
  })
})

test.run()
