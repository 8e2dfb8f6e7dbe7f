-- crawl/seeded: records that all seeds are in the frontier, so that an empty frontier is the end of the crawl.
-- KEYS  1 crawl hash   2 leader hash   ARGV  1 name of the master   2 its epoch   3 how many seeds are new
-- Returns 0 when another master leads, whose seeds may not all be there. A crawl with new seeds must be quoted.
-- Twice is harmless. Cost: constant.
-- use lib/leader
if not leads(KEYS[2], ARGV[1], ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'seeding', 0)
if tonumber(ARGV[3]) > 0 then
  redis.call('HSET', KEYS[1], 'unquoted', 1)
end
return 1
