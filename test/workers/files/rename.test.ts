import * as fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createRename } from '#dist/workers/files/rename.js'

const renaming = suite('rename')

/** A system whose renames fail with these codes, one after the other, then succeed. */
function failing(platform: NodeJS.Platform, codes: readonly string[]) {
  const waits: number[] = []
  let calls = 0
  const rename = createRename({
    platform,
    rename: () => {
      const code = codes[calls++]
      if (code !== undefined) throw Object.assign(new Error(code), { code })
    },
    isDirectory: () => false,
    wait: (milliseconds) => waits.push(milliseconds),
  })
  return { rename: () => rename('a', 'b'), waits, calls: () => calls }
}

renaming('on Windows is tried again while something holds the file, with growing waits', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('EPERM', 'EACCES', 'EBUSY'), { maxLength: 11 }), (codes) => {
      const system = failing('win32', codes)
      system.rename()
      assert.is(system.calls(), codes.length + 1)
      assert.is(system.waits.length, codes.length)
      for (const [index, wait] of system.waits.entries()) {
        assert.ok(wait >= (system.waits[index - 1] ?? 1) && wait <= 200)
      }
    }),
  )
})

renaming('on Windows does not wait for a directory in the way', () => {
  let calls = 0
  const rename = createRename({
    platform: 'win32',
    rename: () => calls++,
    isDirectory: (path) => path === 'b',
    wait: () => assert.unreachable(),
  })
  assert.throws(() => rename('a', 'b'), /EISDIR/)
  assert.is(calls, 0)
  rename('b', 'a')
  assert.is(calls, 1)
})

renaming('on Windows a directory that comes into the way while it waits ends the waiting', () => {
  let waits = 0
  const rename = createRename({
    platform: 'win32',
    rename: () => {
      throw Object.assign(new Error('EPERM'), { code: 'EPERM' })
    },
    isDirectory: () => waits === 3,
    wait: () => waits++,
  })
  assert.throws(() => rename('a', 'b'), /EISDIR/)
  assert.is(waits, 3)
})

renaming('on Windows is given up after about a second', () => {
  const system = failing('win32', new Array<string>(100).fill('EPERM'))
  assert.throws(system.rename, /EPERM/)
  const sum = system.waits.reduce((total, wait) => total + wait, 0)
  assert.ok(sum > 500 && sum < 2000, `${sum} ms`)
})

renaming('on Windows other errors are errors at once', () => {
  for (const code of ['ENOENT', 'ENOSPC', 'EXDEV', 'EISDIR', 'EROFS']) {
    const system = failing('win32', [code])
    assert.throws(system.rename, new RegExp(code))
    assert.equal([system.calls(), system.waits], [1, []])
  }
})

renaming('elsewhere every error is one at once', () => {
  for (const platform of ['linux', 'darwin', 'freebsd'] as const) {
    for (const code of ['EPERM', 'EACCES', 'EBUSY', 'ENOENT']) {
      const system = failing(platform, [code])
      assert.throws(system.rename, new RegExp(code))
      assert.equal([system.calls(), system.waits], [1, []])
    }
  }
})

renaming.run()
