-- jobs/complete: ends a job that is done, and queues the job that follows it.
-- KEYS  1 prefix of the job streams  2 prefix of the job hashes  3 counters  4 events
--       5 lists that ended short  6 lists that stalled
-- ARGV  1 entry  2 consumer  3 module  4 user id  5 module that follows on the same target, or ''  6 its depth
--       7 the job's queue  8 `short` or `stalled` if the list ended early, or ''  9 JSON of that list
--       10 number of events, then those (JSON), then pairs: counter, increment
-- Returns 1, or 0 when the caller no longer holds the job: then nothing was changed.
-- Invariant: a job ends in the same step in which the next one is queued and its events are written.
-- Twice: the second call returns 0, as the job is gone; the caller then drops it. Cost: constant.
-- use lib/fence
-- use lib/jobs
-- use lib/event
local stream = KEYS[1] .. ARGV[7]
if not owns(stream, ARGV[1], ARGV[2]) then
  return 0
end
drop(stream, ARGV[1])
local hash = KEYS[2] .. ARGV[3] .. ':' .. ARGV[4]
local address = ARGV[5] ~= '' and redis.call('HGET', hash, 'address')
redis.call('DEL', hash)
if ARGV[5] ~= '' then
  enqueue(KEYS[1], KEYS[2], ARGV[5], ARGV[4], ARGV[6], address)
end
local name = ARGV[3] .. ':' .. ARGV[4]
for i, ending in ipairs({ 'short', 'stalled' }) do
  if ARGV[8] == ending then
    redis.call('HSET', KEYS[4 + i], name, ARGV[9])
  else
    redis.call('HDEL', KEYS[4 + i], name)
  end
end
local last = 10 + tonumber(ARGV[10])
for i = 11, last do
  announce(KEYS[4], ARGV[i])
end
redis.call('HINCRBY', KEYS[3], 'completed:' .. ARGV[3], 1)
for i = last + 1, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[3], ARGV[i], ARGV[i + 1])
end
return 1
