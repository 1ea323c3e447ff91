"""Every setting of a deployment, read from the environment once, in one place.

Nothing else in the project reads the environment. Times are in seconds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from chalicelib.domain.investigation import TIERS, Tier
from chalicelib.domain.price import Price, parse_prices
from chalicelib.domain.priority import PRIORITIES, Priority
from chalicelib.domain.rate import DEFAULT_RATES, LIMIT_NAMES, LimitName, Rate, parse_rate

PiiEngine = Literal["rules", "presidio"]
CitationCheck = Literal["rules", "model"]


class SettingsError(ValueError):
    """A setting is missing or malformed; the message names it."""


@dataclass(frozen=True)
class Settings:
    """Typed settings; see docs/operations.md for what each is for."""

    reports_table: str
    access_table: str
    investigations_table: str
    audit_table: str
    webhooks_table: str
    knowledge_table: str
    artifacts_bucket: str
    queue_urls: Mapping[Priority, str]
    webhooks_queue_url: str
    knowledge_queue_url: str
    webhooks_key: str
    webhook_allow_loopback: bool
    webhook_cache_seconds: float
    llm_base_url: str
    llm_api_key: str = field(repr=False)
    llm_api_key_parameter: str
    llm_model: str
    llm_tier_models: Mapping[Tier, str]
    llm_fallback_base_url: str
    llm_fallback_api_key: str = field(repr=False)
    llm_fallback_api_key_parameter: str
    llm_fallback_model: str
    llm_prices: Mapping[str, Price]
    llm_concurrency: int
    llm_timeout_seconds: float
    llm_patience_seconds: float
    llm_section_words: int
    llm_notice: str
    embeddings_base_url: str
    embeddings_api_key: str = field(repr=False)
    embeddings_api_key_parameter: str
    embeddings_model: str
    embeddings_timeout_seconds: float
    lease_seconds: float
    reserve_seconds: float
    presign_seconds: int
    max_takeovers: int
    key_cache_seconds: float
    figures_cache_seconds: float
    resend_seconds: float
    workers: Mapping[Priority, int]
    workers_shared: bool
    inline_bytes: int
    report_theme: str
    auto_regenerate_seconds: float
    kratos_public_url: str
    kratos_timeout_seconds: float
    cors_origins: frozenset[str]
    rate_limits: Mapping[LimitName, Rate | None]
    audit_days: int
    operators: frozenset[str]
    vault_table: str
    vault_key: str
    citation_check: CitationCheck
    pii_engine: PiiEngine
    presidio_url: str
    presidio_language: str
    presidio_timeout_seconds: float
    web_search_url: str
    web_search_timeout_seconds: float
    llm_off: bool


def _number(env: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    raw = env.get(name, "")
    try:
        value = float(raw) if raw else default
    except ValueError:
        raise SettingsError(f"{name}={raw!r} is not a number") from None
    if not low <= value <= high:
        raise SettingsError(f"{name}={raw!r} must be between {low:g} and {high:g}")
    return value


def _switch(env: Mapping[str, str], name: str) -> bool:
    raw = env.get(name, "")
    if raw not in ("", "0", "1"):
        raise SettingsError(f"{name}={raw!r} must be 1 or 0")
    return raw == "1"


def _rate(env: Mapping[str, str], limit: LimitName) -> Rate | None:
    name = f"RATE_LIMIT_{limit.upper()}"
    raw = env.get(name) or DEFAULT_RATES[limit]
    try:
        return parse_rate(raw)
    except ValueError as error:
        raise SettingsError(f"{name}={raw!r} {error}") from None


def _kratos(env: Mapping[str, str]) -> str:
    """Return where sessions are asked about; empty: there are none."""
    raw = env.get("KRATOS_PUBLIC_URL", "")
    if raw and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", raw):
        raise SettingsError(f"KRATOS_PUBLIC_URL={raw!r} must be a URL such as https://kratos.example.com")
    return raw


def _pii_engine(env: Mapping[str, str]) -> tuple[PiiEngine, str]:
    """Return what looks for private values, and where the service is that helps it; empty: none does."""
    engine, url = env.get("PII_ENGINE") or "rules", env.get("PRESIDIO_URL", "")
    if engine not in ("rules", "presidio"):
        raise SettingsError(f"PII_ENGINE={engine!r} must be rules or presidio")
    if engine == "rules":
        return "rules", ""
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
        raise SettingsError(f"PRESIDIO_URL={url!r} must be a URL such as https://presidio.example.com")
    return "presidio", url


def _web_search(env: Mapping[str, str]) -> str:
    """Return where the web is searched: an instance of SearXNG; empty: nowhere."""
    raw = env.get("WEB_SEARCH_URL", "")
    if raw and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", raw):
        raise SettingsError(f"WEB_SEARCH_URL={raw!r} must be a URL such as https://search.example.com")
    return raw


def _without_model(env: Mapping[str, str]) -> tuple[Mapping[str, str], bool]:
    """Return the environment to read, and whether this deployment does without a model that writes.

    ``LLM=off`` goes before every ``LLM_*`` setting: then no text is sent to any endpoint that these name.
    """
    raw = env.get("LLM", "")
    if raw not in ("", "on", "off"):
        raise SettingsError(f"LLM={raw!r} must be on or off")
    if raw != "off":
        return env, False
    return {name: value for name, value in env.items() if not name.startswith("LLM_")}, True


def _citation_check(env: Mapping[str, str]) -> CitationCheck:
    raw = env.get("CITATION_CHECK") or "rules"
    if raw not in ("rules", "model"):
        raise SettingsError(f"CITATION_CHECK={raw!r} must be rules or model")
    return "model" if raw == "model" else "rules"


def _language(env: Mapping[str, str]) -> str:
    raw = env.get("PRESIDIO_LANGUAGE") or "en"
    if not re.fullmatch(r"[a-z]{2}", raw):
        raise SettingsError(f"PRESIDIO_LANGUAGE={raw!r} must be two letters such as en")
    return raw


def _origins(env: Mapping[str, str]) -> frozenset[str]:
    """Return the origins whose pages may read answers: none, some, or ``*`` alone."""
    raw = env.get("CORS_ORIGINS", "")
    origins = frozenset(origin.strip() for origin in raw.split(",") if origin.strip())
    if origins != {"*"} and not all(re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", o) for o in origins):
        raise SettingsError(f"CORS_ORIGINS={raw!r} must be *, or origins such as https://app.example.com, with commas")
    return origins


def _prices(env: Mapping[str, str]) -> Mapping[str, Price]:
    try:
        return parse_prices(env.get("LLM_PRICES", ""))
    except ValueError as error:
        raise SettingsError(f"LLM_PRICES: {error}") from None


def _fallback(env: Mapping[str, str]) -> tuple[str, str]:
    """Return base URL and model of the second endpoint: both, or none."""
    base_url, model = env.get("LLM_FALLBACK_BASE_URL", ""), env.get("LLM_FALLBACK_MODEL", "")
    if bool(base_url) != bool(model):
        raise SettingsError("LLM_FALLBACK_BASE_URL and LLM_FALLBACK_MODEL: set both or none")
    return base_url, model


def _embeddings(env: Mapping[str, str]) -> tuple[str, str]:
    """Return base URL and model of the embeddings endpoint: both, or none."""
    base_url, model = env.get("EMBEDDINGS_BASE_URL", ""), env.get("EMBEDDINGS_MODEL", "")
    if bool(base_url) != bool(model):
        raise SettingsError("EMBEDDINGS_BASE_URL and EMBEDDINGS_MODEL: set both or none")
    if base_url and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", base_url):
        raise SettingsError(f"EMBEDDINGS_BASE_URL={base_url!r} must be a URL such as https://models.example.com/v1")
    return base_url, model


def _workers(raw: str) -> tuple[dict[Priority, int], bool]:
    """Parse ``WORKERS``: ``shared:2``, or ``urgent:5,high:5,normal:5,low:2``."""
    counts: dict[str, int] = {}
    for part in raw.split(","):
        name, _, number = part.strip().partition(":")
        if not number.isdecimal() or not number.isascii() or int(number) < 1:
            raise SettingsError(f"WORKERS={raw!r}: each part is NAME:COUNT with a count of at least 1")
        counts[name] = int(number)
    if set(counts) == {"shared"}:
        return dict.fromkeys(PRIORITIES, counts["shared"]), True
    if set(counts) != set(PRIORITIES):
        raise SettingsError(f"WORKERS={raw!r}: give shared:N, or a count for each of {', '.join(PRIORITIES)}")
    return {priority: counts[priority] for priority in PRIORITIES}, False


def read_settings(env: Mapping[str, str]) -> Settings:
    """Build the settings from ``env``.

    Raises:
        SettingsError: a value is malformed or out of its range.
    """
    env, llm_off = _without_model(env)
    workers, shared = _workers(env.get("WORKERS") or "urgent:5,high:5,normal:5,low:2")
    fallback_base_url, fallback_model = _fallback(env)
    pii_engine, presidio_url = _pii_engine(env)
    embeddings_base_url, embeddings_model = _embeddings(env)
    return Settings(
        reports_table=env.get("REPORTS_TABLE", "reports-reports"),
        access_table=env.get("ACCESS_TABLE", "reports-access"),
        investigations_table=env.get("INVESTIGATIONS_TABLE", "reports-investigations"),
        audit_table=env.get("AUDIT_TABLE", "reports-audit"),
        webhooks_table=env.get("WEBHOOKS_TABLE", "reports-webhooks"),
        knowledge_table=env.get("KNOWLEDGE_TABLE", "reports-knowledge"),
        artifacts_bucket=env.get("ARTIFACTS_BUCKET", "reports-artifacts"),
        queue_urls={p: env.get(f"QUEUE_URL_{p.upper()}", "") for p in PRIORITIES},
        webhooks_queue_url=env.get("QUEUE_URL_WEBHOOKS", ""),
        knowledge_queue_url=env.get("QUEUE_URL_KNOWLEDGE", ""),
        webhooks_key=env.get("WEBHOOKS_KEY", ""),
        webhook_allow_loopback=_switch(env, "WEBHOOK_ALLOW_LOOPBACK"),
        webhook_cache_seconds=_number(env, "WEBHOOK_CACHE_SECONDS", 5, 0, 30),
        llm_base_url=env.get("LLM_BASE_URL", ""),
        llm_api_key=env.get("LLM_API_KEY", ""),
        llm_api_key_parameter=env.get("LLM_API_KEY_PARAMETER", ""),
        llm_model=env.get("LLM_MODEL", ""),
        llm_tier_models={t: env.get(f"LLM_MODEL_{t.upper()}") or env.get("LLM_MODEL", "") for t in TIERS},
        llm_fallback_base_url=fallback_base_url,
        llm_fallback_api_key=env.get("LLM_FALLBACK_API_KEY", ""),
        llm_fallback_api_key_parameter=env.get("LLM_FALLBACK_API_KEY_PARAMETER", ""),
        llm_fallback_model=fallback_model,
        llm_prices=_prices(env),
        llm_concurrency=int(_number(env, "LLM_CONCURRENCY", 8, 1, 64)),
        llm_timeout_seconds=_number(env, "LLM_TIMEOUT_SECONDS", 300, 1, 900),
        llm_patience_seconds=_number(env, "LLM_PATIENCE_SECONDS", 120, 0, 600),
        llm_section_words=int(_number(env, "LLM_SECTION_WORDS", 600, 80, 4000)),
        llm_notice=env.get("LLM_NOTICE", ""),
        embeddings_base_url=embeddings_base_url,
        embeddings_api_key=env.get("EMBEDDINGS_API_KEY", ""),
        embeddings_api_key_parameter=env.get("EMBEDDINGS_API_KEY_PARAMETER", ""),
        embeddings_model=embeddings_model,
        embeddings_timeout_seconds=_number(env, "EMBEDDINGS_TIMEOUT_SECONDS", 20, 1, 120),
        lease_seconds=_number(env, "LEASE_SECONDS", 180, 2, 3600),
        reserve_seconds=_number(env, "RESERVE_SECONDS", 30, 1, 300),
        presign_seconds=int(_number(env, "PRESIGN_SECONDS", 900, 1, 900)),
        max_takeovers=int(_number(env, "MAX_TAKEOVERS", 3, 1, 20)),
        key_cache_seconds=_number(env, "KEY_CACHE_SECONDS", 30, 0, 30),
        figures_cache_seconds=_number(env, "FIGURES_CACHE_SECONDS", 5, 0, 5),
        resend_seconds=_number(env, "RESEND_SECONDS", 30, 1, 3600),
        workers=workers,
        workers_shared=shared,
        inline_bytes=int(_number(env, "DOWNLOAD_INLINE_BYTES", 4_400_000, 0, 4_400_000)),
        report_theme=env.get("REPORT_THEME", ""),
        auto_regenerate_seconds=_number(env, "AUTO_REGENERATE_SECONDS", 120, 1, 86_400),
        kratos_public_url=_kratos(env),
        kratos_timeout_seconds=_number(env, "KRATOS_TIMEOUT_SECONDS", 3, 0.1, 20),
        cors_origins=_origins(env),
        rate_limits={limit: _rate(env, limit) for limit in LIMIT_NAMES},
        audit_days=int(_number(env, "AUDIT_DAYS", 400, 1, 3_660)),
        vault_table=env.get("VAULT_TABLE", "reports-vault"),
        vault_key=env.get("VAULT_KEY", ""),
        citation_check=_citation_check(env),
        pii_engine=pii_engine,
        presidio_url=presidio_url,
        presidio_language=_language(env),
        presidio_timeout_seconds=_number(env, "PRESIDIO_TIMEOUT_SECONDS", 20, 0.1, 120),
        web_search_url=_web_search(env),
        web_search_timeout_seconds=_number(env, "WEB_SEARCH_TIMEOUT_SECONDS", 8, 0.1, 60),
        llm_off=llm_off,
        operators=frozenset(name.strip() for name in env.get("OPERATORS", "").split(",") if name.strip()),
    )


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return this process's settings, read from the environment on first use."""
    return read_settings(os.environ)
