-- crawl/begin: opens a crawl, or resumes it.
-- KEYS  1 crawl hash   2 counters   3 leader hash
-- ARGV  1 modules, such as `TFA`   2 the options of the crawl (JSON)   3 RFC 3339 now
--       4 name of the master and 5 its epoch, both '' where no other process can lead
-- Returns {what, modules}: `new`, `again` (it was finished; there may be more to do), `resumed` (it was running or
-- paused), `other` (it is unfinished with other modules, which are returned), `lost` (another master leads), or
-- `ruined` (its counters exist, but its hash does not); after the last three nothing was changed.
-- A new or restarted crawl must be quoted; so must one that was interrupted while it was seeded. The options first used
-- with each set of modules are kept in `asked:<modules>`: later changes may not apply to work already done.
-- Twice is harmless: the second call returns `resumed`. Cost: constant.
-- use lib/leader
if ARGV[4] ~= '' and not leads(KEYS[3], ARGV[4], ARGV[5]) then
  return { 'lost', '' }
end
local phase, modules, seeding = unpack(redis.call('HMGET', KEYS[1], 'phase', 'modules', 'seeding'))
if not phase and redis.call('EXISTS', KEYS[2]) == 1 then
  return { 'ruined', '' }
end
if phase and phase ~= 'finished' and modules ~= ARGV[1] then
  return { 'other', modules }
end
local what = not phase and 'new' or (phase == 'finished' and 'again' or 'resumed')
if what ~= 'resumed' then
  redis.call('HSET', KEYS[1], 'began_at', ARGV[3], 'asked:' .. ARGV[1], ARGV[2])
end
if what ~= 'resumed' or seeding == '1' then
  redis.call('HSET', KEYS[1], 'unquoted', 1)
end
redis.call('HSET', KEYS[1], 'phase', 'running', 'modules', ARGV[1], 'options', ARGV[2], 'seeding', 1)
redis.call('HDEL', KEYS[1], 'reason', 'until', 'paused_by')
return { what, modules or ARGV[1] }
