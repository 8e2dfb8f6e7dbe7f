"""What is done to a target: `timeline`, `follower`, `analyzer`, `update`, one file each.

The life of a job: a worker leases it and calls its module, which goes on at the job's checkpoint; each page
is fetched, written and synced to a part file, and committed (`paged`); at the end the part files become files
of the dataset, with a line in the journal, and the job is completed together with what follows from it.
"""
