/* A plugin of qemu-user that counts the guest's instructions, those of all its
 * threads, and says so on standard error when the guest ends:
 *
 *   cc -O2 -shared -fPIC -o instructions.so instructions.c
 *   qemu-arm -plugin ./instructions.so PROGRAM
 *
 * The functions are those of QEMU's plugin interface, version 1. They are declared
 * here because the packages of qemu-user carry no header. */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct qemu_plugin_tb;
enum { no_registers = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*cb)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*cb)(unsigned int, void *),
                                          int flags, void *userdata);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*cb)(uint64_t, void *), void *userdata);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);

int qemu_plugin_version = 1;

static uint64_t executed;

static void run(unsigned int cpu, void *instructions) {
    (void)cpu;
    __atomic_fetch_add(&executed, (uintptr_t)instructions, __ATOMIC_RELAXED);
}

static void translate(uint64_t id, struct qemu_plugin_tb *block) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(block, run, no_registers, (void *)(uintptr_t)qemu_plugin_tb_n_insns(block));
}

static void end(uint64_t id, void *nothing) {
    (void)id, (void)nothing;
    fprintf(stderr, "instructions %" PRIu64 "\n", __atomic_load_n(&executed, __ATOMIC_RELAXED));
}

int qemu_plugin_install(uint64_t id, const void *about, int argc, char **argv) {
    (void)about, (void)argc, (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, end, NULL);
    return 0;
}
