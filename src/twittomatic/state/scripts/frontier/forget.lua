-- frontier/forget: removes some keys of the seen and of the frontier.
-- KEYS  1 leader hash   2.. what is to be removed   ARGV  1 name of the master   2 its epoch
-- Returns 0 when another master leads: it may have begun the crawl again, and what was found since is not removed.
-- Twice is harmless. Cost: constant for each key, as the memory is freed beside.
-- use lib/leader
if not leads(KEYS[1], ARGV[1], ARGV[2]) then
  return 0
end
for i = 2, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
return 1
