import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { countCalls } from '../../bench/footprint/count-calls.js'
import { BEGIN, END, SAVES } from '../../bench/footprint/marks.js'

const counting = suite('what strace has seen is counted')

const LOG = `11 openat(AT_FDCWD</work>, "/data/before", O_WRONLY|O_CREAT, 0600) = 20</data/before>
11 access("${BEGIN}", F_OK) = -1 ENOENT (No such file or directory)
12 openat(AT_FDCWD</work>, "/data/.a.tmp", O_WRONLY|O_CREAT|O_EXCL, 0600) = 21</data/.a.tmp>
12 write(21</data/.a.tmp>, ""..., 326 <unfinished ...>
11 write(9<anon_inode:[eventfd]>, ""..., 8) = 8
12 <... write resumed>) = 326
12 fsync(21</data/.a.tmp>) = 0
12 close(21</data/.a.tmp>) = 0
12 rename("/data/.a.tmp", "/data/a") = 0
12 openat(AT_FDCWD</work>, "/data/b", O_RDONLY) = -1 ENOENT (No such file or directory)
11 write(17<socket:[123]>, ""..., 100) = 100
11 access("${END}", F_OK) = -1 ENOENT (No such file or directory)
11 rename("/data/after", "/data/c") = 0
`

counting('between the marks, and on files alone', () => {
  const { calls, writes, bytesGiven, filesCreated, renames, syncs } = countCalls(LOG)
  const total = (each: number): number => Math.round(each * SAVES)
  assert.is(total(filesCreated), 1)
  assert.is(total(writes), 1)
  assert.is(total(bytesGiven), 326)
  assert.is(total(renames), 1)
  assert.is(total(syncs), 1)
  // With the one that found nothing.
  assert.is(total(calls), 6)
})

counting.run()
