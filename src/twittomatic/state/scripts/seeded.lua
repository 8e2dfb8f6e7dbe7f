-- seeded: all seeds are in the frontier, so that an empty one is the end.
-- KEYS  1 crawl hash   2 leader hash   ARGV  1 name of the master   2 its epoch
-- Returns 0 when another master leads, whose seeds may not all be there. Twice is harmless. Cost: constant.
-- use leads
if not leads(KEYS[2], ARGV[1], ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'seeding', 0)
return 1
