import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  CONNECTION_LIST_BYTES,
  ConnectionList,
  type ListedConnection,
} from '#dist/workers/protocol/connection-list.js'

const lost = suite('the list of connections')

/** As many as there is room for. */
const ROOM = 1024
/** In front of its bytes there are others. */
const OFFSET = 8

function memory(): SharedArrayBuffer {
  return new SharedArrayBuffer(OFFSET + CONNECTION_LIST_BYTES)
}

const OWNER = { pool: 1, thread: 1 }

/** Opens one, and loses it. */
function lose(connections: ConnectionList, text: string): ListedConnection {
  const connection = connections.add(text, OWNER)
  connections.lose(connection, OWNER)
  return connection
}

function textsOf(connections: ConnectionList, start = ''): string[] {
  return connections
    .lostBeginningWith(start)
    .map(({ text }) => text)
    .sort()
}

lost('those of a server are found by what they begin with, until they are removed', () => {
  const connections = new ConnectionList(memory(), OFFSET)
  assert.equal(textsOf(connections), [])
  for (const text of ['one 1', 'one 2', 'other 1']) lose(connections, text)
  assert.equal(textsOf(connections, 'one '), ['one 1', 'one 2'])
  assert.equal(textsOf(connections, 'other '), ['other 1'])
  assert.equal(textsOf(connections, 'nobody '), [])
  for (const connection of connections.lostBeginningWith('one ')) connections.remove(connection)
  assert.equal(textsOf(connections), ['other 1'])
})

lost('all who share the memory see each other’s, and remove them', () => {
  const shared = memory()
  const [one, other] = [new ConnectionList(shared, OFFSET), new ConnectionList(shared, OFFSET)]
  lose(one, 'one 1')
  lose(other, 'other 1')
  for (const connections of [one, other]) assert.equal(textsOf(connections), ['one 1', 'other 1'])
  for (const connection of other.lostBeginningWith('one ')) other.remove(connection)
  for (const connections of [one, other]) assert.equal(textsOf(connections), ['other 1'])
  // What lies in front of them is somebody else's.
  assert.equal([...new Uint8Array(shared, 0, OFFSET)], new Array(OFFSET).fill(0))
})

lost('whoever has removed one does not remove what stands in its row since then', () => {
  const connections = new ConnectionList(memory(), OFFSET)
  for (let index = 0; index < ROOM; index++) lose(connections, `first ${index}`)
  const [old] = connections.lostBeginningWith('first 5')
  assert.ok(old)
  connections.remove(old)
  // Its row is the only one that is free.
  lose(connections, 'second')
  assert.is(connections.lostBeginningWith('second')[0]?.row, old.row)
  connections.remove(old)
  assert.equal(textsOf(connections, 'second'), ['second'])
})

lost('where there are more than there is room for, the oldest are forgotten', () => {
  const connections = new ConnectionList(memory(), OFFSET)
  const texts = Array.from({ length: ROOM + 3 }, (_, index) => `${index}`)
  for (const text of texts) lose(connections, text)
  assert.equal(textsOf(connections), texts.slice(3).sort())
})

lost('the count grows with each that is added, for everybody, and with nothing else', () => {
  const shared = memory()
  const [one, other] = [new ConnectionList(shared, OFFSET), new ConnectionList(shared, OFFSET)]
  const counts = [other.losses]
  for (const text of ['a', 'b', 'c']) {
    lose(one, text)
    counts.push(other.losses)
  }
  assert.equal(
    counts,
    counts.toSorted((count, next) => count - next),
  )
  assert.is(new Set(counts).size, counts.length)
  const [first] = other.lostBeginningWith('a')
  assert.ok(first)
  other.remove(first)
  assert.equal([one.losses, other.losses], [counts.at(-1), counts.at(-1)])
})

lost('a text that is too long for its row is cut off, and those beside it stay whole', () => {
  const connections = new ConnectionList(memory(), OFFSET)
  const texts = Array.from({ length: ROOM }, (_, index) => `short ${index}`)
  for (const text of texts) lose(connections, text)
  const [first] = connections.lostBeginningWith('short 5')
  assert.ok(first)
  connections.remove(first)
  const long = 'long'.repeat(100)
  lose(connections, long)
  const [found] = connections.lostBeginningWith('long')
  assert.ok(found && long.startsWith(found.text))
  assert.equal(textsOf(connections, 'short '), texts.filter((text) => text !== first.text).sort())
})

lost('an open one is none of the lost, and one that was closed is none either', () => {
  const connections = new ConnectionList(memory(), OFFSET)
  const [open, closed] = [connections.add('open', OWNER), connections.add('closed', OWNER)]
  connections.remove(closed)
  assert.equal(textsOf(connections), [])
  assert.is(connections.losses, 0)
  // Also where it was taken for closed already.
  connections.lose(closed, OWNER)
  assert.equal(textsOf(connections), ['closed'])
  connections.lose(open, OWNER)
  assert.equal(textsOf(connections), ['closed', 'open'])
})

lost('those of threads that are no more are lost, of their own pool, and once', () => {
  const connections = new ConnectionList(memory(), OFFSET)
  connections.add('dead', { pool: 1, thread: 2 })
  connections.add('living', { pool: 1, thread: 3 })
  connections.add('of another pool', { pool: 2, thread: 2 })
  connections.loseOthers(1, new Set([3]))
  assert.equal(textsOf(connections), ['dead'])
  const { losses } = connections
  connections.loseOthers(1, new Set([3]))
  assert.is(connections.losses, losses)
})

lost.run()
