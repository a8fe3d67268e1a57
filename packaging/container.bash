# A Debian container, booted: sourced by packaging/test-install. Its caller sets
# $work, a folder of its own, and calls power_off before it ends.

say() { printf '%4d s  %s\n' $SECONDS "$*"; }

# need ends the run where PROGRAM is missing. A rung that can't run has failed.
need() {
    command -v "$1" >/dev/null && return
    echo "could not run: $1 is missing: apt-get install --no-install-recommends $2" >&2
    exit 1
}

# mirror prints where this machine gets Debian from: that alone, so that no second
# list can be out of step.
mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Component: main' |
        sort -u | head -n 1
}

# make_base FILE ARCH makes a minimal Debian 12 that boots, as a tar file. A mirror
# that is being renewed answers at the second try.
make_base() {
    local part=${1%.tar}.part.tar try
    for try in 1 2 3; do
        if mmdebstrap --variant=minbase --architectures="$2" --include=systemd-sysv,udev,ca-certificates \
            bookworm "$part" $(mirror) >"$work/mmdebstrap.log" 2>&1; then
            mv "$part" "$1"
            return
        fi
        say "try $try: $(grep -m 1 '^E:' "$work/mmdebstrap.log")"
    done
    tail -n 20 "$work/mmdebstrap.log" >&2
    echo "could not run: no Debian could be made for the container" >&2
    exit 1
}

nspawn= leader=

# boot DIR boots the container in DIR, without any network but its own loopback.
boot() {
    systemd-nspawn -q --boot -D "$1" --register=no --keep-unit --resolv-conf=off \
        --private-network --console=pipe </dev/null >"$work/console.log" 2>&1 &
    nspawn=$!
    if ! until_true 120 booted; then
        tail -n 20 "$work/console.log" >&2
        echo "could not run: systemd did not come up in the container" >&2
        exit 1
    fi
}

# booted finds the container's first process, a child of systemd-nspawn, and asks
# it whether it is done.
booted() {
    local child
    for child in $(pgrep -P "$nspawn"); do
        [ "$(cat "/proc/$child/comm" 2>/dev/null)" = systemd ] || continue
        leader=$child
        case $(inside systemctl is-system-running 2>/dev/null) in running|degraded) return 0 ;; esac
    done
    return 1
}

# power_off ends the container, in order if it can.
power_off() {
    [ -n "$nspawn" ] || return 0
    [ -z "$leader" ] || kill -s RTMIN+4 "$leader" 2>/dev/null || true
    until_true 30 gone "$nspawn" || kill -KILL ${leader:+"$leader"} "$nspawn" 2>/dev/null || true
    wait "$nspawn" 2>/dev/null || true
    nspawn= leader=
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# inside runs a command as root in the container, as_posagent as the agent's user:
# a pseudo terminal belongs to who opens it.
inside() { nsenter -a -t "$leader" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
as_posagent() { inside setpriv --reuid posagent --regid posagent --clear-groups "$@"; }

# until_true SECONDS COMMAND… waits for the command to succeed.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}

# unit PROPERTY prints one of the unit's.
unit() { inside systemctl show --property="$1" --value posagent.service; }
unit_is() { [ "$(unit "$1")" = "$2" ]; }

# cursor remembers the last that the agent wrote; said prints what it wrote since. Both
# look at the agent alone: past another's entry journalctl leaves the first one out.
cursor() { inside journalctl -q -n 1 --show-cursor -o cat -t posagent | sed -n 's/^-- cursor: //p' >"$work/cursor"; }
said() { inside journalctl -q --after-cursor="$(cat "$work/cursor")" -t posagent -o cat; }
says() { said | grep -i "$1" >/dev/null; }
