# The emulated box of packaging/test-kernel. Sourced by it.

qemu= line=

# prepare builds the program for both ends and lays kernel, drivers, first process
# and disk.
prepare() {
    local release module
    say "building the program for the box and for the register"
    "$here/cross" armhf build -o "$work/box/bin/posagent" ./cmd/posagent
    host_posagent=$work/posagent
    (cd "$root" && go build -o "$host_posagent" ./cmd/posagent)
    [ -n "$kernel" ] || kernel=$work/kernel.tar
    if [ ! -f "$kernel" ]; then
        say "fetching Debian's ARMv7 kernel"
        mmdebstrap --variant=extract --architectures=armhf --include=linux-image-armmp,busybox-static \
            bookworm "$kernel" $(mirror) >"$work/kernel.log" 2>&1 || {
            tail -n 20 "$work/kernel.log" >&2
            echo "could not run: no kernel could be fetched" >&2
            exit 1
        }
    fi
    mkdir "$work/kernel"
    tar -C "$work/kernel" -xf "$kernel" --wildcards ./boot './lib/modules' ./bin/busybox
    release=$(ls "$work/kernel/lib/modules")
    depmod -b "$work/kernel" "$release"
    mkdir -p "$work/box"/{bin,modules,dev,proc,sys,store,site,tmp}
    for module in xhci-pci usbserial ftdi_sio virtio_pci virtio_net virtio_blk crc32c_generic ext4; do
        modprobe -d "$work/kernel" -S "$release" --show-depends $module
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r module; do
        cp "$module" "$work/box/modules/"
        basename "$module" >>"$work/box/modules/order"
    done
    cp "$work/kernel/bin/busybox" "$work/box/bin/"
    make_clock
    cp "$here/kernel-init" "$work/box/init"
    chmod 0755 "$work/box/init"
    mv "$work/kernel/boot/vmlinuz-$release" "$work/vmlinuz"
    truncate -s 64M "$work/disk"
    mkfs.ext4 -q "$work/disk"
}

# make_clock builds a program that sets and shows a clock past 2038, which Debian's
# 32-bit busybox can't.
make_clock() {
    arm-linux-gnueabihf-gcc -O2 -static -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64 -x c -o "$work/box/bin/clock" - <<'TEXT'
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
    struct timespec t = {0};
    char text[32];
    if (argc > 1) {
        t.tv_sec = atoll(argv[1]);
        return clock_settime(CLOCK_REALTIME, &t) != 0;
    }
    clock_gettime(CLOCK_REALTIME, &t);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime(&t.tv_sec));
    puts(text);
    return 0;
}
TEXT
}

