-- begin: opens a crawl, or finds it where it stands.
-- KEYS  1 crawl hash   2 counters
-- ARGV  1 modules, such as `TFA`   2 what else the master wants to be remembered (JSON)   3 RFC 3339 now
-- Returns {what, modules}: `new`, `again` (it was finished; there may be more to do), `resumed` (it was running or
-- paused), or `other` (it is unfinished with other modules, which are returned; nothing was changed).
-- Twice is harmless: the second time it is `resumed`. Cost: constant.
local phase, modules = unpack(redis.call('HMGET', KEYS[1], 'phase', 'modules'))
if phase and phase ~= 'finished' and modules ~= ARGV[1] then
  return { 'other', modules }
end
local what = not phase and 'new' or (phase == 'finished' and 'again' or 'resumed')
if what ~= 'resumed' then
  redis.call('HSET', KEYS[1], 'began_at', ARGV[3])
end
redis.call('HSET', KEYS[1], 'phase', 'running', 'modules', ARGV[1], 'options', ARGV[2], 'seeding', 1)
redis.call('HDEL', KEYS[1], 'reason', 'until', 'paused_by')
return { what, modules or ARGV[1] }
