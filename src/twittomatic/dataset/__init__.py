"""What the researcher does with a dataset afterwards: read it. Needs the directory only, never Redis.

    dataset = Dataset("data")
    for user_id in dataset.users():
        print(user_id, len(dataset.followers(user_id)))

A `Dataset` is opened on a directory, holds nothing open, and reads every file as a stream when it is asked.
"""

from twittomatic.dataset.reader import Dataset

__all__ = ["Dataset"]
