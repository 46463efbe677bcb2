#!/bin/sh
# Debian's chromium for the browser tests, its mosquitto for MQTT, its pgbouncer and libarchive, where they are missing
# and can be had. Without them those tests are skipped, said aloud.
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null 2>&1 || missing="$missing mosquitto"
[ -x /usr/sbin/pgbouncer ] || command -v pgbouncer >/dev/null 2>&1 || missing="$missing pgbouncer"
/sbin/ldconfig -p 2>/dev/null | grep -q libarchive.so || missing="$missing libarchive13"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    # shellcheck disable=SC2086 (two words are two packages)
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null && exit 0
fi
echo "****$missing: not here and could not be installed: THE TESTS THAT NEED THEM WILL BE SKIPPED ****" >&2
exit 0
