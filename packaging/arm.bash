# ARM programs on another processor: sourced by the tests that need them.

binfmt=/proc/sys/fs/binfmt_misc
arm_ours= arm_mounted=

# know_arm tells the kernel to run ARM programs with qemu-arm, unless it does
# already. With F it opens qemu-arm at once, and finds it from any root.
know_arm() {
    local elf='\x7f\x45\x4c\x46\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00'
    local bits='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    if ! command -v qemu-arm-static >/dev/null; then
        echo "could not run: qemu-arm-static is missing: apt-get install --no-install-recommends qemu-user-static" >&2
        exit 1
    fi
    if [ ! -e $binfmt/register ]; then
        mount -t binfmt_misc binfmt_misc $binfmt
        arm_mounted=yes
    fi
    ! grep -lsq '^magic 7f454c460101010*200280*$' $binfmt/* || return 0
    arm_ours=posagent-arm-$$
    echo ":$arm_ours:M::$elf:$bits:$(command -v qemu-arm-static):OPF" >$binfmt/register
}

# forget_arm takes back what know_arm did.
forget_arm() {
    [ -z "$arm_ours" ] || echo -1 >"$binfmt/$arm_ours"
    [ -z "$arm_mounted" ] || umount "$binfmt" 2>/dev/null || true
    arm_ours= arm_mounted=
}
