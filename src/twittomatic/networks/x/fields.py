"""Fields that we request for each object: all that are free and visible to a bearer token.

X charges for objects, not for fields. Names: X's openapi.json, version 2.159, older dialect, without the
fields of a signed-in user (confirmed_email, connection_status, receives_your_dm, subscription, the private
metrics of posts).
"""

from __future__ import annotations

USER_FIELDS = (
    "affiliation",
    "created_at",
    "description",
    "entities",
    "id",
    "is_identity_verified",
    "location",
    "most_recent_tweet_id",
    "name",
    "parody",
    "pinned_tweet_id",
    "profile_banner_url",
    "profile_image_url",
    "protected",
    "public_metrics",
    "subscription_type",
    "url",
    "username",
    "verified",
    "verified_followers_count",
    "verified_type",
    "withheld",
)

POST_FIELDS = (
    "article",
    "attachments",
    "author_id",
    "card_uri",
    "community_id",
    "context_annotations",
    "conversation_id",
    "created_at",
    "display_text_range",
    "edit_controls",
    "edit_history_tweet_ids",
    "entities",
    "geo",
    "id",
    "in_reply_to_user_id",
    "lang",
    "media_metadata",
    "note_tweet",  # the full text of a long post, whose `text` is cut
    "possibly_sensitive",
    "public_metrics",
    "referenced_tweets",
    "reply_settings",
    "scopes",
    "source",
    "text",
    "withheld",
)

EXPANSIONS = (
    "referenced_tweets.id",  # one post each: the full text of a retweet, the quoted post, the answered post
    "referenced_tweets.id.attachments.media_keys",
    "attachments.media_keys",
    "attachments.poll_ids",
    "geo.place_id",
)
"""What EXPAND_REFERENCED buys. Authors are left out: each is billed as a user, twice the price of a post."""

MOST_REFERENCES = 2
"""Maximum number of posts that a post can refer to: a reply may also quote, a retweet cannot."""

MEDIA_FIELDS = (
    "alt_text",
    "duration_ms",
    "height",
    "media_key",
    "preview_image_url",
    "public_metrics",
    "type",
    "url",
    "variants",
    "width",
)

POLL_FIELDS = ("duration_minutes", "end_datetime", "id", "options", "voting_status")

PLACE_FIELDS = (
    "contained_within",
    "country",
    "country_code",
    "full_name",
    "geo",
    "id",
    "name",
    "place_type",
)
