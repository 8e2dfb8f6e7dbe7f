-- jobs/requeue: queues a job that has to be done again, because its output is lost.
-- KEYS  1 prefix of the job streams  2 prefix of the job hashes  3 dead  4 crawl hash
-- ARGV  1 module  2 user id  3 its depth   4 `queue`: queue a job unless there is one
--       `lost`: put a job that is nowhere back on its stream, as the stream vanished
--       or `restart`: make an existing job begin from its beginning, as the bytes of its checkpoint are gone
-- Returns 1 when something was changed. A dead job is retried, and a finished crawl runs again.
-- Invariant: one job of a module and user, in one place. No worker runs, so none holds it.
-- Twice is harmless: it is queued by then. Cost: constant.
-- use lib/jobs
-- use lib/dead_delayed
local name = ARGV[1] .. ':' .. ARGV[2]
local hash, changed = KEYS[2] .. name, false
for _, queue in ipairs(queues(ARGV[1])) do -- before the first job: without its group a stream cannot be counted
  if redis.call('EXISTS', KEYS[1] .. queue) == 0 then
    redis.call('XGROUP', 'CREATE', KEYS[1] .. queue, 'workers', '0', 'MKSTREAM')
    redis.call('HSET', KEYS[4], 'made:' .. queue, 1)
  end
end
if redis.call('EXISTS', hash) == 1 then
  changed = ARGV[4] == 'restart' and redis.call('HDEL', hash, 'checkpoint') == 1
  if exhume(KEYS[3], name) then
    redis.call('HDEL', hash, 'attempts', 'crashes')
    requeue(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
    changed = true
  end
  if ARGV[4] == 'lost' then
    requeue(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
    changed = true
  end
elseif ARGV[4] == 'queue' then
  changed = enqueue(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])
end
if changed and redis.call('HGET', KEYS[4], 'phase') == 'finished' then
  redis.call('HSET', KEYS[4], 'phase', 'running')
end
return changed and 1 or 0
