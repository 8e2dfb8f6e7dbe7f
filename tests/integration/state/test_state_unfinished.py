"""Where the jobs of a crawl stand that are not done."""

from support.state import LedCrawl
from twittomatic.model import Checkpoint, FileState, Module
from twittomatic.state.admin import JobAdmin

BOTH = [Module.FOLLOWER, Module.TIMELINE]


async def test_jobs_that_wait_are_leased_or_done(led: LedCrawl) -> None:
    admin, jobs = JobAdmin(led.connection, led.keys), led.worker()
    assert await admin.checkpoints_of(["1"], BOTH) == {}
    one, two, three, _ = await led.lease_new(jobs, range(1, 5))
    half = Checkpoint(part="p", files={"fws": FileState(lines=1000)})
    await jobs.commit(one, half, {})
    await jobs.complete(two)
    await jobs.release(three, "dead")
    ids = [str(number) for number in range(1, 1500)]
    assert await admin.checkpoints_of(ids, BOTH) == {
        "1": {Module.FOLLOWER: half},
        "4": {Module.FOLLOWER: Checkpoint()},
    }


async def test_lists_are_unfinished_of_which_a_part_is_bought(led: LedCrawl) -> None:
    jobs = led.worker()
    one, two, three = await led.lease_new(jobs, range(1, 4))
    for job in (one, two):
        await jobs.commit(job, Checkpoint(part=f"part-{job.user_id}"), {})
    await led.crawl.pause("No money.", by="network")
    assert (await led.crawl.status()).unfinished == 0  # a worker downloads them
    await jobs.release(one, "ready")
    await jobs.release(two, "later", most_failures=9)
    await jobs.release(three, "ready")  # which bought nothing
    assert (await led.crawl.status()).unfinished == 2
    await led.crawl.resume()
    assert (await led.crawl.status()).unfinished == 0, "it is not counted while the crawl runs"
