"""Names that marks carry: platforms, whose name stands beside a graphic and a handle, and agencies."""

from __future__ import annotations

from preflight.engine.model.identity import IDENTITY, is_same_text

PLATFORMS = (
    "tiktok",
    "douyin",
    "抖音",
    "快手",
    "kwai",
    "小红书",
    "youtube",
    "instagram",
    "snapchat",
    "bilibili",
    "哔哩哔哩",
    "西瓜视频",
    "好看视频",
    "capcut",
    "剪映",
)
"""Names of platforms whose marks are burned into copies of their videos."""
AGENCIES = (
    "shutterstock",
    "istock",
    "istockphoto",
    "gettyimages",
    "adobestock",
    "alamy",
    "dreamstime",
    "depositphotos",
    "123rf",
    "pond5",
    "videoblocks",
    "storyblocks",
    "envato",
    "freepik",
    "vecteezy",
    "bigstock",
    "motionarray",
    "preview",
    "watermark",
    "视觉中国",
    "图虫创意",
    "摄图网",
    "千图网",
    "包图网",
)
"""What marks of agencies say, over previews of their videos."""


def is_platform(text: str) -> bool:
    """Return True for a text with the name of a platform."""
    words = _joined(text)
    return any(name in words for name in PLATFORMS)


def is_agency(text: str) -> bool:
    """Return True for the mark of an agency, as far as a recogniser that errs can show."""
    words = _joined(text)
    return any(is_same_text(words, name, IDENTITY.exact_similarity) for name in AGENCIES)


def _joined(text: str) -> str:
    return text.lower().replace(" ", "")
