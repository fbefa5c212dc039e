import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { AppendTime } from '#dist/src/engine/append-time.js'

const test = suite('engine: how long appends take')

function after(time: AppendTime, microseconds: number, times: number): boolean {
  // No two appends are alike to the microsecond, but for what is said again.
  for (let count = 0; count < times; count++) time.note(microseconds + (count % 2))
  return time.isLong
}

test('one slow append among quick ones changes nothing, many do, and so do many quick ones', () => {
  const time = new AppendTime()
  assert.is(after(time, 100, 20), false)
  assert.is(after(time, 6_000, 1), false)
  assert.is(after(time, 100, 20), false)
  assert.is(after(time, 3_000, 20), true)
  assert.is(after(time, 800, 40), true, 'between the marks it stays as it is')
  assert.is(after(time, 100, 20), false)
  assert.is(after(time, 800, 40), false)
})

test('an append that is told of many times counts once', () => {
  const time = new AppendTime()
  for (let count = 0; count < 100; count++) time.note(6_000)
  assert.is(time.isLong, false)
})

test.run()
