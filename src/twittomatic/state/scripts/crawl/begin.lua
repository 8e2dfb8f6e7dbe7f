-- crawl/begin: opens a crawl, or finds it where it stands.
-- KEYS  1 crawl hash   2 counters   3 leader hash
-- ARGV  1 modules, such as `TFA`   2 what else the master wants to be remembered (JSON)   3 RFC 3339 now
--       4 name of the master and 5 its epoch, both '' where nobody else can lead
-- Returns {what, modules}: `new`, `again` (it was finished; there may be more to do), `resumed` (it was running or
-- paused), `other` (it is unfinished with other modules, which are returned), `lost` (another master leads), or
-- `ruined` (it has counted already, and is not there); after the last three nothing was changed.
-- Whatever is not `resumed` owes a quote, and so does a crawl whose seeds may have come without one; what it asks for is
-- kept for each combination of modules as it was when it began: what an unfinished one was told since may come too late.
-- Twice is harmless: the second time it is `resumed`. Cost: constant.
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
