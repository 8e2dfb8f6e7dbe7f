"""A post and a profile with every field that X is known to send for the fields that we ask for."""

from typing import Any

USER_ID = "1790000000000000777"

ENTITIES: dict[str, Any] = {
    "annotations": [{"start": 0, "end": 3, "probability": 0.9, "type": "Place", "normalized_text": "Pisa"}],
    "cashtags": [{"start": 0, "end": 3, "tag": "UNI"}],
    "hashtags": [{"start": 0, "end": 3, "tag": "pisa"}],
    "mentions": [{"start": 0, "end": 3, "username": "jack", "id": "12"}],
    "urls": [
        {
            "start": 0,
            "end": 3,
            "url": "https://t.co/a",
            "expanded_url": "https://a.org",
            "media_key": "3_1",
            "display_url": "a.org",
            "unwound_url": "https://a.org/",
            "title": "A",
            "status": 200,
        }
    ],
}
METRICS = dict.fromkeys(
    ["retweet_count", "reply_count", "like_count", "quote_count", "bookmark_count", "impression_count"], 7
)
WITHHELD = {"copyright": True, "country_codes": ["DE"], "scope": "tweet"}
POST: dict[str, Any] = {
    "id": "1990000000000000123",
    "text": "The beginning\nof it … https://t.co/self",
    "article": {
        "title": "T",
        "text": "all",
        "plain_text": "all",
        "preview_text": "a",
        "cover_media": "3_1",
        "media_entities": ["3_1"],
        "entities": {**ENTITIES, "code": [{"content": "x"}]},
    },
    "attachments": {"media_keys": ["3_1"], "poll_ids": ["7"], "media_source_tweet_id": ["5"]},
    "author_id": USER_ID,
    "card_uri": "card://1",
    "community_id": "8",
    "context_annotations": [{"domain": {"id": "1", "name": "d"}, "entity": {"id": "2", "name": "e"}}],
    "conversation_id": "1990000000000000123",
    "created_at": "2026-01-02T03:04:05.000Z",
    "display_text_range": [0, 10],
    "edit_controls": {
        "edits_remaining": 5,
        "is_edit_eligible": True,
        "editable_until": "2026-01-02T04:04:05Z",
    },
    "edit_history_tweet_ids": ["1990000000000000123"],
    "entities": ENTITIES,
    "geo": {"place_id": "p1", "coordinates": {"type": "Point", "coordinates": [10.4, 43.7]}},
    "in_reply_to_user_id": "12",
    "lang": "en",
    "media_metadata": [{"media_key": "3_1"}],
    "note_tweet": {"text": "The beginning of it and its end", "entities": ENTITIES},
    "possibly_sensitive": False,
    "public_metrics": METRICS,
    "reply_settings": "everyone",
    "scopes": {"followers": True},
    "source": "us",
    "withheld": WITHHELD,
    "suggested_source_links": [],
    "referenced_tweets": [{"type": "quoted", "id": "4"}, {"type": "replied_to", "id": "6"}],
}
RETWEET: dict[str, Any] = {
    "id": "1990000000000000122",
    "text": "RT @b: The beg…",
    "author_id": USER_ID,
    "public_metrics": METRICS,
    "referenced_tweets": [{"type": "retweeted", "id": "5"}],
}
INCLUDES: dict[str, Any] = {
    "tweets": [{**POST, "id": "5", "author_id": "9"}, {**POST, "id": "4", "author_id": "9"}],
    "media": [
        {"media_key": "3_1", "type": "photo", "variants": [{"url": "u"}], "public_metrics": {"view_count": 1}}
    ],
    "polls": [
        {
            "id": "7",
            "duration_minutes": 5,
            "end_datetime": "2026-01-02T03:09:05Z",
            "voting_status": "closed",
            "options": [{"position": 1, "label": "yes", "votes": 3}],
        }
    ],
    "places": [
        {
            "id": "p1",
            "full_name": "Pisa",
            "name": "Pisa",
            "country": "Italy",
            "country_code": "IT",
            "place_type": "city",
            "contained_within": ["p0"],
            "geo": {
                "type": "Feature",
                "bbox": [10.3, 43.6, 10.5, 43.8],
                "properties": {},
                "geometry": {"type": "Point", "coordinates": [10.4, 43.7]},
            },
        }
    ],
}
PROFILE: dict[str, Any] = {
    "id": "1780000000000000456",
    "username": "a",
    "name": "A\tB",
    "created_at": "2026-01-02T03:04:05.000Z",
    "affiliation": {"badge_url": "b", "description": "d", "url": "u", "user_id": ["9"]},
    "description": "d",
    "entities": {"url": {"urls": ENTITIES["urls"]}, "description": ENTITIES},
    "location": "Pisa",
    "parody": False,
    "is_identity_verified": False,
    "most_recent_tweet_id": "5",
    "pinned_tweet_id": "4",
    "protected": False,
    "profile_banner_url": "p",
    "profile_image_url": "p",
    "subscription_type": "None",
    "url": "u",
    "verified": True,
    "verified_followers_count": 3,
    "verified_type": "blue",
    "withheld": {"country_codes": ["DE"], "scope": "user"},
    "public_metrics": {
        "followers_count": 1,
        "following_count": 2,
        "tweet_count": 3,
        "listed_count": 4,
        "like_count": 5,
        "media_count": 6,
    },
}
