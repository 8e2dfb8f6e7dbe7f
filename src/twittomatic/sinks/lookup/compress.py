"""Lossless compression of profiles with a preset dictionary, to a third of their size."""

from __future__ import annotations

import zlib
from typing import Final

_RAW = -12  # no header, no checksum, and a window of 4 KB, which a profile and the dictionary seldom fill
_LEVEL = 6  # 5 % smaller than level 1
_MEMORY = 5  # of 9: short texts need no large table, and a small one is faster to set up

# Text that most profiles share, the most common last, where distances are shortest. Stores are written with
# exactly these bytes: changing them means changing the store's FORMAT.
_DICTIONARY: Final = (
    b'"affiliation":{"badge_url":"https://pbs.twimg.com/profile_images/","description":"","url":"https://twitter.com/'
    b'","user_id":["withheld":{"country_codes":["DE"],"scope":"user"}"hashtags":[{"start":0,"end":10,"tag":"'
    b'"mentions":[{"start":0,"end":10,"username":""cashtags":[{"parody":true"protected":true"verified_type":"business"'
    b'"verified_type":"government""subscription_type":"PremiumPlus""subscription_type":"Premium""verified_type":"blue"'
    b'"is_identity_verified":true"verified":true"description":{"urls":[{"start":0,"end":23,"url":"https://t.co/'
    b'","expanded_url":"http://www.youtube.com/","display_url":"instagram.com/"}]},"pinned_tweet_id":"1'
    b'"verified_followers_count":0"most_recent_tweet_id":"1'
    b'"entities":{"url":{"urls":[{"start":0,"end":23,"url":"https://t.co/","expanded_url":"https://www.","display_url":"'
    b'"location":"","description":"","url":"https://t.co/",'
    b'"profile_banner_url":"https://pbs.twimg.com/profile_banners/","protected":false,"verified":false,'
    b'"verified_type":"none","subscription_type":"None","is_identity_verified":false,"parody":false,'
    b'"profile_image_url":"https://pbs.twimg.com/profile_images/_normal.jpg","public_metrics":{"followers_count":,'
    b'"following_count":,"tweet_count":,"listed_count":0,"like_count":,"media_count":},"created_at":"2009-2010-2011-'
    b'2012-2013-2014-2015-2016-2017-2018-2019-2020-2021-2022-2023-2024-2025-T00:00:00.000Z","id":"1","name":"","username":"'
)


def pack(record: bytes) -> bytes:
    """Compress a profile, deterministically."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    return packer.compress(record) + packer.flush()


def unpack(packed: bytes) -> bytes:
    """Decompress a profile."""
    return zlib.decompressobj(_RAW, _DICTIONARY).decompress(packed)
