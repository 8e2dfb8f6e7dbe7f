-- jobs/create_streams: creates the job streams that never existed.
-- KEYS  1 crawl hash  2 prefix of the job streams
-- ARGV  1.. queues
-- Returns '', or the queue whose stream vanished with its jobs.
-- Invariant: a stream that vanished is not created again. Twice is harmless. Cost: two commands a queue.
-- use lib/job_streams
return lost_stream(KEYS[1], KEYS[2], ARGV) or ''
