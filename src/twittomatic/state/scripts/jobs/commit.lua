-- jobs/commit: commits a page: its checkpoint and its counters.
-- KEYS  1 job stream  2 job hash  3 counters
-- ARGV  1 entry  2 consumer  3 checkpoint (JSON)  4.. pairs: counter, increment
-- Returns 1, or 0 when the caller no longer holds the job: then nothing was changed.
-- Invariant: only the holder of the lease replaces a checkpoint.
-- Twice is harmless: a checkpoint that is there already is not counted again. Cost: constant.
-- use lib/fence
if not owns(KEYS[1], ARGV[1], ARGV[2]) then
  return 0
end
if redis.call('HGET', KEYS[2], 'checkpoint') == ARGV[3] then
  return 1
end
redis.call('HSET', KEYS[2], 'checkpoint', ARGV[3])
redis.call('HDEL', KEYS[2], 'attempts', 'crashes')
for i = 4, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[3], ARGV[i], ARGV[i + 1])
end
return 1
