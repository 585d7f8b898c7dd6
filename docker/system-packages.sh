#!/bin/sh
# Install the system packages that Python wheels cannot bring, where that can be done.
# Where it cannot, say in one line what is missing and what is left out.
set -u

need_gost() {
    for dir in /usr/lib/*/engines-3 /usr/lib/engines-3 /usr/lib64/engines-3; do
        [ -e "$dir/gost.so" ] && return 1
    done
    return 0
}

need_gnutls() {
    for file in /usr/lib/*/libgnutls.so.30 /usr/lib/libgnutls.so.30 /usr/lib64/libgnutls.so.30; do
        [ -e "$file" ] && return 1
    done
    return 0
}

if need_gnutls; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y libgnutls30; } >/dev/null 2>&1
    fi
    if need_gnutls; then
        echo "missing: libgnutls30 (as root: apt-get install libgnutls30); left out: GOST where the engine of libcrypto is missing" >&2
    fi
fi

if need_gost; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y libengine-gost-openssl; } >/dev/null 2>&1
    fi
    if need_gost; then
        echo "missing: libengine-gost-openssl (as root: apt-get install libengine-gost-openssl); left out: GOST on curves that GnuTLS has not" >&2
    fi
fi
exit 0
