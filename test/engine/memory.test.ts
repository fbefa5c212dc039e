import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryDirectory } from '../fixtures/temporary-directory.js'
import { runProgram } from '../processes/program.js'

const test = suite('engine: memory')

/** What a pending save may cost beside its bytes: those of the encoded session and of its key. */
const ALLOWED = 500

for (const [what, size, count] of [
  ['small sessions', 300, 50_000],
  ['larger sessions', 4_000, 12_000],
] as const) {
  test(`a pending save of ${what} costs its bytes and no more than ${ALLOWED} beside`, async () => {
    const ending = await runProgram(
      `
      const measure = () => {
        for (let round = 0; round < 4; round++) globalThis.gc()
        const { heapUsed, external } = process.memoryUsage()
        // Array buffers are part of external.
        return heapUsed + external
      }
      const engine = new SessionEngine({ directory: ${JSON.stringify(temporaryDirectory('memory'))}, threads: 1 })
      const count = ${count}
      const keys = Array.from({ length: count + 500 }, (_, index) => 'session-key-of-32-characters-' + String(index).padStart(5, '0'))
      // Parts of strings are kept as such until they are used as a whole.
      const flat = new Map(keys.map((key) => [key, 1]))
      const session = { text: 'x'.repeat(${size}) }
      // The whole burst once before: what it takes to run at all, compiled code above all, is no session's cost.
      await Promise.all(keys.map((key) => engine.save(key, session)))
      await engine.flush()
      const saves = new Array(count).fill(undefined)
      const before = measure()
      for (let index = 0; index < count; index++) saves[index] = engine.save(keys[index], session)
      const { bytes, operations } = engine.stats().pending
      const grown = measure() - before
      const own = bytes + count * keys[0].length
      if (operations !== count) throw new Error(operations + ' pending')
      await Promise.all(saves)
      saves.fill(undefined)
      await engine.flush()
      const { pending } = engine.stats()
      const left = measure() - before
      console.log(JSON.stringify({ beside: (grown - own) / count, left: left / count, pending, flat: flat.size }))
      await engine.close()
    `,
      { flags: ['--expose-gc'] },
    )
    assert.is(ending.code, 0, ending.stderr)
    const measured = JSON.parse(ending.stdout) as {
      beside: number
      left: number
      pending: { operations: number; bytes: number }
    }
    assert.ok(measured.beside <= ALLOWED, `${measured.beside} bytes beside the session's`)
    assert.ok(measured.left <= 60, `${measured.left} bytes a save are left when it is stored`)
    assert.equal(measured.pending, { operations: 0, bytes: 0 })
  })
}

test.run()
