-- frontier/forget: deletes some keys of the seen buckets and of the frontier.
-- KEYS  1 leader hash   2.. keys to delete   ARGV  1 name of the master   2 its epoch
-- Returns 0 when another master leads: it may have restarted the crawl, and must keep what was found since.
-- Twice is harmless. Cost: constant for each key, as its memory is freed in the background.
-- use lib/leader
if not leads(KEYS[1], ARGV[1], ARGV[2]) then
  return 0
end
for i = 2, #KEYS do
  redis.call('UNLINK', KEYS[i])
end
return 1
