-- jobs/retry: lets a dead job continue where it stopped.
-- KEYS  1 prefix of the job streams  2 prefix of the job hashes  3 dead  4 crawl hash
-- ARGV  1 module  2 user id
-- Returns 1, or 0 when there is no such dead job. A finished crawl runs again. Twice is harmless. Cost: constant.
-- use lib/jobs
-- use lib/dead_delayed
if not exhume(KEYS[3], ARGV[1] .. ':' .. ARGV[2]) then
  return 0
end
redis.call('HDEL', KEYS[2] .. ARGV[1] .. ':' .. ARGV[2], 'attempts', 'crashes')
requeue(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
if redis.call('HGET', KEYS[4], 'phase') == 'finished' then
  redis.call('HSET', KEYS[4], 'phase', 'running')
end
return 1