# serve_stand_in starts the stand-in for Antom on this side, where its ledger
# outlives the box, and writes the box's configuration.
serve_stand_in() {
    "$host_posagent" sandbox -no-line -listen 127.0.0.1:0 -dir "$work/site" >"$work/stand-in.log" 2>&1 &
    stand_in_pid=$!
    until_true 60 grep -q 'http://' "$work/stand-in.log" || broken "the stand-in did not start"
    stand_in=$(grep -o 'http://127.0.0.1:[0-9]*' "$work/stand-in.log" | head -n 1)
    cp "$work/site/private.pem" "$work/site/antom.pem" "$work/box/site/"
    cat >"$work/box/site/posagent.toml" <<TEXT
[antom]
base_url = "http://10.0.2.2:${stand_in##*:}/openapi/v2"
client_id = "SANDBOX0000001"
private_key_file = "private.pem"
antom_public_key_file = "antom.pem"
[payments]
pay_timeout = "30s"
[store]
path = "/store/posagent.db"
[status]
listen = ""
[[register]]
name = "lane1"
port = "usb:0403:6001"
TEXT
    (cd "$work/box" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initramfs"
}

# power_on boots the box with its battery clock at the ISO time $1, and its clock set
# to the seconds $2 where they are given: a 32-bit kernel takes nothing past 2038
# from a battery clock.
power_on() {
    local n
    n=$(find "$work" -name 'console-*.log' | wc -l)
    console=$work/console-$n.log
    rm -f "$work"/{con,mon}.{in,out}
    mkfifo "$work"/{con,mon}.{in,out}
    qemu-system-arm -M virt,highmem=off -cpu cortex-a7 -m 256 -nodefaults -display none -no-reboot \
        -kernel "$work/vmlinuz" -initrd "$work/initramfs" -append "console=ttyAMA0 quiet loglevel=1 panic=-1 nosoftlockup${2:+ clock=$2}" \
        -rtc base="$1" -serial pipe:"$work/con" -monitor pipe:"$work/mon" \
        -netdev user,id=net -device virtio-net-pci,netdev=net,romfile= \
        -drive file="$work/disk",format=raw,if=none,id=disk,cache=writethrough -device virtio-blk-pci,drive=disk \
        -chardev pty,id=line -device qemu-xhci,id=usb \
        -device usb-serial,id=adapter,chardev=line,always-plugged=on >"$work/qemu-$n.log" 2>&1 &
    qemu=$!
    cat "$work/con.out" >"$console" &
    cat "$work/mon.out" >"$work/monitor-$n.log" &
    exec 3>"$work/con.in" 4>"$work/mon.in"
    until_true 60 grep -q '/dev/pts/' "$work/qemu-$n.log" || { cat "$work/qemu-$n.log"; broken "qemu did not start"; }
    line=$(grep -o '/dev/pts/[0-9]*' "$work/qemu-$n.log" | head -n 1)
    until_true 900 grep -q '^READY' "$console" || { tail -n 20 "$console"; broken "the kernel did not come up"; }
    say "up: $(grep '^READY' "$console" | tr -d '\r')"
}

# cut_power ends the box as a pulled plug does.
cut_power() {
    [ -n "$qemu" ] || return 0
    kill -KILL "$qemu" 2>/dev/null || true
    wait "$qemu" 2>/dev/null || true
    exec 3>&- 4>&-
    qemu=
    [ -z "${sale:-}" ] || { wait "$sale" 2>/dev/null || true; sale=; }
}

# guest does one line in the box and prints what it says.
guest() {
    local from mark=$RANDOM$RANDOM
    from=$(wc -l <"$console")
    echo "$mark $1" >&3
    until_true 120 grep -q "^END-$mark " "$console" || { tail -n 20 "$console" >&2; broken "the box does not do: $1"; }
    tail -n "+$((from + 1))" "$console" | tr -d '\r' | grep -v '^END-' || true
}

unplug() { echo "device_del adapter" >&4; }
plug() { echo "device_add usb-serial,id=adapter,chardev=line,always-plugged=on" >&4; }

# wrong_clock boots after a power cut in the sale $2 with the clock in the year $1
# ($3: the RTC's time, $4: the clock's by hand, or nothing); the register goes on
# with that sale, makes one of its own, and both again once the clock was set.
wrong_clock() {
    local year=$1 cut=$2 id started
    say "booting with the clock in $year"
    power_on "$3" "$4"
    grep -q "^READY $year-" "$console" || broken "the box does not believe that it is $year"
    reached "clock in $year"
    for id in "$cut" "AT$year"; do
        pay "$id" "$(amount "$id")" 20s || true
        agrees "$id" "clock in $year"
        rule "clock in $year: $id: $(told "$id"); charged $(charges "$id") times"
    done
    guest 'grep -i "clock" /store/agent.log | tail -n 1' | cut -c 1-240 | sed 's/^/          /'
    guest "clock $(date +%s)"
    say "the clock is set: $(guest clock)"
    started=$SECONDS
    for id in "$cut" "AT$year"; do
        pay "$id" "$(amount "$id")" 5m || true
        final "$id" || { cat "$work/sale-$id.log"; broken "$id came to no end once the clock was set"; }
        agrees "$id" "clock in $year, then set"
        rule "clock in $year, then set: $id: $(told "$id"); charged $(charges "$id") times; $((SECONDS - started)) s after"
    done
    ended_well "$cut" "paid before the power cut"
    sold "SET$year" "a sale once the clock was set"
    rule "clock in $year, then set: a new sale: $(told "SET$year"), charged once"
}

# amount is what a sale is over: 1063 calls for money that moves and no answer.
amount() { case $1 in CUT*) echo 1063 ;; *) echo 1050 ;; esac; }
