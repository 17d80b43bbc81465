"""What browsers are told about every page of ours."""

SOURCES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


def page_headers(**changed: str) -> dict[str, str]:
    """Headers of a page that loads from us alone; `changed`: sources of a kind, as `style_src`."""
    sources = SOURCES | {kind.replace("_", "-"): value for kind, value in changed.items()}
    return {
        "Content-Security-Policy": "; ".join(f"{kind} {value}" for kind, value in sources.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
