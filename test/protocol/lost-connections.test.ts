import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LOST_CONNECTIONS_BYTES, LostConnections } from '#dist/workers/protocol/lost-connections.js'

const lost = suite('lost connections')

/** As many as there is room for. */
const ROOM = 128
/** In front of its bytes there are others. */
const OFFSET = 8

function memory(): SharedArrayBuffer {
  return new SharedArrayBuffer(OFFSET + LOST_CONNECTIONS_BYTES)
}

function textsOf(connections: LostConnections, start = ''): string[] {
  return connections
    .beginningWith(start)
    .map(({ text }) => text)
    .sort()
}

lost('those of a server are found by what they begin with, until they are removed', () => {
  const connections = new LostConnections(memory(), OFFSET)
  assert.equal(textsOf(connections), [])
  for (const text of ['one 1', 'one 2', 'other 1']) connections.add(text)
  assert.equal(textsOf(connections, 'one '), ['one 1', 'one 2'])
  assert.equal(textsOf(connections, 'other '), ['other 1'])
  assert.equal(textsOf(connections, 'nobody '), [])
  for (const connection of connections.beginningWith('one ')) connections.remove(connection)
  assert.equal(textsOf(connections), ['other 1'])
})

lost('all who share the memory see each other’s, and remove them', () => {
  const shared = memory()
  const [one, other] = [new LostConnections(shared, OFFSET), new LostConnections(shared, OFFSET)]
  one.add('one 1')
  other.add('other 1')
  for (const connections of [one, other]) assert.equal(textsOf(connections), ['one 1', 'other 1'])
  for (const connection of other.beginningWith('one ')) other.remove(connection)
  for (const connections of [one, other]) assert.equal(textsOf(connections), ['other 1'])
  // What lies in front of them is somebody else's.
  assert.equal([...new Uint8Array(shared, 0, OFFSET)], new Array(OFFSET).fill(0))
})

lost('whoever has removed one does not remove what stands in its row since then', () => {
  const connections = new LostConnections(memory(), OFFSET)
  for (let index = 0; index < ROOM; index++) connections.add(`first ${index}`)
  const [old] = connections.beginningWith('first 5')
  assert.ok(old)
  connections.remove(old)
  // Its row is the only one that is free.
  connections.add('second')
  assert.is(connections.beginningWith('second')[0]?.row, old.row)
  connections.remove(old)
  assert.equal(textsOf(connections, 'second'), ['second'])
})

lost('where there are more than there is room for, the oldest are forgotten', () => {
  const connections = new LostConnections(memory(), OFFSET)
  const texts = Array.from({ length: ROOM + 3 }, (_, index) => `${index}`)
  for (const text of texts) connections.add(text)
  assert.equal(textsOf(connections), texts.slice(3).sort())
})

lost('the count grows with each that is added, for everybody, and with nothing else', () => {
  const shared = memory()
  const [one, other] = [new LostConnections(shared, OFFSET), new LostConnections(shared, OFFSET)]
  const counts = [other.lost]
  for (const text of ['a', 'b', 'c']) {
    one.add(text)
    counts.push(other.lost)
  }
  assert.equal(
    counts,
    counts.toSorted((count, next) => count - next),
  )
  assert.is(new Set(counts).size, counts.length)
  const [first] = other.beginningWith('a')
  assert.ok(first)
  other.remove(first)
  assert.equal([one.lost, other.lost], [counts.at(-1), counts.at(-1)])
})

lost('a text that is too long for its row is cut off, and those beside it stay whole', () => {
  const connections = new LostConnections(memory(), OFFSET)
  const texts = Array.from({ length: ROOM }, (_, index) => `short ${index}`)
  for (const text of texts) connections.add(text)
  const [first] = connections.beginningWith('short 5')
  assert.ok(first)
  connections.remove(first)
  const long = 'long'.repeat(100)
  connections.add(long)
  const [found] = connections.beginningWith('long')
  assert.ok(found && long.startsWith(found.text))
  assert.equal(textsOf(connections, 'short '), texts.filter((text) => text !== first.text).sort())
})

lost.run()
