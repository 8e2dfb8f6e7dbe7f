-- jobs/release: gives up a job that is not done.
-- KEYS  1 prefix of the job streams  2 prefix of the job hashes  3 delayed  4 dead  5 events
-- ARGV  1 entry  2 consumer  3 module  4 user id  5 how: `ready` (as it is, at once), `later` or `dead`
--       6 delay in ms after the first failure; it doubles with each  7 the most failures  8 the job's queue
--       9 this try (JSON)  10 the event of the job's death
-- Returns {1, failures so far, 1 if it is dead}, or {0} when the caller no longer holds the job.
-- Invariant: the job is in exactly one place: its stream, delayed, or dead.
-- Twice: the second call returns {0}. Cost: constant.
-- use lib/fence
-- use lib/jobs
-- use lib/time
-- use lib/event
-- use lib/dead_delayed
local stream, name = KEYS[1] .. ARGV[8], ARGV[3] .. ':' .. ARGV[4]
if not owns(stream, ARGV[1], ARGV[2]) then
  return { 0 }
end
local hash, how, failures = KEYS[2] .. name, ARGV[5], 0
drop(stream, ARGV[1])
local history = how ~= 'ready' and remember(hash, ARGV[9])
if how == 'later' then
  failures = redis.call('HINCRBY', hash, 'attempts', 1)
  if failures >= tonumber(ARGV[7]) then
    how = 'dead'
  end
end
if how == 'ready' then
  requeue(KEYS[1], KEYS[2], ARGV[3], ARGV[4])
elseif how == 'later' then
  delay(KEYS[3], name, now_ms() + tonumber(ARGV[6]) * 2 ^ math.min(failures - 1, 10))
else
  bury(KEYS[4], name, history)
  announce(KEYS[5], ARGV[10])
end
return { 1, failures, how == 'dead' and 1 or 0 }
