-- jobs/heartbeat: renews the leases of a worker process, stores its report, and returns the state of the crawl.
-- KEYS  1 crawl hash  2 leader hash  3 workers  4 prefix of the job streams  5 standbys
-- ARGV  1 consumer  2 its report (JSON)  3.. pairs: queue, entry
-- Returns {phase, reason, name of the master or of a standby about to lead, or '', index of each pair whose job the
-- caller lost...}.
-- Invariant: a lost lease is never renewed. Twice is harmless. Cost: two commands for each job held.
-- use lib/fence
local lost = {}
for i = 3, #ARGV, 2 do
  local stream = KEYS[4] .. ARGV[i]
  if owns(stream, ARGV[i + 1], ARGV[1]) then
    redis.call('XCLAIM', stream, 'workers', ARGV[1], 0, ARGV[i + 1], 'JUSTID')
  else
    lost[#lost + 1] = (i - 3) / 2
  end
end
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
local crawl = redis.call('HMGET', KEYS[1], 'phase', 'reason')
local leader = redis.call('HGET', KEYS[2], 'name') or redis.call('ZRANGE', KEYS[5], 0, 0, 'REV')[1]
return { crawl[1] or '', crawl[2] or '', leader or '', unpack(lost) }
